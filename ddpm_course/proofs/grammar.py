"""The grammar of formulas, and how TeX is cut into tokens: the tables, and the rules."""

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from .errors import Unreadable

GRAMMAR = r"""
start: sum (relation sum)*
relation: EQUAL -> equal | DEFINE -> define | LE -> le | GE -> ge | LT -> lt
        | OVERSET LBRACE D RBRACE LBRACE EQUAL RBRACE                   -> in_law
        | OVERSET LBRACE DENSITY RBRACE LBRACE EQUAL RBRACE             -> law_under
        | OVERSET LBRACE DENSITY MID vars RBRACE LBRACE EQUAL RBRACE    -> law_under

sum: signed (PLUS product | MINUS product)*
signed: product | PLUS product | MINUS product
?product: chain | big | chain big -> mul | chain CDOT big -> times | power SLASH power -> over
?chain: power | chain tail -> mul | chain CDOT power -> times
?beside: power | beside tail -> mul
?power: tail | number | number CARET group -> pow
?tail: atom | open CARET group -> pow | open CARET TOP -> transpose
?big: LOG inside -> log | EXP inside -> exp | COS letter -> cos | SIN letter -> sin | derivative
   | SUM under CARET group product -> sum_over | PROD under CARET group power -> prod_over
   | PROD under CARET group beside tail -> prod_over
   | LIM UNDERSCORE LBRACE INDEX TO INFTY RBRACE product -> limit
?inside: atom | number
?derivative: SLOPE sum SUBR moving -> slope
   | NABLA UNDERSCORE group moving -> gradient | NABLA UNDERSCORE group CDOT moving -> divergence
?moving: inside | LOG inside -> log | EXP inside -> exp | derivative
under: UNDERSCORE LBRACE INDEX EQUAL sum RBRACE
?group: LBRACE sum RBRACE | number | letter | index
letter: SYMBOL -> symbol

?atom: open | LVERT sum RVERT CARET group -> norm2 | FRAC group group -> div
?open: symbol | index | member | call | density | normal | mean | kl | blocks
     | LPAR sum RPAR | LBRACKET sum RBRACKET
     | LBAR sum RBAR -> det
     | LANGLE sum COMMA sum RANGLE -> inner
     | COS LPAR sum RPAR -> cos | SIN LPAR sum RPAR -> sin
     | SQRT group -> sqrt | TRACE LPAR sum RPAR -> trace
number: INT
symbol: SYMBOL | LABELLED
index: INDEX
member: FAMILY SUBL sum SUBR
call: FUNCTION LPAR args RPAR | FUNCTION SUBL sum SUBR LPAR args RPAR -> call_at
args: sum (COMMA sum)*
density: DENSITY LPAR vars RPAR | DENSITY LPAR vars MID vars RPAR
vars: var (COMMA var)*
?var: member | symbol | FAMILY SUBL sum COLON sum SUBR -> span
normal: NORMAL LPAR sum SEMICOLON sum COMMA sum RPAR | NORMAL LPAR sum COMMA sum RPAR
mean: MEAN UNDERSCORE LBRACE over RBRACE LBRACKET sum RBRACKET
    | COV UNDERSCORE LBRACE over RBRACE LBRACKET sum RBRACKET -> covariance
over: density | symbol (COMMA symbol)* -> letters
kl: KL LPAR law PARALLEL law RPAR
?law: density | normal
blocks: BEGIN row (ROW row)* END
row: sum (AMP sum)*

%declare EQUAL DEFINE LE GE LT OVERSET D PLUS MINUS CDOT SLASH CARET TOP LOG EXP SUM PROD LIM TO INFTY
%declare UNDERSCORE LBRACE RBRACE LPAR RPAR LBRACKET RBRACKET LVERT RVERT LBAR RBAR LANGLE RANGLE
%declare COMMA COLON SEMICOLON MID PARALLEL FRAC SQRT TRACE INT SYMBOL LABELLED INDEX FAMILY FUNCTION DENSITY
%declare NABLA COS SIN SLOPE
%declare SUBL SUBR NORMAL MEAN COV KL BEGIN END ROW AMP
"""

TERMINALS = {
    "=": "EQUAL",
    ":=": "DEFINE",
    r"\le": "LE",
    r"\ge": "GE",
    "<": "LT",
    r"\overset": "OVERSET",
    "+": "PLUS",
    "-": "MINUS",
    r"\cdot": "CDOT",
    "/": "SLASH",
    "^": "CARET",
    r"\top": "TOP",
    r"\log": "LOG",
    r"\exp": "EXP",
    r"\cos": "COS",
    r"\sin": "SIN",
    r"\nabla": "NABLA",
    r"\sum": "SUM",
    r"\prod": "PROD",
    r"\lim": "LIM",
    r"\to": "TO",
    r"\infty": "INFTY",
    "_": "UNDERSCORE",
    "{": "LBRACE",
    "}": "RBRACE",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LBRACKET",
    "]": "RBRACKET",
    r"\lVert": "LVERT",
    r"\rVert": "RVERT",
    r"\lvert": "LBAR",
    r"\rvert": "RBAR",
    r"\langle": "LANGLE",
    r"\rangle": "RANGLE",
    ",": "COMMA",
    ":": "COLON",
    ";": "SEMICOLON",
    r"\mid": "MID",
    r"\|": "PARALLEL",
    r"\frac": "FRAC",
    r"\sqrt": "SQRT",
    r"\mathrm{tr}": "TRACE",
    r"\mathrm{Cov}": "COV",
    r"\begin{pmatrix}": "BEGIN",
    r"\end{pmatrix}": "END",
    r"\\": "ROW",
    "&": "AMP",
    r"\mathrm{normal}": "NORMAL",
    r"\mathrm{mean}": "MEAN",
    r"\mathrm{KL}": "KL",
}
WORDS = {
    "INT": "a number",
    "SYMBOL": "a symbol",
    "LABELLED": "a symbol",
    "FAMILY": "a symbol with an index",
    "INDEX": "an index",
    "SLOPE": "a derivative",
    "FUNCTION": "a function",
    "DENSITY": "a density",
    "$END": "the end",
}
SPELLINGS = {
    r"\mathcal{N}": r"\mathrm{normal}",
    r"\mathcal N": r"\mathrm{normal}",
    r"\mathbb{E}": r"\mathrm{mean}",
    r"\mathbb E": r"\mathrm{mean}",
    r"\operatorname": r"\mathrm",
    r"D_{\mathrm{KL}}": r"\mathrm{KL}",
    "D_{KL}": r"\mathrm{KL}",
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
}
ALIGNED = [r"\begin{aligned}", r"\end{aligned}"]
SPACES = {r"\,", r"\;", r"\:", r"\!", r"\ "}
SIZES = {r"\left", r"\right", r"\big", r"\Big", r"\bigl", r"\Bigl", r"\bigr", r"\Bigr"}
SPACING = {*ALIGNED, *SPACES, *SIZES}
OPENING = {"(", "[", "{", r"\lVert", r"\lvert", r"\langle"}
CLOSING = {")", "]", "}", r"\rVert", r"\rvert", r"\rangle"}
ACCENTS = (r"\bar", r"\tilde", r"\hat")
ONE_DIGIT = {r"\frac", r"\sqrt", "^", "_"}  # without braces, TeX takes a single digit after these
CUT = re.compile(  # whatever is not ASCII is a token of its own, and no name is one
    r"\\mathrm\{\w+\}|\\(?:begin|end)\{\w+\}|\\\\|\\[A-Za-z]+|\\.|\d+|:=|\S", re.ASCII
)
GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho "
    "sigma tau phi psi omega Gamma Lambda Sigma Delta Phi Psi Omega"
)
OPERATORS = "log|ln|exp|cos|sin|tan|lim|max|min|sup|inf|tr|det|d"
LETTER = re.compile(
    rf"[A-Za-z]$|\\mathrm\{{(?!(?:{OPERATORS})\}})[A-Za-z]+\}}$|"
    r"\\(?:" + "|".join((*GREEK.split(), "ell")) + ")$"
)
WORD = re.compile(r"\\mathrm\{\w\w")
BRACKETS = {"(": "()", "[": "[]"}
RELATIONS = {"=", ":=", r"\le", r"\ge", "<", r"\overset"}
ENDS = {
    "",
    "+",
    "-",
    ")",
    "]",
    "}",
    ",",
    ";",
    ":",
    "&",
    r"\\",
    r"\mid",
    r"\|",
    r"\rVert",
    r"\rvert",
    r"\rangle",
    r"\cdot",
    r"\end{pmatrix}",
} | RELATIONS
BEGINS = {"", "+", "-", "(", "[", "{", ",", ";", ":", r"\mid", r"\|", r"\cdot"} | RELATIONS


def cut(latex: str) -> list[str]:
    """LaTeX cut into tokens, without what only arranges the page.

    Raises Unreadable where the eye would take one formula for two: at a gap, in a second column, or
    between lines (see `one_formula`).
    """
    text = latex
    for variant, spelling in SPELLINGS.items():
        text = text.replace(variant, spelling)
    tokens = CUT.findall(text)
    aligned = tokens[:1] + tokens[-1:] == ALIGNED
    tokens = tokens[1:-1] if aligned else tokens
    refused = partial(Unreadable, latex)
    for before, token in pairwise(["", *tokens, ""]):
        if token in ALIGNED:
            raise refused(token, "aligned stands once, around the whole formula")
        if before in SIZES and token not in OPENING | CLOSING:
            raise refused(token, f"a bracket was expected after {before}")
        if before in SPACES and token in SPACES:
            raise refused(token, "a gap in which another formula may begin")
        if (before, token) == (r"\\", "["):
            raise refused(token, "after the end of a row TeX takes [ for a distance")
    lines = arranged([token for token in tokens if token not in SPACES | SIZES])
    if not aligned and sum(map(len, lines)) > 1:
        sign = "&" if len(lines[0]) > 1 else r"\\"
        raise refused(sign, "a formula of several lines stands in aligned")
    return single_digits(one_formula(lines, refused))


def arranged(tokens: list[str]) -> list[list[list[str]]]:
    """The lines, and the columns of each. What & and \\\\ divide in a matrix stays together."""
    lines, matrices = [[[]]], 0
    for token in tokens:
        matrices += {r"\begin{pmatrix}": 1, r"\end{pmatrix}": -1}.get(token, 0)
        if matrices or token not in ("&", r"\\"):
            lines[-1][-1].append(token)
        elif token == "&":
            lines[-1].append([])
        else:
            lines.append([[]])
    return lines


def one_formula(
    lines: list[list[list[str]]], refused: Callable[[str, str], Unreadable]
) -> list[str]:
    """The tokens of all lines. Each line but the first begins with & or a relation sign; one that
    begins with + or - holds no relation sign outside of brackets; and no factor is divided."""
    kept, brackets = [], 0
    for number, columns in enumerate(lines):
        start = columns[0][0] if columns[0] else "&" * (len(columns) - 1)
        if len(columns) > 2:
            raise refused("&", "a second column may be another formula")
        if number and start not in {"&"} | RELATIONS:
            raise refused(start, "a line begins with & or with a relation sign")
        signed = number and not brackets and sum(columns, [])[:1] in (["+"], ["-"])
        for column in columns:
            if kept and column and kept[-1] not in BEGINS and column[0] not in ENDS:
                raise refused(column[0], "a line or column breaks before a factor")
            for token in column:
                if signed and token in RELATIONS and not brackets:
                    raise refused(token, "a line that begins with a sign may be another formula")
                brackets += (token in OPENING) - (token in CLOSING)
            kept += column
    return kept


def single_digits(tokens: list[str]) -> list[str]:
    r"""Numbers cut into digits where TeX takes one alone: after ^, _, \sqrt, and in \frac without braces."""
    kept, wanted, outer = [], 0, []  # wanted: the arguments that a \frac still takes
    for token in tokens:
        alone = token.isdigit() and (wanted or kept and kept[-1] in ONE_DIGIT)
        for part in token if alone else [token]:
            kept.append(part)
            if part == "{":
                outer.append(wanted)
                wanted = 0
            elif part == r"\frac":
                wanted = 2
            else:
                wanted = max(0, (outer.pop() if part == "}" and outer else wanted) - 1)
    return kept
