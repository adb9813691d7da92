"""The decks and the cheat sheet in a browser: `make slides` first. Left out without Chromium."""

import html
import re

import pytest
from browser import MISSING, chromium
from decks import decks, sheet
from notebooks import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="needs .[book]: run make slides")
pypdf = pytest.importorskip("pypdf", reason="needs .[book]: run make slides")

SLIDES, FIGURES = ROOT / "build/slides", ROOT / "build/figures"
DECKS = {f"lecture-{deck.number}": deck for deck in decks()}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not chromium(), reason=MISSING),
    pytest.mark.skipif(not (SLIDES / "sheet.pdf").exists(), reason="run make slides"),
]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium())
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page that notes what goes wrong on it; nothing but the folder can be reached."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.context.set_default_timeout(180_000)  # on a busy machine; else a deck is set in seconds
    page.faults = []
    page.on("console", lambda m: m.type in ("error", "warning") and page.faults.append(m.text))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("requestfailed", lambda request: page.faults.append(request.url))
    page.on("request", lambda asked: within(asked.url) or page.faults.append(asked.url))
    yield page
    page.close()


def within(url):
    return url.startswith((SLIDES.as_uri(), "data:", "blob:"))


def open_page(page, name):
    page.goto(f"{(SLIDES / name).as_uri()}.html")
    page.wait_for_function("window.ready")


# For each slide, as it is shown: what reaches over its edges or its neighbours, or is too small.
FAULTS = """() => Reveal.getSlides().flatMap(section => {
    const {h, v} = Reveal.getIndices(section)
    Reveal.slide(h, v)
    const slide = section.querySelector(".slide"), room = slide.getBoundingClientRect()
    const outside = [...slide.querySelectorAll(".math, img, p, h1, h2, li, td, pre")].filter(part => {
        if (part.matches(".still")) return false
        const inner = part.querySelector(":scope > mjx-container > svg") || part
        const edge = inner.getBoundingClientRect()
        return edge.left < room.left || edge.right > room.right + 1 || edge.top < room.top ||
            edge.bottom > room.bottom + 1 || !edge.width && part.textContent
    }).map(part => part.outerHTML.slice(0, 80))
    const formula = slide.querySelector(".formula .math svg")?.getBoundingClientRect()
    const number = slide.querySelector(".number")?.getBoundingClientRect()
    if (formula?.right > number?.left) outside.push(`${slide.dataset.number}: over its number`)
    const small = [slide, ...slide.querySelectorAll(".math.block")].filter(
        part => getComputedStyle(part).getPropertyValue("--fit") < 0.749)
    const missing = [...slide.querySelectorAll("img")].filter(image => !image.naturalWidth)
    const height = slide.querySelector("img:not(.still)")?.clientHeight
    if (height < 240) small.push(slide.querySelector("img"))
    if (room.width != 1280 || room.height != 720) outside.push(`the slide is ${room.width} wide`)
    return [...outside, ...[...small, ...missing].map(part => part.outerHTML.slice(0, 80))]
})"""


@pytest.mark.parametrize("name", DECKS)
def test_a_deck_opens_without_a_network_and_everything_fits(page, name):
    open_page(page, name)
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert page.locator(".math:not(:has(mjx-container))").count() == 0
    assert page.evaluate("Reveal.getTotalSlides()") == 1 + len(DECKS[name].slides)
    assert page.evaluate(FAULTS) == []
    assert page.faults == []


@pytest.mark.parametrize("name", [*DECKS, "sheet"])
def test_the_formulas_on_the_page_are_the_books_to_the_letter(name):
    text = (SLIDES / f"{name}.html").read_text(encoding="utf-8")
    pattern = r"<div class='formula' data-number='(.*?)'><div class='math block'>(.*?)</div>"
    shown = [(number, html.unescape(tex)) for number, tex in re.findall(pattern, text)]
    if name == "sheet":
        meant = [e for group in sheet() for _, listed in group.lines for e in listed]
    else:
        meant = [slide.equation for slide in DECKS[name].slides if slide.equation]
    assert shown == [(e.number, rf"\[{e.latex}\]") for e in meant]


@pytest.mark.parametrize("name", DECKS)
def test_a_deck_prints_a_page_for_each_slide(name):
    reader = pypdf.PdfReader(SLIDES / f"{name}.pdf")
    assert len(reader.pages) == 1 + len(DECKS[name].slides)
    assert {(round(p.mediabox.width), round(p.mediabox.height)) for p in reader.pages} == {
        (960, 540)
    }


def test_the_sheet_has_four_pages_at_most_and_nothing_is_cut(page):
    assert len(pypdf.PdfReader(SLIDES / "sheet.pdf").pages) <= 4
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        open_page(page, "sheet")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("mjx-merror, .math:not(:has(mjx-container))").count() == 0
        assert page.evaluate(CUT) == []
    assert page.faults == []


CUT = """[...document.querySelectorAll(".formula")].filter(each => {
    const formula = each.querySelector(".math svg").getBoundingClientRect()
    return formula.right > each.querySelector(".number").getBoundingClientRect().left + 1
}).map(each => each.dataset.number)"""


def test_the_speaker_sees_the_notes(page):
    open_page(page, "lecture-2")
    page.evaluate("Reveal.slide(1)")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    notes.get_by_text("Needs:").wait_for()
    assert (
        notes.locator("svg").count() and not notes.locator("mjx-assistive-mml").first.is_visible()
    )
    opened.value.close()


def test_each_figure_is_a_file_with_the_licence_in_it():
    found = {path.stem: path for path in FIGURES.glob("*-*.*")}
    shown = [slide.figure for deck in DECKS.values() for slide in deck.slides if slide.figure]
    names = {number.replace(".", "-") for number in shown}
    assert names <= set(found)
    assert {name for name in names if f"{name}-still" in found} >= {"5-1", "6-10"}
    for path in found.values():
        text = path.read_bytes()
        if path.suffix == ".svg":
            assert b"CC BY 4.0" in text and b"dc:date" not in text
        else:
            assert text.startswith(b"\x89PNG")
    assert "CC BY 4.0" in (FIGURES / "LICENCE.txt").read_text(encoding="utf-8")
