"""Write a deck for each double hour, and the cheat sheet, into build/slides, and print them.

The folder opens without a network: reveal.js, MathJax and the figures lie beside the pages. Without
Chromium nothing is printed. From the top of the repository: make slides
"""

import runpy
import shutil
import sys
from html import escape

from browser import MISSING, chromium
from decks import Deck, Slide, decks, letters_of, sheet
from figures import FIGURES
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from notebooks import ROOT
from pages import MARKS, Equation
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

import ddpm_course

SLIDES = ROOT / "build/slides"
REVEAL = ROOT / "book/node_modules/reveal.js"
BESIDE = {
    REVEAL / "dist/reveal.css": "reveal.css",
    REVEAL / "dist/reveal.js": "reveal.js",
    REVEAL / "dist/plugin/notes.js": "notes.js",
    REVEAL / "LICENSE": "reveal-LICENSE.txt",
    ROOT / "book/slides.css": "slides.css",
    ROOT / "book/slides.js": "slides.js",
    runpy.run_path(str(ROOT / "book/conf.py"))["MATHJAX"].locate(): "tex-svg.js",
}
MADE = f"ddpm_course {ddpm_course.__version__}, by the ddpm_course authors, CC BY 4.0"
SIGNS = (
    "✓ derived, ≈ tried in numbers only, def a definition, hyp a hypothesis, cited from its source"
)
# The speaker's view has no style of MathJax's, and would show what is there for screen readers.
FOR_SPEAKER = "<style>.speaker-controls-notes mjx-assistive-mml { display: none }</style>"


def tex(formula: str, options: dict) -> str:
    opening, closing = (r"\[", r"\]") if options["display_mode"] else (r"\(", r"\)")
    return escape(f"{opening}{formula.strip()}{closing}")


MARKDOWN = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, renderer=tex)
text, line = MARKDOWN.render, MARKDOWN.renderInline


def formula(shown: Equation) -> str:
    """A formula beside its number and its mark."""
    return (
        f"<div class='formula' data-number='{shown.number}'>"
        f"<div class='math block'>{tex(shown.latex, {'display_mode': True})}</div>"
        f"<div class='number'>({shown.number})<sup>{MARKS[shown.verdict]}</sup></div></div>"
    )


def letter(name: str, meaning: str) -> str:
    return f"<span>{line(f'${name}$ {meaning}')}</span>"


def body(slide: Slide) -> str:
    """What stands on a slide, below its heading."""
    parts = [text(slide.text)]
    if slide.equation:
        letters = " ".join(letter(*pair) for pair in slide.letters)
        said = " · ".join(filter(None, [slide.equation.line, slide.reason]))
        parts.append(formula(slide.equation))
        parts.append(f"<p class='letters'>{letters}</p>" if letters else "")
        parts.append(f"<p class='reason'>{line(said)}</p>")
    if slide.figure:
        name = slide.figure.replace(".", "-")
        [path] = FIGURES.glob(f"{name}.*")
        still = FIGURES / f"{name}-still.png"
        kinds = {path: "moving", still: "still"} if still.exists() else {path: ""}
        parts += [
            f"<img class='{kind}' src='figures/{path.name}' alt='{escape(slide.caption)}'>"
            for path, kind in kinds.items()
        ]
        parts.append(
            f"<p class='caption'>{line(f'**Figure {slide.figure}.** {slide.caption}')}</p>"
        )
    return "".join(parts)


def section(slide: Slide) -> str:
    """A slide with its notes. Without a heading it is the first of a chapter, or its first figure."""
    if opens := not (slide.heading or slide.figure):
        head = f"<h1>{line(slide.chapter)}</h1>"
    else:
        head = f"<p class='where'>{line(slide.chapter)}</p><h2>{line(slide.heading)}</h2>"
    kind = "title" if opens else "exercise" if slide.exercise else ""
    return (
        f"<section><div class='slide {kind}'>{head}{body(slide)}</div>"
        f"<aside class='notes'>{FOR_SPEAKER}{''.join(map(text, slide.notes))}</aside>"
        "</section>"
    )


def write(name: str, title: str, body: str, kind: str, styles: tuple[str, ...] = ()) -> None:
    """A page, which reads what it needs from its own folder."""
    links = "".join(f"<link rel='stylesheet' href='{path}'>" for path in (*styles, "slides.css"))
    scripts = "".join(f"<script src='{path}'></script>" for path in ("slides.js", "tex-svg.js"))
    (SLIDES / f"{name}.html").write_text(
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        "<meta name='viewport' content='width=device-width'>"
        f"{links}</head><body class='{kind}'>{body}{scripts}</body></html>",
        encoding="utf-8",
    )


def name_of(deck: Deck) -> str:
    return f"lecture-{deck.number}"


def write_deck(deck: Deck) -> None:
    opening = (
        f"<section><div class='slide title'><p class='where'>Double hour {deck.number}</p>"
        f"<h1>{line(deck.plan)}</h1><p class='made'>{MADE}<br>{SIGNS}</p></div></section>"
    )
    stacks = "".join(f"<section>{''.join(map(section, stack))}</section>" for stack in deck.stacks)
    write(
        name_of(deck),
        f"Lecture {deck.number}",
        f"<div class='reveal'><div class='slides'>{opening}{stacks}</div></div>"
        "<script src='reveal.js'></script><script src='notes.js'></script>",
        "measured",
        ("reveal.css",),
    )


def write_sheet() -> None:
    groups = sheet()
    head = f"<header><h1>Denoising diffusion on a few pages</h1><p>{MADE}. {SIGNS}.</p></header>"
    parts = []
    for group in groups:
        lines = [
            f"<div class='line'><p>{line(said)}</p>{''.join(map(formula, shown))}</div>"
            for said, shown in group.lines
        ]
        parts.append(f"<h2>{line(group.chapter)}</h2>{''.join(lines)}")
    letters = "".join(letter(*pair) for pair in letters_of(groups).items())
    parts.append(f"<h2>Letters</h2><div class='letters'>{letters}</div>")
    write("sheet", "Cheat sheet", f"{head}<main>{''.join(parts)}</main>", "sheet")


def write_list(made: list[Deck]) -> None:
    items = [
        f"<li value='{deck.number}'><a href='{name_of(deck)}.html'>{line(deck.plan)}</a> "
        f"(<a href='{name_of(deck)}.pdf'>PDF</a>)</li>"
        for deck in made
    ]
    write(
        "index",
        "Lectures",
        f"<h1>Lectures</h1><ol>{''.join(items)}</ol>"
        "<p><a href='sheet.html'>Cheat sheet</a> (<a href='sheet.pdf'>PDF</a>)</p>"
        "<p>The right arrow goes to the next section, the space bar to the next slide. "
        "S opens the speaker's view with the notes, O shows all slides. With <code>?print-pdf</code> "
        "after its address, a deck prints as slides; with "
        "<code>?print-pdf&amp;showNotes=separate-page</code>, as slides and notes.</p>"
        f"<p>{MADE}</p>",
        "list",
    )


def print_all(names: list[str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page()
        page.set_default_timeout(0)
        for name in names:
            page.goto(f"{(SLIDES / name).as_uri()}.html?print-pdf")
            page.wait_for_function("window.ready")
            pdf = SLIDES / f"{name}.pdf"
            page.pdf(path=pdf, prefer_css_page_size=True, print_background=True, tagged=True)
            print(f"{pdf.relative_to(ROOT)}, {len(PdfReader(pdf).pages)} pages")
        browser.close()


if __name__ == "__main__":
    if not REVEAL.exists():
        sys.exit("make slides: reveal.js is not there. Install npm, which comes with Node.js")
    shutil.rmtree(SLIDES, ignore_errors=True)
    shutil.copytree(FIGURES, SLIDES / "figures")
    for path, name in BESIDE.items():
        shutil.copy(path, SLIDES / name)
    made = decks()
    for deck in made:
        write_deck(deck)
    write_sheet()
    write_list(made)
    if chromium():
        print_all([*map(name_of, made), "sheet"])
    else:
        print(f"nothing is printed: {MISSING}")
