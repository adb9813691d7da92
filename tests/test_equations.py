"""What stands on the page was checked: no formula of the course goes around the proofs."""

import tomllib
from pathlib import Path

import formulas
import nbformat
import pytest
from formulas import Course, faults, is_value, pieces, stated, tokens
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from notebooks import page_of, paths

from ddpm_course.proofs.display import MIME, page

NOTEBOOKS = {page_of(path): nbformat.read(path, as_version=4) for path in paths()}
EXEMPT = tomllib.loads(Path(__file__).with_name("exempt.toml").read_text(encoding="utf-8"))
COURSE = Course(
    exempt={
        (each["notebook"], each["formula"]): each["reason"] for each in EXEMPT.get("formula", [])
    }
)
for notebook in NOTEBOOKS.values():
    COURSE.add(notebook)
each_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


@each_notebook
def test_all_that_is_shown_was_checked(name):
    found = faults(NOTEBOOKS[name], name, COURSE)
    assert not found, "\n" + "\n".join(f"{f.cell}: {f.why}: {f.text}" for f in found)


@each_notebook
def test_numbers_are_the_chapters_and_used_once(name):
    numbers = [one.number for one in map(stated, NOTEBOOKS[name].cells) if one]
    assert len({*numbers}) == len(numbers)
    assert not [
        n for n in numbers if n[0] != "H" and int(n.split(".")[0]) != int(name.split("/")[-1][:2])
    ]


def test_what_is_exempt_needs_it_and_says_why():
    bare = Course(COURSE.equations, COURSE.facts, COURSE.checked)
    needed = {
        (name, fault.text)
        for name in NOTEBOOKS
        for fault in faults(NOTEBOOKS[name], name, bare)
        if fault.why == "an unchecked formula"
    }
    assert {*COURSE.exempt} <= needed
    assert all(len(reason) > 20 for reason in COURSE.exempt.values())


# --- A notebook with a hole in it -----------------------------------------------------------------


def facts(number: str, latex: str, verdict: str = "derived", start: int = 1, **other) -> dict:
    return {
        "number": number,
        "latex": latex,
        "verdict": verdict,
        "start": start,
        "rests_on": [],
        "assumes": [],
        "source": "",
        **other,
    }


def shown(known: dict, line: str | None = None, **other) -> dict:
    """An output with an equation; `line` stands below it in place of the one from its facts."""
    text = f"$$\n{known['latex']} \\tag{{{known['number']}}}\n$$\n\n"
    text += f"<details><summary><small>{known['verdict']}</small></summary>\n\n{line}\n\n</details>"
    data = {
        MIME: known,
        "text/plain": f"({known['number']}) {known['verdict']}",
        "text/markdown": page(known) if line is None else text,
    }
    return new_output("execute_result", data={**data, **other})


def of_kind(**data: str) -> dict:
    return new_output("display_data", data={"text/" + kind: text for kind, text in data.items()})


def code(source: str, *outputs: dict):
    return new_code_cell(source, outputs=[*outputs])


def prose(text: str):
    return new_markdown_cell(text)


PRODUCT = r"\bar\alpha_t := \prod_{k=1}^{t}\alpha_k"
STEP = r"\bar\alpha_t = \alpha_t\,\bar\alpha_{t-1}"
LATE = r"a_t = \frac{1}{1-\bar\alpha_{t-1}}"
FALSE = r"\bar\alpha_t = 7"
BASE = [
    code("from ddpm_course.proofs import after, assume, cite, define, eq, using"),
    code(f'define("2.1", r"{PRODUCT}")', shown(facts("2.1", PRODUCT, "definition", 0))),
    code(f'eq("2.2", r"{STEP}")', shown(facts("2.2", STEP, rests_on=["2.1"]))),
    code(
        f'eq("2.3a", r"{LATE}", start=2)',
        shown(facts("2.3a", LATE, start=2)),
    ),
    code('assume("H1", r"0 < \\sigma_t")', shown(facts("H1", r"0 < \sigma_t", "hypothesis"))),
    code(
        'cite("2.4", r"a = b", "somebody")',
        shown(facts("2.4", "a = b", "cited", source="somebody")),
    ),
]


def found(*cells) -> set[str]:
    """Why the checker objects to a notebook of these cells."""
    notebook = new_notebook(cells=[*BASE, *cells])
    return {
        fault.why for fault in faults(notebook, "02_test", Course().add(new_notebook(cells=BASE)))
    }


@pytest.mark.parametrize(
    "text",
    [
        "No formula at all, `a = b` in code, and an arrow in words.",
        "```python\nx = 1\n```\nand `$a = b$` in code",
        f"${STEP}$, to the letter.",
        r"With other spaces: $\bar\alpha_t=\alpha_t\bar\alpha_{t-1}$, and (H1).",
        r"What is defined is equal: $\bar\alpha_t = \prod_{k=1}^{t}\alpha_k$.",
        r"By (2.2), $\bar\alpha_3 = \alpha_3\,\bar\alpha_2$ and $\bar\alpha_T = \alpha_T\,\bar\alpha_{T-1}$.",
        r"By (2.2), $\bar\alpha_{t-1} = \alpha_{t-1}\,\bar\alpha_{t-2}$ and $\bar\alpha_1 = \alpha_1\,\bar\alpha_0$.",
        r"By (2.3a), $a_2 = \frac{1}{1-\bar\alpha_1}$.",
        "By (2.4), $a = b$.",
        r"For $t$ = 1, and $t = 1, \dots, T$, with $T$ = 1,000 or $1 \le t \le T$; $\eta$ = 0.5 and $s < t$.",
        r"With $T = 2, d = 3$ and $q(x_t,x_0)$.",
        r"The sign $\overset{d}{=}$ is read so, and $=$ as always.",
        r"The sum $\sum_{k=1}^{t}\alpha_k$ and the limit $\lim_{t\to\infty}a^t$ state nothing.",
        "> A quotation\n> of two lines -- no sign <br> in it.",
        "| a | b |\n|---|:--|\n| 1 | 2 |",
        r"It costs \$5, not \$7 = 5 + 2, says the *text*.",
    ],
)
def test_what_may_stand_in_the_prose(text):
    assert found(prose(text)) == set()


UNCHECKED, TYPED = "an unchecked formula", "a typed display"
SIGNS = r"""= := < > \ne \neq \le \leq \ge \geq \to \equiv \in \notin \sim \simeq \cong \propto \approx \ll \gg
    \mapsto \rightarrow \Rightarrow \iff \lt \gt \doteq \triangleq \coloneqq \overset{d}{=} \stackrel{!}{=}
    \not= \mathrel{R} \text{is} \mathop{eq} ≠ ≤ ≥ ≈ ≡ ∈ ∼ ∝ → ⇒ ≔ ≪""".split()


@pytest.mark.parametrize("sign", SIGNS)
def test_no_sign_of_a_relation_is_overlooked(sign):
    assert found(prose(rf"So $\bar\alpha_t {sign} \alpha_t$, says (2.2).")) == {UNCHECKED}


@pytest.mark.parametrize(
    "sign", [sign for sign in SIGNS if sign[0] != "\\"] + ["equals", "is equal to"]
)
def test_no_sign_between_formulas_is_overlooked(sign):
    assert found(prose(rf"So $\bar\alpha_t$ {sign} $\alpha_t$, says (2.2).")) == {UNCHECKED}


@pytest.mark.parametrize(
    "text",
    [
        f"It follows from (2.2) that ${FALSE}$.",
        f"# A heading with ${FALSE}$",
        f"*Figure: a curve, where ${FALSE}$.*",
        f"- By (2.2) this is so.\n- ${FALSE}$",
        f"| by (2.2) | yes |\n|---|---|\n| ${FALSE}$ | no |",
        f"> ${FALSE}$",
        f"[${FALSE}$](elsewhere)",
        f"`code` ${FALSE}$ `code`",
        "${" + FALSE + "}$",
        r"$\frac{a = b}{1}$",
        r"$\boxed{a = b}$",
        r"$\sum_{k=1}^{t}\alpha_k = 7$",
        r"$\lim_{t\to\infty}a^t = 7$",
        f"${STEP} = 7$",
        f"$7 = {STEP}$",
        r"$\bar\alpha_t$ = $7$",
        r"$\bar\alpha_t$ = 7",
        r"$\bar\alpha_t =$ 7",
        r"$\bar\alpha_t$ $= 7$",
        r"$\bar\alpha_t$ $=$ $7$",
        r"**$\bar\alpha_t$** = 7",
        r"($\bar\alpha_t$) = 7",
        r"$\bar\alpha_t$&#61;7",
        r"$\bar\alpha_t$ &ne; $\alpha_t$",
        r"<b>$\bar\alpha_t$</b> = 7",
        "ᾱ_t = 7",
        "the SNR = 7",
        r"$T = 2, \bar\alpha_t = 7$",
        r"0 ≤ $\bar\alpha_t$ ≤ 7",
        "$\\bar\\alpha_t$\n= 7",
        r"By (2.3a), $a_1 = \frac{1}{1-\bar\alpha_0}$, before its range.",
        r"By (2.1), $\bar\alpha_3 = \alpha_3\,\bar\alpha_2$, which is (2 . 2).",
        r"By (2.2), $\bar\alpha_3 = \alpha_3\,\bar\alpha_1$.",
        "What is cited is not proved: $a = b$.",
    ],
)
def test_no_formula_of_the_prose_is_overlooked(text):
    assert found(prose(text)) == {UNCHECKED}


@pytest.mark.parametrize(
    "value",
    [
        r"\bar\alpha_t = 7",
        r"\beta_t \ge 5",
        r"\epsilon = 0",
        "x_0 = 0",
        "T = 0",
        "t = -1",
        r"\eta = -1",
        r"\kappa = 0",
        r"\alpha = 2",
        "d = 1.5",
        r"t = \alpha_t",
        r"T = 1000 = \bar\alpha_t",
        r"\eta = \kappa",
        "T < t",
        "t < s",
        r"T \ge t \le 5",
        "t < -1",
        r"\alpha \ge 2",
        "w = 2a",
        r"\sigma_t^2 = \beta_t",
        r"x_t \sim q",
        "a = 1",
        "t = 1/2",
        r"\bar\alpha_T \approx 4",
    ],
)
def test_what_nobody_chooses_is_no_value(value):
    assert not is_value(tokens(value))
    assert found(prose(f"Let ${value}$.")) == {UNCHECKED}


@pytest.mark.parametrize(
    "text",
    [
        "$$\na = b\n$$",
        "$$a$$",
        r"\[a = b\]",
        r"\\[a = b\\]",
        r"\(a = b\)",
        r"\\(a = b\\)",
        "\\[\na = b\n\\]",
        r"\begin{displaymath}a = b\end{displaymath}",
        r"\begin {equation*}a = b\end{equation*}",
        r"\begin{align}a &= b\end{align}",
        "```{math}\na = b\n```",
        "```math\na = b\n```",
        "~~~{math}\na = b\n~~~",
        ":::{math}\na = b\n:::",
        "> ```{math}\n> a = b\n> ```",
        "```{note}\n$a = b$\n```",
        "{math}`a = b`",
        "$`a = b`$",
        "<math><mi>a</mi><mo>=</mo></math>",
        "<svg></svg>",
        '<script type="math/tex">a = b</script>',
    ],
)
def test_no_display_is_typed(text):
    assert TYPED in found(prose(f"As we know:\n\n{text}\n\nSo it is."))


def test_a_raw_cell_is_no_place_for_text():
    assert found(new_raw_cell("a = b")) == {"a raw cell"}


def test_a_cited_number_exists():
    assert found(prose("See (2.2), (2.3a) and (H1).")) == set()
    assert (
        found(prose("See (2.9)."))
        == found(prose("See (2.3)."))
        == {"a number that no equation has"}
    )


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (code("show()", of_kind(markdown=f"$$\n{FALSE}\n$$")), TYPED),
        (
            code(
                "show()",
                of_kind(
                    markdown=f"$$\n{FALSE} \\tag{{2.2}}\n$$\n\n<small>(2.2) **derived**</small>"
                ),
            ),
            TYPED,
        ),
        (code("show()", of_kind(markdown=f"by (2.2) ${FALSE}$")), UNCHECKED),
        (code("show()", of_kind(latex=f"${FALSE}$")), TYPED),
        (code("show()", of_kind(latex=FALSE)), TYPED),
        (code("show()", of_kind(html="<math><mo>=</mo></math>")), TYPED),
        (code("show()", of_kind(html=rf"<p>\({FALSE}\)</p>")), TYPED),
        (code("show()", of_kind(html=f"<p>${FALSE}$</p>")), UNCHECKED),
        (code("show()", of_kind(html=f"<p>$${FALSE}$$</p>")), TYPED),
        (code("show()", of_kind(html="<p>ᾱ_t = 7</p>")), UNCHECKED),
        (code("show()", of_kind(markdown=r"\begin{align}a &= b\end{align}")), TYPED),
        (code("show()", of_kind(markdown=r"\[ a = b \]")), TYPED),
        (code("show()", new_output("display_data", data={"image/svg+xml": "<svg></svg>"})), TYPED),
        (
            code(
                'check_answer("1.1", 7)', of_kind(markdown=r"**right** · $\bar\alpha_t = \alpha_t$")
            ),
            UNCHECKED,
        ),
        (
            code(
                'puzzle("1.1")',
                of_kind(markdown=f"$$\n{FALSE}\n$$\n\n<small>Exercise 1.1 · **right**</small>"),
            ),
            TYPED,
        ),
        (
            code(
                'show("1.1")',
                of_kind(
                    markdown=f"$$\n{FALSE}\n$$\n\n<small>Exercise 1.1 · **there is a slip in it**</small>"
                ),
            ),
            TYPED,
        ),
        (
            code(
                'printed("1", r"a = b")',
                of_kind(
                    markdown=f"$$\n{FALSE} \\tag{{printed 1}}\n$$\n\n<small>printed 1 · **wrong** · so it is</small>"
                ),
            ),
            TYPED,
        ),
        (code(f'plt.title(r"${FALSE}$")'), UNCHECKED),
        (code(f'plt.plot(x, label=f"{{n}} ${FALSE}$")'), UNCHECKED),
        (code("%%latex\n$a = b$", of_kind(latex="$a = b$")), "a cell that is no Python"),
    ],
)
def test_nothing_that_a_cell_shows_is_overlooked(cell, why):
    assert why in found(cell)


@pytest.mark.parametrize(
    "cell",
    [
        code(
            'puzzle("1.1")',
            of_kind(
                markdown=f"$$\n{FALSE}\n$$\n\n<small>Exercise 1.1 · **there is a slip in it**</small>"
            ),
        ),
        code(
            'check_answer("1.1", 7)',
            of_kind(markdown=r"**not yet** · they differ at $\alpha_1 = 0.5$"),
        ),
        code('plt.title(f"$\\\\bar\\\\alpha_t$ = {table[3]:.2f}, and $t$ = 3")'),
        code("print(x)", new_output("stream", text="a = b")),
        code("after('01_forward_process')"),
        code("eq_", shown(facts("2.2", STEP, rests_on=["2.1"]))),
    ],
)
def test_what_a_cell_may_show(cell):
    assert found(cell) == set()


NEW, NEWER = r"u_t = \alpha_t+\alpha_t", r"u_t = 2\alpha_t"
CELL = f'eq("2.5", r"{NEW}")'


def stating(
    source: str = CELL, known: dict | None = None, line: str | None = None, **other
) -> set[str]:
    """Why the checker objects to a notebook where a cell states (2.5), and shows this."""
    cell = code(source, shown(known or facts("2.5", NEW), line, **other))
    notebook = new_notebook(cells=[*BASE, cell])
    return {fault.why for fault in faults(notebook, "02_test", Course().add(notebook))}


def test_a_statement_that_shows_what_it_says():
    assert stating() == set()
    assert stating(f'notation("u_t", "scalar", "a number")\n{CELL}') == set()
    assert (
        stating(
            known=facts(
                "2.5", NEW, rests_on=["2.1", "2.2"], assumes=["H1", "$q$ is a Markov chain"]
            ),
            line="**derived** from (2.1), (2.2) · H1 · $q$ is a Markov chain",
        )
        == set()
    )
    assert stating(line="**derived** from the rules alone") == set()


@pytest.mark.parametrize(
    ("why", "how"),
    [
        ("another latex", {"known": facts("2.5", NEWER)}),
        ("another number", {"known": facts("2.2", NEW)}),
        (
            "another start",
            {"known": facts("2.5", NEW, start=2)},
        ),
        ("another source", {"known": facts("2.5", NEW, source="x")}),
        ("another verdict", {"known": facts("2.5", NEW, "definition")}),
        ("another page than its fields", {"text/markdown": page(facts("2.5", NEWER))}),
        ("another page than its fields", {"line": "**derived** from (2.1)"}),
        ("another page than its fields", {"line": ""}),
        (
            "another page than its fields",
            {"known": facts("2.5", NEW, rests_on=["2.1"]), "line": "**derived**"},
        ),
        (
            "another page than its fields",
            {"known": facts("2.5", NEW, "numeric"), "line": "**numeric**"},
        ),
        (
            "another page than its fields",
            {"line": "**derived** from the rules alone · and $a = b$"},
        ),
        ("another text", {"text/plain": "(2.5) numeric"}),
        ("something else beside it", {"text/html": "<p>a</p>"}),
        ("other fields", {"known": facts("2.5", NEW, other="")}),
        (
            "(2.5) as a premise, which does not come before",
            {"known": facts("2.5", NEW, rests_on=["2.5"])},
        ),
        (
            "(9.9) as a premise, which does not come before",
            {"known": facts("2.5", NEW, rests_on=["9.9"])},
        ),
        (
            "the assumption H2, which nobody stated",
            {"known": facts("2.5", NEW, assumes=["H2"])},
        ),
        (
            "the assumption $a = b$, which nobody stated",
            {"known": facts("2.5", NEW, assumes=["$a = b$"])},
        ),
    ],
)
def test_an_output_says_what_its_cell_says(why, how):
    assert f"an equation with {why}" in stating(**how)


def test_an_equation_is_displayed_and_alone():
    why = "an equation that is not displayed, or not alone"
    output = shown(facts("2.5", NEW))
    for cell in code(CELL), code(CELL, of_kind(markdown="(2.5)")), code(CELL, output, output):
        assert why in found(cell)


def test_an_equation_that_no_cell_states_is_not_displayed():
    assert found(code("show()", shown(facts("2.5", NEW)))) == {"an equation that no cell states"}
    changed = shown(facts("2.2", STEP, rests_on=["2.1"], assumes=["H1"]))
    assert found(code("show()", changed)) == {"an equation that is not what its chapter shows"}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (f"if True:\n    {CELL}", "within"),
        (f"def f():\n    {CELL}", "within"),
        (f"f = lambda: {CELL}", "within"),
        (f"try:\n    {CELL}\nfinally: pass", "within"),
        (f"[{CELL}]", "within"),
        (f"x = {CELL}", "within"),
        (f"display({CELL})", "within"),
        (f"prove = eq\nprove{CELL[2:]}", "within"),
        (f"proofs.{CELL}", "within"),
        (f"map(eq, ['2.5'], ['{NEW}'])", "within"),
        (f"{CELL}\nx = 1", "not the last"),
        (f"{CELL}\n{CELL}", "not the last"),
        (f"{CELL};", "shows nothing"),
        (f"#| export\n{CELL}", "exported"),
        ('eq("2.5", latex)', "made, not written"),
        ('eq("2.5", f"{x} = 1")', "made, not written"),
        ("eq(*known)", "made, not written"),
        ('eq("2.5", "a = b", start=n)', "made, not written"),
        ('eq("2.5", "a"+" = b")', "made, not written"),
        ("from ddpm_course.proofs import eq as prove", "our words"),
        ("from elsewhere import eq", "our words"),
        ("import elsewhere as eq", "our words"),
        ("def eq(number, latex): pass", "our words"),
        ("eq = print", "our words"),
        ("for eq in words: pass", "our words"),
        ("(eq := print)", "our words"),
        ("def f(eq): pass", "our words"),
        ("from elsewhere import *", "our words"),
        ("proofs.eq = print", "our words"),
        ("class eq: pass", "our words"),
        ("for define, x in y: pass", "our words"),
    ],
)
def test_a_statement_is_plainly_the_last_of_its_cell(source, why):
    assert [each for each in found(code(source)) if why in each]


def test_our_words_come_from_where_they_are():
    cell = code(CELL, shown(facts("2.5", NEW)))
    notebook = new_notebook(cells=[code("from ours import eq"), cell])
    assert {"something else under one of our words"} == {
        fault.why for fault in faults(notebook, "02_test", Course().add(notebook))
    }


def test_an_exported_function_may_use_our_words():
    assert found(code(f"#| export\ndef attempt():\n    {CELL}")) == set()


def test_what_is_exempt_is_not_reported():
    course = Course(exempt={("02_test", FALSE): "a reason"}).add(new_notebook(cells=BASE))
    notebook = new_notebook(cells=[prose(f"${FALSE}$, and ${FALSE}.$"), prose("$a = c$")])
    assert [fault.text for fault in faults(notebook, "02_test", course)] == ["a = c"]
    assert len(faults(notebook, "03_test", course)) == 3


def test_a_piece_of_a_checked_formula_may_be_repeated():
    latex = r"\begin{aligned}a_t &= \sum_{k=0}^{t}b_k \\ &= \left(c+d\right) \le e\end{aligned}"
    found = {"".join(piece) for piece in pieces(latex)}
    assert found == {
        r"a_t=\sum_{k=0}^{t}b_k",
        r"\sum_{k=0}^{t}b_k=(c+d)",
        r"(c+d)\lee",
        r"a_t=\sum_{k=0}^{t}b_k=(c+d)",
        r"\sum_{k=0}^{t}b_k=(c+d)\lee",
        r"a_t=\sum_{k=0}^{t}b_k=(c+d)\lee",
    }


def test_an_equality_in_law_is_one_sign():
    latex = r"x_t \overset{q\mid x_0}{=} \sqrt{\bar\alpha_t}\,x_0+\xi = y"
    assert [len(piece) for piece in map(formulas.sides, map(tokens, [latex]))] == [5]
    assert r"x_t\overset{q\midx_0}{=}\sqrt{\bar\alpha_t}x_0+\xi" in {
        "".join(piece) for piece in pieces(latex)
    }


def test_the_line_of_an_equation():
    known = facts(
        "2.5", NEW, rests_on=["2.1", "2.2"], assumes=["H1"], start=2, source="somebody, section 3"
    )
    assert page(known) == (
        f"$$\n{NEW} \\tag{{2.5}}\n$$\n\n<details><summary><small>derived</small></summary>\n\n"
        "**derived** from (2.1), (2.2) · from t = 2 on · H1 · somebody, section 3\n\n</details>"
    )
    assert "**derived** from the rules alone" in page(facts("2.5", NEW))
    assert "**numeric** · tried in numbers, not proved" in page(facts("2.5", NEW, "numeric"))
