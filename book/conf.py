"""How Sphinx turns the pages that pages.py writes into the site. Nothing is executed."""

import json
from importlib.metadata import files
from pathlib import Path

MATHJAX = next(path for path in files("sphinx-mathjax-offline") if path.name == "tex-svg.js")

project = "ddpm_course"
author = "The ddpm_course authors"
language = "en"

extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
add_module_names = False
smartquotes = False  # what a message says to type is copied

html_theme = "furo"
html_title = project
html_static_path = ["_static", str(MATHJAX.locate())]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
html_favicon = "_static/favicon.svg"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_domain_indices = False

# What tools/prover.py packed for the reader's browser; "seconds" is the time that a reply may take.
BUILD = Path(__file__).parent.parent / "build"
html_extra_path = [str(path) for path in (BUILD / "prover", BUILD / "network") if path.exists()]
PROVER = BUILD / "prover"
if PROVER.exists():
    about = json.loads((PROVER / "prover/about.json").read_text(encoding="utf-8")) | {
        "seconds": "30"
    }
    html_js_files.append(("prove.js", {f"data-{name}": value for name, value in about.items()}))

# The menu would make every formula a stop of the tabulator key.
mathjax_path = MATHJAX.name
mathjax3_config = {"options": {"enableMenu": False}, "svg": {"fontCache": "global"}}


def give_captions_a_level(app, page, template, context, doctree):
    """Sphinx calls the captions of the contents headings, and says not of which level."""
    tree = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = tree.replace('"heading"', '"heading" aria-level="2"')


def setup(app):
    app.connect("html-page-context", give_captions_a_level, priority=900)
