"""What a notebook states in formulas, and which of it no program has checked.

A displayed formula is a cell of its own: eq, define, assume or cite, once, as its last statement. Its
output carries what was proved as fields; they must say what the source says, and the page what they
say. Everything else that is shown is prose: Markdown cells, other outputs, the words in a figure. A
formula with a relation sign in it must

    repeat a piece of a checked formula to the letter, or
    repeat a piece of an equation that its paragraph cites, with t replaced by another index, or
    give a value to what a reader chooses, as t = 1 or T = 1000, or
    be exempt: by name, with a reason, in tests/exempt.toml.
"""

import ast
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple, TypeGuard

from nbformat import NotebookNode
from notebooks import directives

from ddpm_course.proofs.display import MIME, page
from ddpm_course.proofs.errors import Unreadable
from ddpm_course.proofs.grammar import ACCENTS, GREEK, SPACING, SPELLINGS, TERMINALS
from ddpm_course.proofs.layout import cut

NUMBER = r"\d+(?:\.\d+)+[a-z]?|H\d+"
CITED = re.compile(rf"\(({NUMBER})\)")
VERDICTS = {
    "eq": {"derived", "numeric"},
    "define": {"definition"},
    "assume": {"hypothesis"},
    "cite": {"cited"},
}
PROOFS = {"ddpm_course.proofs", "ddpm_course.proofs.words", ".proofs", ".proofs.words"}
FIELDS = {"number", "latex", "verdict", "start", "rests_on", "assumes", "source"}
# What a proof may assume besides hypotheses.
TRUST = re.compile(r"\$?[^\s$]+\$? (is a Markov chain|has a density)")


class Fault(NamedTuple):
    """Something shown that was not checked: where, why, and what it says."""

    cell: str
    why: str
    text: str


class Stated(NamedTuple):
    """What a cell defines, proves, assumes or cites, as it is written there."""

    word: str
    number: str
    latex: str
    start: int | None
    source: str
    verdicts: frozenset[str]


# --- Formulas -------------------------------------------------------------------------------------

SPELT = {
    "≤": r"\le ",
    "≥": r"\ge ",
    "≔": ":=",
    "−": "-",
    "…": r"\dots ",
    "α": r"\alpha ",
    "η": r"\eta ",
    "κ": r"\kappa ",
    r"\leq": r"\le",
    r"\geq": r"\ge",
    r"\lt": "<",
    r"\gt": ">",
}
RELATIONS = {"=", ":=", "<", ">", r"\le", r"\ge", r"\overset"}
# Commands that state nothing. Any other might be a sign, such as \equiv, or hide one, such as \text.
HARMLESS = (
    {"\\" + letter for letter in GREEK.split()}
    | {*ACCENTS, *SPACING, *SPELLINGS, r"\operatorname"}
    | {token for token in TERMINALS if token.startswith("\\")} - RELATIONS - {r"\to"}
    | {
        r"\dots",
        r"\ldots",
        r"\cdots",
        r"\phi",
        r"\quad",
        r"\vert",
        r"\Vert",
        r"\square",
        r"\ell",
        r"\lfloor",
        r"\rfloor",
        r"\{",
        r"\}",
    }
)
OPERATIONS = set("+±×÷·√∞∑∏∫∂∇¬|~^")
COMPUTED = "\ufffc"  # a number that the program fills in


def plain(latex: str) -> str:
    """With the signs that Unicode and TeX write in several ways written in one."""
    for variant, spelling in SPELT.items():
        ends = r"(?![A-Za-z])" if variant[-1].isalpha() and variant[0] == "\\" else ""
        latex = re.sub(re.escape(variant) + ends, lambda _, s=spelling: s, latex)
    return latex


def tokens(latex: str) -> tuple[str, ...]:
    """As the reader cuts it; what it would not read is cut all the same."""
    latex = plain(latex).strip().rstrip(".,; ")
    try:
        return tuple(cut(latex))
    except Unreadable:
        return tuple(re.findall(r"\\[A-Za-z]+|\\.|\d+|\S", latex))


def is_relation(token: str) -> bool:
    if token.startswith("\\"):
        return token not in HARMLESS and not re.fullmatch(r"\\mathrm\{\w+\}", token)
    strange = unicodedata.category(token[0]) in ("Sm", "So") and token not in OPERATIONS | {
        COMPUTED
    }
    return token in RELATIONS or strange


def relations(formula: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where relation signs stand, with their depth in braces; bounds of sums and limits are none."""
    found, depth, bound = [], 0, None
    for n, token in enumerate(formula):
        depth += {"{": 1, "}": -1}.get(token, 0)
        opens = token == "{" and formula[n - 1 : n] == ("_",)
        if bound is None and opens and formula[n - 2] in (r"\sum", r"\prod", r"\lim"):
            bound = depth
        if bound is not None and depth < bound:
            bound = None
        inside = r"\overset" in formula[:n] and depth and found and found[-1][1] < depth
        if bound is None and is_relation(token) and not inside:
            found.append((n, depth))
    return found


def sides(formula: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Sides and signs of a chain, alternately. `\\overset{..}{=}` is one sign."""
    result: list[tuple[str, ...]] = [()]
    n = 0
    at = {k for k, depth in relations(formula) if not depth}
    while n < len(formula):
        if n not in at:
            result[-1] += (formula[n],)
            n += 1
            continue
        end = n + 1
        if formula[n] == r"\overset":
            depth = groups = 0
            while end < len(formula) and groups < 2:
                depth += {"{": 1, "}": -1}.get(formula[end], 0)
                groups += formula[end] == "}" and not depth
                end += 1
        result += [formula[n:end], ()]
        n = end
    return result


def pieces(latex: str) -> Iterator[tuple[str, ...]]:
    """Every `side sign side ...` within a formula. What is defined to be equal is equal."""
    parts = sides(tokens(latex))
    for start, end in combinations(range(0, len(parts), 2), 2):
        piece = sum(parts[start : end + 1], ())
        yield piece
        if ":=" in piece:
            yield tuple("=" if token == ":=" else token for token in piece)


# --- Values that a reader chooses -----------------------------------------------------------------


class Domain(NamedTuple):
    """What a parameter can be: a number from low to high, which is whole, or not one of these two."""

    low: float
    high: float = float("inf")
    whole: bool = False
    open: bool = False

    def allows(self, x: float, equal: bool) -> bool:
        within = self.low < x < self.high if self.open and equal else self.low <= x <= self.high
        return within and (not self.whole or x == int(x))


COUNTED = {**dict.fromkeys("skijn", 0), "t": 1, "S": 1, "T": 2}  # in this order
CHOSEN = {
    **dict.fromkeys("tskijn", Domain(0, whole=True)),
    **dict.fromkeys("TSdBCKM", Domain(1, whole=True)),
    r"\eta": Domain(0),
    r"\sigma": Domain(0),
    r"\kappa": Domain(0, open=True),
    r"\alpha": Domain(0, 1, open=True),
}
DOTS = {r"\dots", r"\ldots", r"\cdots", "..."}


def is_value(formula: tuple[str, ...]) -> bool:
    """A parameter, or counters in their order, with numbers, as T = 1000 or 1 <= t <= T."""
    parts = sides(formula)
    signs = {"".join(sign) for sign in parts[1::2]}
    if not signs or not any(signs <= one for one in ({"="}, {"<", r"\le"}, {">", r"\ge"})):
        return False
    items = [item for part in parts[::2] for item in re.split(r",(?!\d{3}\b)", "".join(part))]
    named = [item for item in items if item in CHOSEN]
    numbers = [item for item in items if item not in CHOSEN and item not in DOTS]
    if not named or len({*named}) > 1 and not {*named} <= COUNTED.keys():
        return False
    if not all(re.fullmatch(r"-?\d[\d,]*(\.\d+)?|\.\d+", item) for item in numbers):
        return False
    ranks = [COUNTED.get(name, 0) for name in named]
    if signs != {"="} and ranks != sorted(ranks, reverse=bool(signs & {">", r"\ge"})):
        return False
    values = [float(item.replace(",", "")) for item in numbers]
    return all(CHOSEN[name].allows(x, signs == {"="}) for name in named for x in values)


# --- Instances of a cited equation ----------------------------------------------------------------


def settled(formula: tuple[str, ...]) -> tuple[str, ...]:
    """Indices worked out, such as t-1+1, and without the braces that one token does not need."""
    text = " ".join(formula)

    def worked(group: re.Match) -> str:
        parts = [part.replace(" ", "") for part in re.findall(r"[+-]?\s*\w+", group[1])]
        letters = [part.lstrip("+") for part in parts if not part.lstrip("+-").isdigit()]
        number = sum(int(part) for part in parts if part.lstrip("+-").isdigit())
        if len(letters) > 1:
            return group[0]
        index = letters[0] + (f"{number:+d}" if number else "") if letters else str(number)
        return f"_ {{ {' '.join(re.findall(r'[+-]|[^+-]+', index))} }}"

    text = re.sub(r"_ \{ ((?:[+-] )?\w+(?: [+-] \w+)*) \}", worked, text)
    return tuple(re.sub(r"_ \{ (\S+) \}", r"_ \1", text).split())


def instances(piece: tuple[str, ...], start: int, formula: tuple[str, ...]) -> Iterator[tuple]:
    """A piece with t replaced by a number of the formula within its range, or by another index."""
    indices = [("T",), ("s",), ("k",), ("t", "-", "1"), ("t", "+", "1")]
    indices += [(token,) for token in {*formula} if token.isdigit() and int(token) >= start]
    indices += [("1",)] * (start <= 1) + [("2",)] * (start <= 2)
    for index in indices:
        group = ("{", *index, "}") if len(index) > 1 else index
        put = [
            (token,) if token != "t" else group if before in ("_", "^") else index
            for before, token in zip(("", *piece), piece)
        ]
        yield settled(sum(put, ()))


# --- What is stated -------------------------------------------------------------------------------

NO_PYTHON = ast.Module([], [])


def parsed(cell: NotebookNode) -> ast.Module:
    """The source without IPython's commands; empty where it is no Python."""
    source = re.sub(r"^(\s*)[%!].*", r"\1pass", cell.source, flags=re.MULTILINE)
    try:
        return ast.parse(source)
    except SyntaxError:
        return NO_PYTHON


def statement(node: ast.stmt) -> ast.Call | None:
    """The call of one of our words that a statement is, if it is one."""
    call = getattr(node, "value", None)
    word = getattr(getattr(call, "func", None), "id", "")
    return call if isinstance(node, ast.Expr) and word in VERDICTS else None


def as_stated(call: ast.Call) -> Stated:
    """The facts of a statement. Raises ValueError where they are not written down as they are."""
    word, values = getattr(call.func, "id", ""), [ast.literal_eval(a) for a in call.args[:2]]
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    others = {"eq": ("by", "start"), "cite": ("source",)}.get(word, ("start",))
    options |= dict(zip(others, call.args[2:]))
    known = {"start": None if word == "define" else 1, "source": ""}
    known |= {name: ast.literal_eval(options[name]) for name in known if name in options}
    if len(values) != 2 or not all(isinstance(v, str) for v in values):
        raise ValueError
    by = getattr(getattr(options.get("by"), "func", None), "id", "")
    verdicts = {"definition"} if by == "innovation" else VERDICTS[word]  # it defines a noise
    return Stated(word, values[0], values[1], known["start"], known["source"], frozenset(verdicts))


def stated(cell: NotebookNode) -> Stated | None:
    """What a cell states, where it does so plainly."""
    if cell.cell_type != "code":
        return None
    call = statement(body[-1]) if (body := parsed(cell).body) else None
    try:
        return as_stated(call) if call else None
    except (ValueError, TypeError):
        return None


def from_us(node: ast.AST) -> TypeGuard[ast.ImportFrom]:
    """Whether a statement imports from where our words are."""
    return isinstance(node, ast.ImportFrom) and "." * node.level + (node.module or "") in PROOFS


def imported(notebook: NotebookNode) -> set[str]:
    """Our words, as far as a notebook has them from where they are."""
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    nodes = (node for cell in code for node in ast.walk(parsed(cell)))
    return {
        a.name
        for node in filter(from_us, nodes)
        for a in node.names
        if a.name in VERDICTS and a.asname in (None, a.name)
    }


def bound(node: ast.AST) -> set[str]:
    """The names to which a piece of a program gives a meaning, other than ours to our words."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        named = [(a.name, a.asname or a.name) for a in node.names]
        if not from_us(node):
            return {*VERDICTS} if ("*", "*") in named else {new for _, new in named}
        return {name for pair in named if pair[0] != pair[1] for name in pair}
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.arg):
        return {node.arg}
    stored = isinstance(getattr(node, "ctx", None), ast.Store)
    return {getattr(node, "id", getattr(node, "attr", ""))} if stored else set()


def hidden_statements(cell: NotebookNode, ours: set[str]) -> Iterator[Fault]:
    """Statements that are not plainly the last of their cell, and other things under our words."""
    fault = lambda why, node: Fault(cell.id, why, ast.unparse(node).splitlines()[0][:120])
    body, plainly = parsed(cell).body, set()
    if parsed(cell) is NO_PYTHON:
        yield Fault(cell.id, "a cell that is no Python", cell.source[:120])
    library = bool(directives(cell) & {"export", "exporti", "exports"})
    for n, node in enumerate(body):
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "refusal":
            plainly |= {*call.args}
        if not (call := statement(node)):
            continue
        if getattr(call.func, "id", "") not in ours:
            yield fault("something else under one of our words", node)
        elif library:
            yield fault("a statement in an exported cell", node)
        elif n != len(body) - 1:
            yield fault("a statement that is not the last of its cell", node)
        elif cell.source.rstrip().endswith(";"):
            yield fault("a statement that shows nothing", node)
        try:
            as_stated(call)
        except (ValueError, TypeError):
            yield fault("a statement whose formula is made, not written", node)
        plainly.add(call.func)
    for node in (inner for outer in body for inner in ast.walk(outer)):
        if bound(node) & ours:
            yield fault("something else under one of our words", node)
        first = (getattr(node, "args", None) or [None])[0] if isinstance(node, ast.Call) else None
        attribute = getattr(getattr(node, "func", None), "attr", "") in VERDICTS
        name = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in ours
        if (
            name
            and node not in plainly
            and not library
            or attribute
            and isinstance(getattr(first, "value", None), str)
        ):
            yield fault("a statement within something else", node)


# --- The course -----------------------------------------------------------------------------------


@dataclass
class Course:
    """What all notebooks state, in reading order. exempt: formulas by notebook, with a reason."""

    equations: dict[str, Stated] = field(default_factory=dict)
    facts: dict[str, dict] = field(default_factory=dict)
    checked: set[tuple[str, ...]] = field(default_factory=set)
    exempt: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, notebook: NotebookNode) -> "Course":
        for cell in notebook.cells:
            if not (one := stated(cell)):
                continue
            self.equations.setdefault(one.number, one)
            self.checked.update(pieces(one.latex) if one.word != "cite" else ())
            for data in (output.get("data", {}) for output in cell.outputs):
                if MIME in data:
                    self.facts.setdefault(one.number, data[MIME])
        return self

    def place(self, number: str) -> int:
        return [*self.equations].index(number) if number in self.equations else -1

    def start(self, number: str) -> int:
        known = self.equations[number].start
        return self.facts.get(number, {}).get("start", 1) if known is None else known

    def supports(self, formula: tuple[str, ...], cited: set[str]) -> bool:
        """Whether a formula is checked, or an instance of an equation that is cited."""
        if formula in self.checked or is_value(formula):
            return True
        return any(
            settled(formula) in instances(piece, self.start(number), formula)
            for number in cited & self.equations.keys()
            for piece in pieces(self.equations[number].latex)
        )


# --- Outputs --------------------------------------------------------------------------------------


def not_what_it_says(data: dict, one: Stated, course: Course) -> Iterator[str]:
    """What an equation's output says that its source, its fields or the course do not."""
    facts = data[MIME]
    if not FIELDS <= facts.keys() <= FIELDS | {"s", "free", "silent"}:
        return (yield "other fields")
    expected: dict[str, str | int] = {
        "number": one.number,
        "latex": one.latex,
        "source": one.source,
    }
    if one.start is not None:
        expected["start"] = one.start
    yield from (f"another {name}" for name, value in expected.items() if facts[name] != value)
    if facts["verdict"] not in one.verdicts:
        yield "another verdict"
    if one.word != "eq" and facts["rests_on"]:
        yield "premises, and no proof"
    if one.word not in ("eq", "define") and facts["assumes"]:
        yield "hypotheses, and no value"
    for number in facts["rests_on"]:
        if not 0 <= course.place(number) < course.place(one.number):
            yield f"({number}) as a premise, which does not come before"
    for name in facts["assumes"]:
        known = name in course.equations and course.equations[name].word == "assume"
        if not (known or TRUST.fullmatch(name)):
            yield f"the assumption {name}, which nobody stated"
    if data.get("text/markdown") != page(facts):
        yield "another page than its fields"
    if data.get("text/plain") != f"({one.number}) {facts['verdict']}":
        yield "another text"
    if data.keys() - {MIME, "text/markdown", "text/plain"}:
        yield "something else beside it"


def shown_equations(cell: NotebookNode, course: Course) -> Iterator[Fault]:
    """Equations in the outputs of a cell that are not what they say."""
    one, outputs = stated(cell), [output.get("data", {}) for output in cell.outputs]
    if one and (len(outputs) != 1 or MIME not in outputs[0]):
        yield Fault(cell.id, "an equation that is not displayed, or not alone", f"({one.number})")
    for data in (data for data in outputs if MIME in data):
        number = str(data[MIME].get("number"))
        fault = lambda why: Fault(cell.id, f"an equation {why}", f"({number})")
        meant = one or course.equations.get(number)
        if not meant:
            yield fault("that no cell states")
        else:
            yield from (fault(f"with {why}") for why in not_what_it_says(data, meant, course))
        if data[MIME] != course.facts.get(number, data[MIME]):
            yield fault("that is not what its chapter shows")


SLIP = re.compile(r"\$\$\n(?P<latex>[^$]*?)\n\$\$\n\n<small>(?P<line>[^<]*)</small>")


def is_slip(shown: re.Match, cell: NotebookNode) -> bool:
    """A formula that is displayed because it is wrong, and says so: one to find, or a printed one."""
    body = parsed(cell).body
    call = getattr(body[0], "value", None) if len(body) == 1 else None
    word = getattr(getattr(call, "func", None), "id", "")
    texts = [a.value for a in getattr(call, "args", []) if isinstance(a, ast.Constant)]
    if word == "puzzle":
        return shown["line"] == f"Exercise {texts[0]} · **there is a slip in it**"
    if word != "printed":
        return False
    return shown["latex"] == f"{texts[1]} \\tag{{printed {texts[0]}}}" and shown["line"].startswith(
        f"printed {texts[0]} · **wrong** · "
    )


def other_outputs(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """What a cell shows besides equations and pictures: the kind, and the text."""
    for data in (output.get("data", {}) for output in cell.outputs):
        for kind, text in sorted(data.items()) if MIME not in data else ():
            if kind in ("text/plain", "image/png", "image/jpeg"):
                continue
            if kind == "text/markdown":
                text = SLIP.sub(lambda shown: "" if is_slip(shown, cell) else shown[0], text)
            if kind == "text/html":
                text = re.sub(
                    r"<(script|style)\b.*?</\1>|base64,[^\"']*", " ", text, flags=re.DOTALL
                )
            yield kind, html.unescape(str(text))


# --- Prose ----------------------------------------------------------------------------------------

TYPED = re.compile(
    r"\$\$.*?\$\$|\$\$|\$`|\\begin\s*\{|\\\\?\[.*?\\\\?\]|\\\\?\(.*?\\\\?\)"
    r"|<\s*(?:math|script|iframe|object|embed|svg)\b|^[ >]*(?:`{3,}|~{3,}|:{3,}) *(?:\{|math|latex|tex)"
    r"|\{[a-z-]+\} *`",
    re.MULTILINE | re.DOTALL,
)
FENCED = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
INLINE = re.compile(r"(?<![\\$])\$(?!\$)((?:[^$\\]|\\.)+?)\$(?!\$)", re.DOTALL)
HTML = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>\n]*>", re.DOTALL)
SAID = {"equals": "=", "is equal to": "=", "does not equal": r"\ne", ">=": r"\ge", "<=": r"\le"}
SIGN = r"(?::=|[<>=!]=|[-=]>|<-|[=<>]|\bequals\b|\bis equal to\b|\bdoes not equal\b)"
MARK = "\ue000"  # formulas stand in the prose as letters of the private area, from here on
FORMULA = "[\ue000-\uf8ff]"


def without_code(text: str) -> str:
    """Prose without the fences and spans of code that are only that, and no role or directive."""
    text = FENCED.sub(lambda fence: fence[0] if TYPED.match(fence[0]) else "", text)
    return re.sub(r"(?<![$}`])(`{1,2})(?!`).*?(?<!`)\1(?!`)", "", text, flags=re.DOTALL)


def signs(text: str) -> str:
    """Every relation sign of Unicode as the sign itself between spaces."""
    sign = lambda c: unicodedata.category(c) == "Sm" and c not in OPERATIONS | {"<", ">", "="}
    return "".join(f" {c} " if sign(c) else c for c in text)


SYMBOL = re.compile(
    rf"{FORMULA}|\\\w+|\W?[^\W\d_][\u0300-\u036f]*(?:_\w+|[₀-₉ₜ²]+)?\W?|[A-Z]{{2,4}}"
)
AMOUNT = re.compile(rf"[-−(]*[\d.,]+%?\W?|{COMPUTED}\W?")


def split_formulas(text: str, found: list[str]) -> Iterator[str]:
    """Formulas written partly as words: `$x$ = 7`, or `$x =$ 7`, where `found` are the $..$."""
    inside = lambda word: found[ord(word) - ord(MARK)] if re.fullmatch(FORMULA, word) else word
    words = re.findall(rf"{FORMULA}|{SIGN}|[^\s{MARK}-\uf8ff=<>:]+|\S", text)
    symbol = lambda n: 0 <= n < len(words) and SYMBOL.fullmatch(words[n])
    math = lambda n: symbol(n) or 0 <= n < len(words) and AMOUNT.fullmatch(words[n])
    left, right = set(), set()  # where something is missing on that side
    for n, word in enumerate(words):
        if re.fullmatch(FORMULA, word):
            parts = sides(tokens(inside(word)))
            between = math(n - 1) and math(n + 1)
            if len(parts) == 1 or not any(parts[::2]) and not between:
                continue
            if not parts[0]:
                left.add(n)
            if not parts[-1]:
                right.add(n)
        elif re.fullmatch(SIGN, word) or len(word) == 1 and is_relation(word):
            said = word[0].isalpha()
            if (symbol(n - 1) or symbol(n + 1)) and (not said or math(n - 1) and math(n + 1)):
                left.add(n)
                right.add(n)
    n = 0
    while n < len(words):
        end = n
        while end < len(words) - 1 and (end in right or end + 1 in left):
            end += 1
        if end > n or n in left | right:
            yield " ".join(SAID.get(word, inside(word)) for word in words[n : end + 1])
        n = end + 1


def prose_formulas(text: str) -> Iterator[str]:
    """All formulas with a relation sign in a paragraph of prose, inline or spelt out."""
    found: list[str] = []

    def kept(formula: re.Match) -> str:
        found.append(plain(formula[1]))
        return f" {chr(ord(MARK) + len(found) - 1)} "

    text = HTML.sub(" ", INLINE.sub(kept, text))
    text = re.sub(r"^\s*(>\s?)+", "", re.sub(r"\]\([^)\s]*\)", "] ", text), flags=re.MULTILINE)
    text = re.sub(r"\\([^\w\s])", r"\1", text).replace("*", " ")
    text = re.sub(rf"[(\[{{]\s*({FORMULA})\s*[)\]}}]", r" \1 ", signs(text))
    yield from (
        latex for latex in found if relations(tokens(latex)) and any(sides(tokens(latex))[::2])
    )
    yield from split_formulas(text, found)


def paragraphs(text: str) -> list[str]:
    """Prose, item by item: what one of them cites, another does not."""
    return re.split(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+\.)\s)|\n(?=\s*\|)|\n(?=#)", text)


def single(formula: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The relations of a list such as T = 2, d = 3, one by one; 1, ..., T is no such list."""
    parts: list[tuple[str, ...]] = [()]
    depth = 0
    for token in formula:
        depth += (token in "([{") - (token in ")]}")
        if token == "," and not depth:
            parts.append(())
        else:
            parts[-1] += (token,)
    return parts if all(relations(part) for part in parts) else [formula]


def never(formula: tuple[str, ...]) -> bool:
    return False


def unchecked(text: str, course: Course, allowed: Callable = never) -> Iterator[str]:
    """Formulas of some prose that nothing supports."""
    for part in paragraphs(text):
        cited = {*CITED.findall(part)}
        supported = lambda one: course.supports(one, cited) or allowed(one)
        for latex in prose_formulas(part):
            if not supported(tokens(latex)) and not all(map(supported, single(tokens(latex)))):
                yield " ".join(latex.split()).rstrip(".,;: ")


def is_place(formula: tuple[str, ...]) -> bool:
    """A symbol and a number: where a counterexample was found."""
    parts = sides(formula)
    number = r"\(?-?[\d.]+(e-?\d+)?\)?|\(.*\)|\\begin\{pmatrix\}[\d.&\\ -]*\\end\{pmatrix\}"
    return len(parts) == 3 and parts[1] == ("=",) and bool(re.fullmatch(number, "".join(parts[2])))


def is_computed(formula: tuple[str, ...]) -> bool:
    """One side is a number that the program fills in, as in the title of a figure."""
    return any(part and {*part} <= {COMPUTED, "."} for part in sides(formula)[::2])


def strings(cell: NotebookNode) -> Iterator[str]:
    """The texts with formulas in the source of a cell, such as the labels of a figure."""
    nodes = [*ast.walk(parsed(cell))]
    within = {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                getattr(part, "value", "") if isinstance(part, ast.Constant) else COMPUTED
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in within:
            yield node.value


UNCHECKED, TYPED_ONE = "an unchecked formula", "a typed display"


def faults(notebook: NotebookNode, name: str, course: Course) -> list[Fault]:
    """All that a notebook shows and nothing has checked. name: the notebook's, as in exempt.toml."""
    ours, found = imported(notebook), []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found += in_markdown(cell, course)
        elif cell.cell_type == "code":
            found += [*in_code(cell, ours, course), *in_strings(cell, course)]
        elif cell.source.strip():
            found.append(Fault(cell.id, "a raw cell", cell.source[:120]))
    exempt = {text for notebook, text in course.exempt if notebook == name}
    return [fault for fault in found if fault.why != UNCHECKED or fault.text not in exempt]


def in_markdown(cell: NotebookNode, course: Course) -> Iterator[Fault]:
    text = html.unescape(cell.source)
    for typed in TYPED.finditer(without_code(text)):
        yield Fault(cell.id, TYPED_ONE, typed[0][:120])
    text = CODE.sub(" ", FENCED.sub(" ", text))
    yield from (Fault(cell.id, UNCHECKED, latex) for latex in unchecked(text, course))
    for number in CITED.findall(text):
        if number not in course.equations:
            yield Fault(cell.id, "a number that no equation has", f"({number})")


def in_code(cell: NotebookNode, ours: set[str], course: Course) -> Iterator[Fault]:
    yield from hidden_statements(cell, ours)
    yield from shown_equations(cell, course)
    tried = is_place if re.match(r"(check_answer|printed)\(", cell.source) else never
    for kind, text in other_outputs(cell):
        if kind not in ("text/markdown", "text/html"):
            yield Fault(cell.id, TYPED_ONE, kind)
        for typed in TYPED.finditer(text if kind == "text/html" else without_code(text)):
            bracket = re.match(r"\\\\?[\[(]", typed[0])  # which Markdown takes for a bracket
            if not bracket or relations(tokens(typed[0].strip("\\[]()"))):
                yield Fault(cell.id, TYPED_ONE, typed[0][:120])
        text = re.sub(r"\$\$.*?\$\$", " ", CODE.sub(" ", FENCED.sub(" ", text)), flags=re.DOTALL)
        yield from (Fault(cell.id, UNCHECKED, latex) for latex in unchecked(text, course, tried))


def in_strings(cell: NotebookNode, course: Course) -> Iterator[Fault]:
    for text in strings(cell):
        text = re.sub(r"\$\$.*?\$\$", " ", text, flags=re.DOTALL)  # shown, if at all, by an output
        for latex in unchecked(text, course, is_computed) if "$" in text else ():
            yield Fault(cell.id, UNCHECKED, latex)
