"""The built site in a browser: `make book` first. Left out where there is no Chromium."""

import re
from urllib.parse import unquote, urldefrag, urljoin

import nbformat
import pytest
from browser import MISSING, PHONE, SITE, chromium, open_page, serious
from notebooks import chapters, page_of, paths

from ddpm_course.proofs.display import MIME

bs4 = pytest.importorskip("bs4")
pytest.importorskip("axe_playwright_python", reason="needs .[book]: run make book")

PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html"))
CHAPTERS = [f"{page_of(path)}.html" for path in paths()]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not chromium(), reason=MISSING),
    pytest.mark.skipif(not PAGES, reason="build/book is not there: run make book"),
]


@pytest.fixture(scope="module")
def soups():
    return {
        name: bs4.BeautifulSoup((SITE / name).read_text(encoding="utf-8"), "html.parser")
        for name in PAGES
    }


def test_every_notebook_has_a_page():
    assert set(CHAPTERS) <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_page(page, name):
    open_page(page, name)
    assert (
        page.locator(".math:not(:empty, :has(mjx-container)), mjx-merror, [data-mjx-error]").count()
        == 0
    )
    assert serious(page) == []
    page.set_viewport_size(PHONE)
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")  # resized
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(WIDER_THAN_ITS_BOX) == []
    assert page.faults == []


# What reaches over the edge of a phone must be in a box that scrolls, and that has the focus in
# turn, so that the arrow keys can scroll it.
WIDER_THAN_ITS_BOX = """[...document.querySelectorAll("article *")].filter(part => {
    if (!part.clientWidth || part.getBoundingClientRect().right <= innerWidth + 1) return false
    const box = part.closest("pre, .math-wrapper, .table-wrapper")
    return !(box && box.tabIndex == 0 && getComputedStyle(box).overflowX == "auto")
}).map(part => part.outerHTML.slice(0, 100))"""


def test_links_and_anchors(soups):
    broken = []
    anchors = {name: {part["id"] for part in soup.select("[id]")} for name, soup in soups.items()}
    for name, soup in soups.items():
        for part in soup.select("[href], [src]"):
            link, fragment = urldefrag(urljoin(name, part.get("href") or part.get("src")))
            if re.match(r"\w+:", link):
                continue
            found = (SITE / unquote(link).split("?")[0]).is_file()
            if found and fragment and link in soups:
                found = unquote(fragment) in anchors[link]
            if not found:
                broken.append(f"{name}: {part.get('href') or part.get('src')}")
    assert broken == []


def test_checked_equations_are_where_links_lead(soups):
    links = soups["equations.html"].select(".remark a")
    listed, seen = {link["href"].split("#eq-")[-1] for link in links}, set()
    for path in paths():
        soup = soups[f"{page_of(path)}.html"]
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                if facts := output.get("data", {}).get(MIME):
                    name = facts["number"].replace(".", "-").lower()
                    assert name in listed
                    if name not in seen:
                        mark = soup.find(id=f"eq-{name}").select_one(".mark > summary")
                        assert mark.text.startswith(f"({facts['number']})")
                        assert mark["title"] == facts["verdict"]
                    seen.add(name)
        cited = [
            number
            for text in soup.select("article p, article li")
            if not text.select(".math")
            for number in re.findall(r"(?<!\w)\((\d+\.\d+[a-z]?|H\d+)\)", text.text)
            if not text.find("a", string=f"({number})")
        ]
        assert cited == []
    assert seen == listed


def test_pictures_have_a_text(soups):
    short = [
        (name, str(image))
        for name in CHAPTERS
        for image in soups[name].select("article img")
        if len(image.get("alt", "")) < 30
    ]
    assert short == []


def test_a_caption_of_lines_names_no_brightness_since_a_dark_scheme_turns_it(soups):
    for name in CHAPTERS:
        for image in soups[name].select("article img.lines"):
            assert not re.search(r"(?i)\b(black|white|dark|light|bright)", image["alt"]), name


def test_lines_are_light_on_dark_in_a_dark_scheme_and_pixels_stay(page):
    open_page(page, "05_epsilon.html")
    styles = """kind => getComputedStyle(document.querySelector(`img.${kind}`)).filter"""
    for scheme, lines, pixels in (("light", "none", "none"), ("dark", "invert", "brightness")):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(styles, "lines").startswith(lines)
        assert page.evaluate(styles, "pixels").startswith(pixels)
    page.emulate_media(media="print")
    assert page.evaluate(styles, "lines") == "none"


def test_no_directive_is_shown(soups):
    for name in CHAPTERS:
        code = "\n".join(part.text for part in soups[name].select("article pre"))
        assert not re.search(r"^(#\||# NBVAL)", code, re.M)


def test_notebooks_can_be_downloaded(soups):
    for path in paths():
        link = soups[f"{page_of(path)}.html"].find("a", string="Download this notebook")
        assert (SITE / page_of(path)).parent.joinpath(
            link["href"]
        ).read_bytes() == path.read_bytes()


def test_functions_and_chapters_lead_to_each_other(soups):
    chapter = soups["03_posterior.html"]
    assert chapter.select_one(".links a[href='api/posterior.html']")
    entry = soups["api/posterior.html"].find(id="ddpm_course.posterior.q_posterior_mean_variance")
    link = entry.find_parent("dl").select_one(".remark a")
    cell = chapter.find(id=link["href"].split("#")[1])
    assert "def q_posterior_mean_variance" in cell.text


def test_the_reference_says_which_names_may_be_given_and_where_a_formula_is_proved(soups):
    prediction = soups["api/prediction.html"].find(id="ddpm_course.prediction.PREDICTION_TYPES")
    assert "('epsilon', 'sample', 'v_prediction', 'flow_prediction')" in prediction.text
    assert soups["api/posterior.html"].select("dd a[href$='03_posterior.html#eq-3-5']")


def test_long_messages_end_on_the_page(page):
    open_page(page, "14_training.html")
    shown = page.evaluate("""[...document.querySelectorAll("div.output pre")].map(
        each => [each.scrollWidth, each.clientWidth])""")
    assert shown and all(wide <= room for wide, room in shown)


def test_search_by_keyboard(page):
    open_page(page, "index.html")
    page.get_by_placeholder("Search").focus()
    page.keyboard.type("Bishop")
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text="DDIM").first.wait_for()


@pytest.mark.parametrize(
    ("words", "first", "within", "part"),
    [
        ("eta", "DDIM", 5, "betas"),
        ("EMA", "Training", 5, "is_mathematics"),
        ("Markov", "process", 5, "Markovian"),
    ],
)
def test_search_puts_whole_words_first(page, words, first, within, part):
    page.goto(f"search.html?q={words}")
    page.locator("#search-results a", has_text=first).first.wait_for()
    found = page.locator("#search-results li a").all_inner_texts()
    place = next(number for number, text in enumerate(found) if first in text)
    assert place < within and not any(part in text for text in found[:place])


@pytest.mark.parametrize(
    "words",
    ["sample faster", "own images", "CUDA", "class-conditional", "resume", "several GPUs", "cite"],
)
def test_what_people_type_finds_the_page_of_answers(page, words):
    page.goto(f"search.html?q={words}")
    page.locator("#search-results a", has_text="How do I").first.wait_for()


@pytest.mark.parametrize("width", [390, 1280, 1440, 1920])
def test_equations_fit(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for name in CHAPTERS:
        open_page(page, name)
        assert page.evaluate(CUT) == [], name


def test_no_equation_is_small_on_a_phone(page):
    page.set_viewport_size(PHONE)
    for name in CHAPTERS:
        open_page(page, name)
        assert page.evaluate(SMALL) == [], name


# An equation is made smaller where it is wider than its column: at most to three quarters.
SMALL = """[...document.querySelectorAll(".equation .math-wrapper")].filter(box =>
    parseFloat(box.style.fontSize || "1") < 0.75
).map(box => box.parentElement.id)"""


# A formula that is wider than its box, or a number that is not within the page.
CUT = """[...document.querySelectorAll(".equation")].filter(each => {
    const box = each.querySelector(".math-wrapper"), number = each.querySelector("summary")
    const edge = number.getBoundingClientRect()
    return box.scrollWidth > box.clientWidth + 1 || edge.right > innerWidth || edge.left < 0
}).map(each => each.id)"""


def test_the_mark_of_an_equation_by_keyboard(page):
    open_page(page, "03_posterior.html")
    mark = page.locator("#eq-3-4 .mark")
    mark.locator("summary").focus()
    page.keyboard.press("Enter")
    assert "derived from" in mark.locator("div").first.inner_text()
    assert "eq(" in mark.locator("pre").inner_text()
    page.keyboard.press("Escape")
    assert not mark.locator("pre").is_visible()


def test_contents_stand_beside_the_page(page):
    open_page(page, "02_closed_form.html")
    assert page.locator(".toc-tree").is_visible()


def test_figures_are_numbered(soups):
    for path in chapters():
        name = f"{page_of(path)}.html"
        captions = [
            c.text.strip() for c in soups[name].select("article figcaption, article .caption")
        ]
        numbers = [re.match(r"Figure (S?\d+)\.(\d+)\.", text) for text in captions]
        assert all(numbers), name
        assert [int(n[2]) for n in numbers] == [*range(1, len(numbers) + 1)]


def test_folded_source_by_keyboard(page):
    open_page(page, "03_posterior.html")
    details = page.locator("details.source").first
    code = details.locator("pre").first
    assert not code.is_visible()
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    assert code.is_visible()


@pytest.mark.parametrize("name", ["02_closed_form.html", "07_ddim.html"])
def test_sliders_by_keyboard(page, name):
    open_page(page, name)
    picture, sliders = page.locator(".sliders img"), page.locator(".sliders input").all()
    seen = {picture.get_attribute("src")}
    for slider in sliders:
        slider.focus()
        page.keyboard.press("End")
        assert picture.get_attribute("alt") == slider.get_attribute("aria-valuetext")
        seen.add(picture.get_attribute("src"))
    assert len(seen) == 1 + len(sliders) and page.faults == []


@pytest.mark.parametrize(
    "name", ["index.html", "05_epsilon.html", "06_exact_world.html", "07_ddim.html"]
)
def test_what_moves_can_be_stopped(page, name):
    open_page(page, name)
    moving, still = page.locator(".moving > img"), page.locator(".moving figure img")
    assert moving.is_visible() and not still.is_visible()
    page.get_by_label("show the last picture only").focus()
    page.keyboard.press("Space")
    assert still.is_visible() and not moving.is_visible()
    page.keyboard.press("Space")
    for asked in ({"media": "print"}, {"media": "screen", "reduced_motion": "reduce"}):
        page.emulate_media(**asked)
        assert still.is_visible() and not moving.is_visible()


def test_phone_menu_by_keyboard(page):
    page.set_viewport_size(PHONE)
    open_page(page, "index.html")
    chapter = page.locator(".sidebar-tree a", has_text="03 ·")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.nav-overlay-icon')"):
            break
    page.keyboard.press("Enter")
    chapter.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/03_posterior.html")


def test_equation_is_in_view_when_linked_to(page):
    open_page(page, "07_ddim.html#eq-7-32")
    page.wait_for_function(
        "() => { const top = document.getElementById('eq-7-32').getBoundingClientRect().top;"
        " return top >= 0 && top < innerHeight / 2 }"
    )
