"""Print the built site twice: the whole book, and the mathematics alone, without code.

Both have a title page and a list of contents with page numbers. Chromium says on which pages the
headings are only after printing, so each is printed twice. From the top of the repository: make pdf
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from browser import MISSING, chromium
from bs4 import BeautifulSoup, Tag
from notebooks import ROOT, chapters, page_of
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader

import ddpm_course

SITE, HTML = ROOT / "build/book", ROOT / "build/print.html"
WIDTH = 657  # of an A4 page between its margins, in the browser's pixels
MARGIN = "18mm"
NUMBER = "<div style='font-size: 8pt; width: 100%; text-align: center' class='pageNumber'></div>"

# A formula that is wider than the page would make all the print smaller.
SHRINK = """document.querySelectorAll(".math-wrapper").forEach(box => {
    box.style.fontSize = `${Math.min(1, box.clientWidth / box.scrollWidth)}em`;
})"""


@dataclass(frozen=True)
class Edition:
    """A PDF: which pages of the site it holds, in this order, and what is left out of each."""

    file: str
    subtitle: str
    pages: list[str]
    without: str  # selectors


def editions() -> list[Edition]:
    """The kernel, chapters 50 to 60, stands at the end of the book."""
    names = [page_of(path) for path in chapters()]
    kernel = [name for name in names if re.match("[56]", name)]
    others = [name for name in names if name not in kernel]
    aside = ".links, .headerlink, details.source, .mark > div"
    code = ".highlight-python, .highlight-text"
    return [
        Edition(
            "ddpm_course_mathematics.pdf",
            "The mathematics, chapters 00 to 07, without code",
            [name for name in names if re.match("0[0-7]", name)],
            f"{aside}, {code}",
        ),
        Edition("ddpm_course.pdf", "The whole book", others + kernel, aside),
    ]


def title_page(edition: Edition) -> str:
    return (
        "<header><h1>Denoising diffusion,<br>derived line by line</h1>"
        f"<p>{edition.subtitle}</p><p class='made'>The ddpm_course authors · "
        f"version {ddpm_course.__version__}</p><p class='made'>Text and figures: CC BY 4.0. "
        "Code: Apache License 2.0.</p><p class='made'>The sign at the number of an equation: ✓ "
        "derived, ≈ tried in numbers only, def a definition, hyp a hypothesis, cited taken from "
        "its source.</p></header>"
    )


def article(path: Path, edition: Edition) -> Tag:
    """A page's text without what the edition leaves out; its ids and links get its name in front."""
    names = [Path(name).name for name in edition.pages]
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    text = soup.select_one("article")
    assert text, f"{path} has no article"
    for part in text.select(edition.without):
        part.decompose()
    for part in text.select("details:not(.mark)"):
        part["open"] = ""
        opening = "".join(summary.get_text() for summary in part.select(":scope > summary"))
        if not part.get_text().removeprefix(opening).strip():
            part.decompose()
    for part in text.select("[id]"):
        part["id"] = f"{path.stem}--{part['id']}"
    for image in text.select("img"):
        image["src"] = urljoin(path.relative_to(SITE.parent).as_posix(), str(image["src"]))
    for link in text.select("a[href]"):
        page, fragment = urldefrag(urljoin(path.name, str(link["href"])))
        if Path(page).stem in names and page.endswith(".html"):
            link["href"] = f"#{Path(page).stem}--{fragment}".removesuffix("--")
        elif not page.startswith("http"):
            link.unwrap()
    text["id"] = path.stem
    return text


def print_pages(page: Page, pdf: Path) -> dict[str, int]:
    """Print; return the page of each heading."""
    page.pdf(
        path=pdf,
        format="A4",
        outline=True,
        tagged=True,
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=NUMBER,
        margin={"top": MARGIN, "bottom": MARGIN, "left": MARGIN, "right": MARGIN},
    )
    reader = PdfReader(pdf)
    places = reader.named_destinations.items()
    pages = {name: reader.get_destination_page_number(place) for name, place in places}
    return {name.lstrip("/"): number + 1 for name, number in pages.items() if number is not None}


def print_edition(page: Page, edition: Edition) -> None:
    """Write the HTML that is printed, open it, and print it with the page numbers of its headings."""
    pdf = ROOT / "build" / edition.file
    articles = [article(SITE / f"{name}.html", edition) for name in edition.pages]
    contents = [
        f"<a class='{heading.name}' href='#{next(heading.parents)['id']}'>"
        f"<span>{heading.decode_contents()}</span><i></i></a>"
        for text in articles
        for heading in text.select("h1, h2")
    ]
    head = f"<meta charset='utf-8'><title>ddpm_course: {edition.subtitle}</title>"
    style = (ROOT / "book/print.css").read_text(encoding="utf-8")
    HTML.write_text(
        f"<!doctype html><html lang='en'><head>{head}"
        f"<link rel='stylesheet' href='book/_static/pygments.css'><style>{style}</style>"
        "<script>MathJax = {options: {processHtmlClass: 'math'}, svg: {fontCache: 'global'}}"
        "</script>"
        f"<script defer src='book/_static/tex-svg.js'></script></head><body>{title_page(edition)}"
        f"<nav><h1>Contents</h1>{''.join(contents)}</nav>"
        f"{''.join(map(str, articles))}</body></html>",
        encoding="utf-8",
    )
    page.goto(HTML.as_uri())
    page.evaluate("MathJax.startup.promise.then(() => null)")
    bare = page.locator(".math:not(:has(mjx-container)), mjx-merror").count()
    assert not bare, f"{bare} formulas are not shown as such"
    page.evaluate(SHRINK)
    numbers = print_pages(page, pdf)
    page.evaluate(
        """numbers => document.querySelectorAll("nav a").forEach(
        link => link.lastChild.textContent = numbers[link.hash.slice(1)])""",
        numbers,
    )
    assert print_pages(page, pdf) == numbers
    print(f"{pdf.relative_to(ROOT)}, {len(PdfReader(pdf).pages)} pages")


def main() -> None:
    if not chromium():
        sys.exit(f"make pdf: {MISSING}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page(viewport={"width": WIDTH, "height": 1000})
        for edition in editions():
            print_edition(page, edition)
        browser.close()


if __name__ == "__main__":
    main()
