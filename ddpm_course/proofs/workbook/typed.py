"""What a reader types, rewritten for the strict grammar where it can mean one thing alone.

Nothing is decided here: what comes out is read, tried and proved like any formula. All functions
raise Unreadable for what has no meaning, or more than one.
"""

import ast
import re
import unicodedata
import warnings
from fractions import Fraction
from itertools import groupby
from numbers import Rational
from typing import Any

import sympy as sp

from ..errors import Unreadable
from ..grammar import GREEK
from ..reader import Node

LONGEST = 1000  # signs of an answer
LARGEST = 10**6  # a number in a formula
MOST = 50  # an exponent, or an end of a sum

_LETTERS = {
    unicodedata.lookup(f"GREEK {size} LETTER {'LAMDA' if name.lower() == 'lambda' else name}"): name
    for name in GREEK.split()
    if name != "varepsilon"
    for size in ["CAPITAL" if name[0].isupper() else "SMALL"]
}
_SIGNS = {sign: rf"\{name} " for sign, name in _LETTERS.items()} | {
    "ϵ": r"\epsilon ",
    "µ": r"\mu ",
    "−": "-",
    "–": "-",
    "·": r"\cdot ",
    "⋅": r"\cdot ",
    "×": r"\cdot ",
    "÷": "/",
    "∕": "/",
    "√": r"\sqrt ",
    "‖": r"\|",
    "\N{NO-BREAK SPACE}": " ",
}
_ACCENTS = {"\u0304": "bar", "\u0305": "bar", "\u0303": "tilde", "\u0302": "hat"}
_SPELLINGS = (
    (r"\\overline(?![A-Za-z])", r"\\bar"),
    (r"\\widetilde(?![A-Za-z])", r"\\tilde"),
    (r"\\widehat(?![A-Za-z])", r"\\hat"),
    (r"\\(bar|tilde|hat)\s*\{\s*(\\?[A-Za-z]+)\s*_\s*(\w|\{[^{}]*\})\s*\}", r"\\\1{\2}_\3"),
    (r"\\times(?![A-Za-z])", r"\\cdot"),
    (r"\\ln(?![A-Za-z])", r"\\log"),
    (r"\\varepsilon(?![A-Za-z])", r"\\epsilon"),
    (r"\\text\s*\{", r"\\mathrm{"),
    (r"\\(displaystyle|quad|bigg[lr]?)(?![A-Za-z])", " "),
    (r"(?<![\\A-Za-z{])SNR(?![A-Za-z])", r"\\mathrm{SNR}"),
    (r"\\Vert(?![A-Za-z])|\|\|", r"\\|"),
    (r"\\\|(.+?)\\\|", r"\\lVert \1\\rVert "),
)


def text_of(answer: Any) -> str:
    """The text of a formula, of a number or of a SymPy expression."""
    if isinstance(answer, str):
        text = str.__str__(answer)
    elif isinstance(answer, sp.Expr):
        text = sp.latex(answer)
    else:
        value = fraction(answer)
        text = str(value.numerator)
        if value.denominator > 1:
            text = rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    if len(text) > LONGEST:
        raise Unreadable(text, text[:20], f"it has {len(text)} signs, {LONGEST} are read")
    return text


def fraction(answer: Any) -> Fraction:
    """The value of a number: of Python, NumPy, SymPy, or of a tensor that holds a single one."""
    if answer is None or answer is ...:
        raise Unreadable("", "", "there is no answer yet")
    try:
        value = answer.item() if hasattr(answer, "item") else answer
        if isinstance(value, bool):
            raise TypeError
        return Fraction(value) if isinstance(value, Rational) else Fraction(repr(float(value)))
    except Exception:  # whatever was typed: there is no end to what an object can do
        why = f"{type(answer).__name__} is no number and no formula"
        raise Unreadable("", "", why) from None


def unwrapped(text: str) -> str:
    """Without the signs that set a formula off from a text."""
    text = text.strip()
    for left, right in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        if text.startswith(left) and text.endswith(right) and len(text) > len(left):
            text = text[len(left) : -len(right)].strip()
    if not text:
        raise Unreadable("", "", "the answer is empty")
    return text


def whole(answer: Any) -> Fraction:
    """A number, with or without the name and the brackets that it was typed with."""
    if not isinstance(answer, str):
        return fraction(answer)
    text = unwrapped(text_of(answer))
    said = re.fullmatch(
        r"(?:(?:line|step|[A-Za-z]\s*=)\s*)?(\(?)\s*(-?\d+(?:\.\d*)?)\s*(\)?)\.?", text, re.I
    )
    if not said or len(said[1]) != len(said[3]):
        raise Unreadable(text, text, "this is no whole number")
    return Fraction(said[2])


def parted(text: str) -> tuple[str, str]:
    """The name before a sign of equality, "" without one; and what stands after it."""
    depth, cuts = 0, []
    for place, sign in enumerate(text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == "=" and not depth:
            cuts.append(place)
    if len(cuts) > 1:
        raise Unreadable(text, text[cuts[1] :], "one formula is asked for, without a relation sign")
    return (text[: cuts[0]].strip(), text[cuts[0] + 1 :].strip()) if cuts else ("", text)


def in_latex(text: str) -> str:
    """Other signs and commands for the same thing, in the spelling of the course."""
    text = "".join(map(_set_lower_or_higher, *zip(*_runs(text)))) if text else text
    for accent, command in _ACCENTS.items():
        text = re.sub(rf"(\w){accent}", rf"\\{command}{{\1}}", text)
    text = "".join(_SIGNS.get(sign, sign) for sign in text)
    for spelling, ours in _SPELLINGS:
        text = re.sub(spelling, ours, text)
    if wrong := re.search(r"\^\s*\d[\d.]|[_^]\s*\.\d", text):
        raise Unreadable(text, text[wrong.start() :], "an exponent needs braces, as in a^{10}")
    return re.sub(r"(?<![\d.])\d*\.\d+(?![\d.])", lambda x: _ratio(x[0]), text)


def spaced(latex: str) -> str:
    """With a space after the number d: close before a letter it looks like a differential."""
    return re.sub(r"(?<![\\A-Za-z])d(?=\\?[A-Za-z])", r"d\\,", latex)


def _runs(text: str) -> list[tuple[str, str]]:
    """Signs that stand low, high or as a fraction by themselves, and the others, in turn."""
    kind = lambda sign: (
        re.match(r"<(sub|super|fraction)>", unicodedata.decomposition(sign)) or " "
    )[0]
    return [(key, "".join(signs)) for key, signs in groupby(text, kind)]


def _set_lower_or_higher(kind: str, signs: str) -> str:
    plain = unicodedata.normalize("NFKD", signs).replace("−", "-")
    match kind:
        case "<sub>":
            return f"_{{{plain}}}"
        case "<super>":
            return f"^{{{plain}}}"
        case "<fraction>":
            above, _, below = plain.partition("⁄")
            return rf"\frac{{{above}}}{{{below}}}"
    return unicodedata.normalize("NFD", signs)


def _ratio(decimal: str) -> str:
    value = Fraction(decimal)
    return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


# --- Formulas as Python writes them --------------------------------------------------------------

_SUMS = {ast.Add: "+", ast.Sub: "-", ast.Mult: r"\cdot "}
_CALLS = {"sqrt": r"\sqrt{%s}", "exp": r"\exp(%s)", "log": r"\log(%s)", "ln": r"\log(%s)"}
_NAME = re.compile(
    rf"({'|'.join(sorted(GREEK.split(), key=len, reverse=True))}|SNR|eps|[A-Za-z])"
    r"(_?bar)?(?:_([A-Za-z0-9])|(\d))?"
)


def from_python(text: str) -> str:
    """LaTeX for a formula in Python's signs, with an accent as `_bar`: sqrt(1 - alpha_bar_t)**2."""
    source = _as_python(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as wrong:
        at = source[max(getattr(wrong, "offset", None) or 1, 1) - 1 :]
        raise Unreadable(text, at, "") from None
    return _latex(tree, source)


def _as_python(text: str) -> str:
    """Signs that only paper has, as names and signs of Python."""
    text = re.sub(r"\\bar\{\\?(\w+) ?\}", r"\1_bar", in_latex(text))
    text = re.sub(r"\\mathrm\{(\w+)\}", r"\1", text.replace(r"\cdot ", "*"))
    text = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"(\1/\2)", text)
    text = re.sub(r"\\(\w+) ?", r"\1", text)
    return text.replace("^", "**").translate(str.maketrans("{}[]", "()()"))


def _latex(node: ast.expr, source: str) -> str:
    inside = lambda part: f"({_latex(part, source)})"
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return str(value)
        case ast.Name(id=name) if found := _NAME.fullmatch(name):
            letter = {"eps": r"\epsilon", "SNR": r"\mathrm{SNR}"}.get(found[1], found[1])
            letter = rf"\{letter}" if letter in GREEK.split() else letter
            index = found[3] or found[4]
            return (rf"\bar{{{letter}}}" if found[2] else letter) + (f"_{index}" if index else "")
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return f"-{inside(part)}"
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{_latex(left, source)}}}{{{_latex(right, source)}}}"
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return f"{inside(left)}^{{{_latex(right, source)}}}"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SUMS:
            return f"{inside(left)}{_SUMS[type(op)]}{inside(right)}"
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[part], keywords=[]):
            if name in _CALLS:
                return _CALLS[name] % _latex(part, source)
    raise Unreadable(source, ast.get_source_segment(source, node) or source, "")


def bounded(node: Node, latex: str) -> None:
    """Refuse a formula whose numbers would fill the memory: 9 to the power of 9 to the power of 9."""
    within = lambda n, *ops: sum(inner.op in ops for inner in n.walk())
    exponents = [n.parts[1] for n in node.walk() if n.op == "pow"]
    ends = [end for n in node.walk() if n.op in ("sum", "prod") for end in n.parts[1:3]]
    numbers = lambda n: [inner.parts[0] for inner in n.walk() if inner.op == "number"]
    if (
        any(within(n, "pow") or max(numbers(n), default=0) > MOST for n in exponents + ends)
        or any(n.op == "pow" and within(n, "pow") > 3 for n in node.walk())
        or max(numbers(node), default=0) > LARGEST
        or within(node, "sum", "prod") > 2
    ):
        raise Unreadable(latex, latex[:20], "it is too large to be tried in numbers")
