"""The grammar of formulas, and how TeX is cut into tokens: the tables, and the rules."""

import re

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
?power: base | number
?base: atom | atom CARET group -> pow | atom CARET TOP -> transpose
     | number CARET group -> pow
?tail: atom | atom CARET group -> pow | atom CARET TOP -> transpose
?big: LOG inside -> log | EXP inside -> exp | COS letter -> cos | SIN letter -> sin | derivative
   | SUM under CARET group product -> sum_over | PROD under CARET group product -> prod_over
   | LIM UNDERSCORE LBRACE INDEX TO INFTY RBRACE product -> limit
?inside: atom | number
?derivative: SLOPE sum SUBR moving -> slope
   | NABLA UNDERSCORE group moving -> gradient | NABLA UNDERSCORE group CDOT moving -> divergence
?moving: inside | LOG inside -> log | EXP inside -> exp | derivative
under: UNDERSCORE LBRACE INDEX EQUAL sum RBRACE
?group: LBRACE sum RBRACE | number | letter | index
letter: SYMBOL -> symbol

?atom: symbol | index | member | call | density | normal | mean | kl | blocks
     | LPAR sum RPAR | LBRACKET sum RBRACKET
     | LVERT sum RVERT CARET group -> norm2 | LBAR sum RBAR -> det
     | LANGLE sum COMMA sum RANGLE -> inner
     | COS LPAR sum RPAR -> cos | SIN LPAR sum RPAR -> sin
     | FRAC group group -> div | SQRT group -> sqrt | TRACE LPAR sum RPAR -> trace
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
    r"\normal": "NORMAL",
    r"\mean": "MEAN",
    r"\KL": "KL",
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
    r"\mathcal{N}": r"\normal ",
    r"\mathcal N": r"\normal ",
    r"\mathbb{E}": r"\mean ",
    r"\mathbb E": r"\mean ",
    r"\operatorname": r"\mathrm",
    r"D_{\mathrm{KL}}": r"\KL ",
    "D_{KL}": r"\KL ",
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
}
SPACING = {
    r"\,",
    r"\;",
    r"\:",
    r"\!",
    r"\ ",
    r"\left",
    r"\right",
    r"\big",
    r"\Big",
    r"\bigl",
    r"\Bigl",
    r"\bigr",
    r"\Bigr",
    r"\begin{aligned}",
    r"\end{aligned}",
}
ACCENTS = (r"\bar", r"\tilde", r"\hat")
ONE_DIGIT = {r"\frac", r"\sqrt", "^", "_"}  # without braces, TeX takes a single digit after these
CUT = re.compile(r"\\mathrm\{\w+\}|\\(?:begin|end)\{\w+\}|\\\\|\\[A-Za-z]+|\\.|\d+|:=|\S")
GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho "
    "sigma tau phi psi omega Gamma Lambda Sigma Delta Phi Psi Omega"
)
OPERATORS = "log|exp|cos|sin|tan|lim|max|min|sup|inf|tr|det|d"
LETTER = re.compile(
    rf"[A-Za-z]$|\\mathrm\{{(?!(?:{OPERATORS})\}})[A-Za-z]+\}}$|"
    r"\\(?:" + "|".join((*GREEK.split(), "ell")) + ")$"
)
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

    Raises Unreadable where the eye would take one formula for two: a line or column that breaks
    before a factor, a line that does not begin with & or a relation sign, a second column, a gap.
    """
    text = latex
    for variant, spelling in SPELLINGS.items():
        text = text.replace(variant, spelling)
    kept, matrix, arranged, columns, spaces = [], False, "", 0, 0
    for token in CUT.findall(text):
        matrix = token == r"\begin{pmatrix}" or (matrix and token != r"\end{pmatrix}")
        spaces = spaces + 1 if token == r"\ " else 0
        if spaces > 1:
            raise Unreadable(latex, token, "a gap in which another formula may begin")
        if token in SPACING:
            continue
        if arranged == r"\\" and token not in {"&"} | RELATIONS:
            raise Unreadable(latex, token, "a line begins with & or with a relation sign")
        if token in ("&", r"\\") and not matrix:
            columns = columns + 1 if token == "&" else 0
            if columns > 1:
                raise Unreadable(latex, token, "a second column may be another formula")
            arranged = token
            continue
        if arranged and kept and kept[-1] not in BEGINS and token not in ENDS:
            raise Unreadable(latex, token, "a line or column breaks before a factor")
        arranged = ""
        kept.append(token)
    return single_digits(kept)


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
