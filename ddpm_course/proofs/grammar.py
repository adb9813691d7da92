"""The grammar of formulas, and the tables of their signs."""

import re

GRAMMAR = r"""
start: sum (relation sum)*
relation: EQUAL -> equal | DEFINE -> define | LE -> le | GE -> ge | LT -> lt
        | OVERSET LBRACE D RBRACE LBRACE EQUAL RBRACE                   -> in_law
        | OVERSET LBRACE DENSITY RBRACE LBRACE EQUAL RBRACE             -> law_under
        | OVERSET LBRACE DENSITY MID vars RBRACE LBRACE EQUAL RBRACE    -> law_under

sum: signed (PLUS product | MINUS product)* | limited
   | signed (PLUS product | MINUS product)* PLUS limited | signed (PLUS product | MINUS product)* MINUS limited
signed: product | PLUS product | MINUS product
?product: chain | big | chain big -> mul | chain CDOT big -> times | power SLASH power -> over
?chain: power | chain tail -> mul | chain CDOT power -> times
?beside: power | beside tail -> mul
?power: tail | number | number CARET group -> pow
?tail: atom | open CARET group -> pow | open CARET TOP -> transpose
?big: LOG inside -> log | EXP inside -> exp | COS letter -> cos | SIN letter -> sin | derivative
   | SUM under CARET group product -> sum_over | PROD under CARET group power -> prod_over
   | PROD under CARET group beside tail -> prod_over
?limited: limit | chain limit -> mul | chain CDOT limit -> times
limit: LIM UNDERSCORE LBRACE INDEX TO INFTY RBRACE product
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
# How many arguments follow. Without braces TeX takes what comes next: of a number one digit, or a space.
ARGUMENTS = {r"\frac": 2, r"\overset": 2, **dict.fromkeys((r"\sqrt", "^", "_", *ACCENTS), 1)}
CUT = re.compile(  # whatever is not ASCII is a token of its own, and no name is one
    "|".join(re.escape(words) for words in SPELLINGS if not words[1:].isalpha())
    + r"|\\(?:mathrm|operatorname|begin|end)\{\w+\}|\\\\|\\[A-Za-z]+|\\.|\d+|:=|\S",
    re.ASCII,
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
SHORT = re.compile(r"\\mathrm\{[A-Z]+\}_")  # such as SNR_t: no word of a text
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
