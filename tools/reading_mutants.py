"""Break the course's formulas at one token, whatever that makes of them: they must be read rightly.

Reader, second opinion and kernel are three readings of one text. What comes out of a changed token is
mostly unreadable. What is readable is mostly false, and must not be accepted. And what is accepted
must be true: it is judged in many worlds, and listed by hand in tests/reading_mutants.toml.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from breaking import Trial, cross_table, in_parallel, kernel_says, prove_all, sample, tried
from statements import STATED, course

SIZE = 15000  # mutants of formulas in a full run
TOKENS = re.compile(
    r"\\(?:mathrm|operatorname|begin|end)\{\w+\}|\\mathcal ?N|\\mathbb ?E|D_\{KL\}|\\\\|\\[A-Za-z]+|\\.|\d+|:=|\S"
)
LETTER = re.compile(
    r"[A-Za-z]|\\mathrm\{\w+\}|\\(?:alpha|beta|gamma|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|"
    r"sigma|tau|phi|psi|ell|Lambda|Sigma)"
)
CLASSES = [
    line.split()
    for line in r"""
0 1 2 3
+ - \cdot / ,
= \le \ge < := +
( [ { \lVert \lvert \langle \left( \Big(
) ] } \rVert \rvert \rangle \right) \Big)
_ ^
, ; : \mid \| +
\bar \tilde \hat \sqrt
\sqrt \log \exp \bar
\frac \tfrac \sqrt
\sum \prod
\, \; \left \right & \\ \cdot
\mathcal{N} \mathbb{E} \operatorname{Cov} D_{KL}
\operatorname{tr} \operatorname{Cov} \log
\cos \sin
\nabla \partial
\begin{aligned} \begin{pmatrix}
\end{aligned} \end{pmatrix}
t s k T 1
""".strip().splitlines()
]


def tokens(latex: str) -> list[str]:
    return TOKENS.findall(latex)


def instead(token: str, letters: list[str]) -> list[str]:
    """What may stand in the place of a token: others of its kind."""
    found = [other for row in CLASSES if token in row for other in row]
    if LETTER.fullmatch(token):
        found += letters
    return sorted({*found} - {token})


@dataclass(frozen=True)
class Change:
    """One token changed: where, and what stands there instead of it."""

    kind: str
    at: int
    before: tuple[str, ...]
    after: tuple[str, ...]

    def made(self, words: list[str]) -> str:
        return " ".join([*words[: self.at], *self.after, *words[self.at + len(self.before) :]])

    @property
    def short(self) -> str:
        """What it changes, wherever that stands."""
        return f"{' '.join(self.before)} -> {' '.join(self.after)}".strip()


def changes(latex: str, letters: list[str], number: str) -> Iterator[Change]:
    """Every token deleted, doubled, exchanged with the next one, and replaced by some of its kind."""
    words, some = tokens(latex), random.Random(number + latex)
    for at, token in enumerate(words):
        yield Change("deleted", at, (token,), ())
        yield Change("doubled", at, (token,), (token, token))
        if at + 1 < len(words) and words[at + 1] != token:
            yield Change("exchanged", at, (token, words[at + 1]), (words[at + 1], token))
        others = instead(token, letters)
        for other in some.sample(others, min(4, len(others))):
            yield Change("replaced", at, (token,), (other,))


def letters() -> list[str]:
    """All letters of the course."""
    return sorted(
        {token for one in course() for token in tokens(one.latex) if LETTER.fullmatch(token)}
    )


def all_changes() -> list[tuple[int, Change]]:
    """Every change of every formula, name or hypothesis of the course, with its place."""
    known = letters()
    return [
        (place, change)
        for place, one in enumerate(course())
        for change in changes(one.latex, known, one.number)
    ]


def trial(place: int, change: Change) -> Trial:
    """What becomes of one. The formula of a name is not read as one, but must not crash."""
    statement, text = course()[place], change.made(tokens(course()[place].latex))
    if statement.kind in STATED:
        return tried(statement, change.kind, text)
    return Trial(change.kind, text, kernel_says(statement.saying(text))[0], "")


def findings(size: int = SIZE) -> list[tuple[str, Change, Trial]]:
    """What became of a part of all changes, chosen by a fixed seed."""
    prove_all()
    chosen = sample(all_changes(), size)
    trials = in_parallel([(trial, *one) for one in chosen])
    return [(course()[place].number, change, got) for (place, change), got in zip(chosen, trials)]


def table(found: list[tuple[str, Change, Trial]]) -> str:
    """What reader, kernel and second opinion say, each alone."""
    return cross_table([got for *_, got in found])
