"""What is said to an answer, and how an error of `eq` reads on a page."""

from dataclasses import dataclass, field
from typing import Any, Literal

from ..book import book, in_book
from ..errors import NotProved, ProofError, Refuted, Undefined, Unreadable, WrongRule, shown
from ..words import eq


@dataclass(frozen=True)
class Reply:
    """What is said to an answer. It is true when the answer is right.

    verdict: "right", "not yet", or "unread" for what is no answer to this exercise. example: an
    answer that can be read, as Python, where a formula could not.
    """

    number: str
    verdict: Literal["right", "not yet", "unread"]
    why: str
    example: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return self.verdict == "right"

    def _repr_markdown_(self) -> str:
        call = f'check_answer("{self.number}", {self.example})'
        example = f"; write for example `{call}`" if self.example else ""
        return f"Exercise {self.number} · **{self.verdict}** · {self.why}{example}"


class Text(str):
    """Text that a notebook shows as Markdown."""

    def _repr_markdown_(self) -> str:
        return str(self)


def attempt(latex: str, **how: Any) -> ProofError | None:
    """Why `eq` refuses a formula, or None when it is proved. The book stays as it was."""
    with in_book(book().copy()):
        try:
            eq("90.99", latex, **how)
        except ProofError as error:
            return error
    return None


def counterexample(error: ProofError, sides: str = "the sides") -> str:
    """What an error of `eq` says about a formula, for the page. `sides` names the two sides."""
    match error:
        case Refuted(left=left, right=right, point=point, world=world):
            places = [f"${name} = {_in_latex(value)}$" for name, value in point.items()]
            places += [f"${part}$" for part in world.split(", ") if part]
            where = f" at {', '.join(places)}" if places else ""
            return f"{sides} are {_both(left, right)}{where}"
        case Undefined(what=what, where=where):
            return f"${what}$ is not defined {where}"
        case NotProved():
            return "no numbers refute it, and no proof was found: write it differently"
        case WrongRule(condition=why, about=about):
            return why.format(*map(shown, about)) if about else why
        case Unreadable(why=why):
            return why
    return str(error)


def _in_latex(value: Any) -> str:
    """A number in four digits, a vector or a matrix; a multiple of the identity by its factor."""
    if not isinstance(value, tuple):
        digits, _, power = f"{float(value):.4g}".partition("e")
        return rf"{digits}\cdot10^{{{int(power)}}}" if power else digits
    if not isinstance(value[0], tuple):
        return "(" + r",\ ".join(map(_in_latex, value)) + ")"
    factor, n = value[0][0], range(len(value))
    if value == tuple(tuple(factor if i == j else 0 for j in n) for i in n):
        return _in_latex(factor) + r"\,I" * bool(factor)
    rows = r"\\".join("&".join(map(_in_latex, row)) for row in value)
    return rf"\begin{{pmatrix}}{rows}\end{{pmatrix}}"


def _both(left: Any, right: Any) -> str:
    """Two values that were compared. A number beside a matrix stands for that multiple of $I$."""
    matrix = any(isinstance(x, tuple) and isinstance(x[0], tuple) for x in (left, right))
    unit = lambda x: r"\,I" if matrix and x and not isinstance(x, tuple) else ""
    words = [f"${_in_latex(x)}{unit(x)}$" for x in (left, right)]
    return " and ".join(words) + " (later digits differ)" * (words[0] == words[1])
