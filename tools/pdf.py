"""Print the chapters of the built site to one PDF, with a list of contents and page numbers.

Chromium says on which pages the headings are only after printing, so it prints twice.
From the top of the repository: make pdf
"""

import sys
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from browser import MISSING, chromium
from bs4 import BeautifulSoup, Tag
from notebooks import ROOT, page_of, paths
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader

SITE, HTML, PDF = ROOT / "build/book", ROOT / "build/print.html", ROOT / "build/ddpm_course.pdf"
WIDTH = 657  # of an A4 page between its margins, in the browser's pixels
MARGIN = "18mm"
NUMBER = "<div style='font-size: 8pt; width: 100%; text-align: center' class='pageNumber'></div>"

# A formula that is wider than the page would make all the print smaller.
SHRINK = """document.querySelectorAll(".math-wrapper").forEach(box => {
    box.style.fontSize = `${Math.min(1, box.clientWidth / box.scrollWidth)}em`;
})"""


def article(path: Path, names: list[str]) -> Tag:
    """A chapter's text without folded sources; its ids and links get its name in front."""
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    text = soup.find("article")
    for part in text.select(".links, .headerlink, details.source"):
        part.decompose()
    for part in text.select("[id]"):
        part["id"] = f"{path.stem}--{part['id']}"
    for image in text.select("img"):
        image["src"] = urljoin(path.relative_to(SITE.parent).as_posix(), image["src"])
    for link in text.select("a[href]"):
        page, fragment = urldefrag(urljoin(path.name, link["href"]))
        if Path(page).stem in names and page.endswith(".html"):
            link["href"] = f"#{Path(page).stem}--{fragment}".removesuffix("--")
        elif not page.startswith("http"):
            link.unwrap()
    text["id"] = path.stem
    return text


def print_pages(page: Page) -> dict[str, int]:
    """Print; return the page of each heading."""
    page.pdf(
        path=PDF,
        format="A4",
        outline=True,
        tagged=True,
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=NUMBER,
        margin=dict.fromkeys(("top", "bottom", "left", "right"), MARGIN),
    )
    reader = PdfReader(PDF)
    return {
        name.lstrip("/"): reader.get_destination_page_number(place) + 1
        for name, place in reader.named_destinations.items()
    }


def main() -> None:
    if not chromium():
        sys.exit(f"make pdf: {MISSING}")
    names = [page_of(path) for path in paths()]
    names.insert(0, names.pop())
    stems = [Path(name).name for name in names]
    articles = [article(SITE / f"{name}.html", stems) for name in names]
    contents = []
    for text in articles:
        for heading in text.select("h1, h2"):
            target = heading.parent["id"]
            contents.append(
                f"<a class='{heading.name}' href='#{target}'>"
                f"<span>{heading.decode_contents()}</span><i></i></a>"
            )
    head, style = "<meta charset='utf-8'><title>ddpm_course</title>", ROOT / "book/print.css"
    HTML.write_text(
        f"<!doctype html><html lang='en'><head>{head}"
        f"<link rel='stylesheet' href='book/_static/pygments.css'>"
        f"<style>{style.read_text(encoding='utf-8')}</style>"
        "<script>MathJax = {options: {processHtmlClass: 'math'}, svg: {fontCache: 'global'}}"
        "</script>"
        "<script defer src='book/_static/tex-svg.js'></script></head><body>"
        f"<nav><h1>Contents</h1>{''.join(contents)}</nav>"
        f"{''.join(map(str, articles))}</body></html>",
        encoding="utf-8",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page(viewport={"width": WIDTH, "height": 1000})
        page.goto(HTML.as_uri())
        page.evaluate("MathJax.startup.promise.then(() => null)")
        bare = page.locator(".math:not(:has(mjx-container)), mjx-merror").count()
        assert not bare, f"{bare} formulas are not shown as such"
        page.evaluate(SHRINK)
        numbers = print_pages(page)
        page.evaluate(
            """numbers => document.querySelectorAll("nav a").forEach(
            link => link.lastChild.textContent = numbers[link.hash.slice(1)])""",
            numbers,
        )
        assert print_pages(page) == numbers
        browser.close()
    print(f"{PDF.relative_to(ROOT)}, {len(PdfReader(PDF).pages)} pages")


if __name__ == "__main__":
    main()
