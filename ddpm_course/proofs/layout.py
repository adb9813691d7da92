"""How TeX is cut into the tokens of one formula, and what would look like another one is refused."""

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from .errors import Unreadable
from .grammar import (
    ACCENTS,
    ALIGNED,
    ARGUMENTS,
    BEGINS,
    CLOSING,
    CUT,
    ENDS,
    LETTER,
    OPENING,
    RELATIONS,
    SIZES,
    SPACES,
    SPELLINGS,
)

Refused = Callable[[str, str], Unreadable]


def cut(latex: str) -> list[str]:
    """LaTeX cut into tokens, without what only arranges the page.

    Raises Unreadable where the eye would take one formula for two: at a gap, in a second column, or
    between lines (see `one_formula`).
    """
    refused = partial(Unreadable, latex)
    tokens = [spelled(token) for token in CUT.findall(latex)]
    aligned = tokens[:1] + tokens[-1:] == ALIGNED
    first, *tokens = tokens[:-1] if aligned else ["", *tokens]
    tidy(first, tokens, refused)
    differentials(tokens, refused)
    tokens = [token for token in arguments(tokens, refused) if token not in SPACES | SIZES]
    lines = arranged(tokens)
    if not aligned and sum(map(len, lines)) > 1:
        sign = "&" if len(lines[0]) > 1 else r"\\"
        raise refused(sign, "a formula of several lines stands in aligned")
    return one_formula(lines, refused)


def spelled(token: str) -> str:
    """A token in the one spelling that the grammar knows."""
    token = token.replace(r"\operatorname{", r"\mathrm{")
    return SPELLINGS.get(token, token)


def tidy(first: str, tokens: list[str], refused: Refused) -> None:
    """Raises where spaces, sizes or brackets stand so that the page shows another formula."""
    digits = earlier = ""  # the last token, if that was a number, and spaces do not count
    for before, token in pairwise([first, *tokens, ""]):
        if token in ALIGNED:
            raise refused(token, "aligned stands once, around the whole formula")
        if before in SIZES and token not in (OPENING | CLOSING) - {"{", "}"}:
            raise refused(token, f"a bracket was expected after {before}")
        gap = token in SPACES and (before in SPACES or (before, earlier in SPACES) == ("&", True))
        if gap:
            raise refused(token, "a gap in which another formula may begin")
        if token == "[" and (before == r"\\" or before.startswith(r"\begin")):
            raise refused(token, f"after {before} TeX takes [ for its own")
        if token.isdigit() and (before in SPACES and digits or token[:-1].startswith("0")):
            raise refused(token, "digits of one number, or of two")
        digits = token if token.isdigit() or token in SPACES and digits else ""
        earlier = before


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


def one_formula(lines: list[list[list[str]]], refused: Refused) -> list[str]:
    """The tokens of all lines. Each line but the first begins with & or a relation sign; one that
    begins with + or -, or follows such a sign, holds no relation sign outside of brackets; and no
    factor is divided."""
    kept, brackets = [], 0
    for number, columns in enumerate(lines):
        start = columns[0][0] if columns[0] else "&" * (len(columns) - 1)
        if len(columns) > 2:
            raise refused("&", "a second column may be another formula")
        if number and start not in {"&"} | RELATIONS:
            raise refused(start, "a line begins with & or with a relation sign")
        ends, begins = kept[-1:], sum(columns, [])[:1]
        signed = not brackets and (ends in (["+"], ["-"], [r"\cdot"]) or begins in (["+"], ["-"]))
        for column in columns:
            if kept and column and kept[-1] not in BEGINS and column[0] not in ENDS:
                raise refused(column[0], "a line or column breaks before a factor")
            for token in column:
                if number and signed and token in RELATIONS and not brackets:
                    raise refused(token, "a line that begins with a sign may be another formula")
                brackets += (token in OPENING) - (token in CLOSING)
            kept += column
    return kept


def differentials(tokens: list[str], refused: Refused) -> None:
    r"""Raises where d, \delta or \Delta stands close before a letter, but below the line of
    \frac{d}{d\tau}. With a space between them it is a factor."""
    for place, (sign, token) in enumerate(pairwise(tokens)):
        under = re.search(r"\\frac (d|\{ d \}) \{$", " ".join(tokens[max(place - 5, 0) : place]))
        script = place and tokens[place - 1] in ("^", "_")
        close = LETTER.match(token) or token in ACCENTS
        if sign in ("d", r"\delta", r"\Delta") and close and not (under or script):
            raise refused(
                token, f"{sign} close before it looks like a differential: write {sign}\\,"
            )


def arguments(tokens: list[str], refused: Refused) -> list[str]:
    r"""Numbers cut into digits where TeX takes one alone: after ^, _, \sqrt, and in \frac without
    braces. Raises where it would take a space."""
    kept, wanted, outer = [], 0, []  # wanted: the arguments that are still to come
    for token in tokens:
        if wanted and token in SPACES | SIZES:
            raise refused(token, f"TeX takes it for what belongs to {kept[-1]}")
        for part in token if wanted and token.isdigit() else [token]:
            kept.append(part)
            if part == "{":
                outer.append(wanted)
                wanted = 0
            elif part in ARGUMENTS:
                wanted = ARGUMENTS[part]
            else:
                wanted = max(0, (outer.pop() if part == "}" and outer else wanted) - 1)
    return kept
