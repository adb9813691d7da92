"""What stands on the page under a formula, and the same facts as fields for whoever reads the page."""

from __future__ import annotations

from .reader import Node

MIME = "application/vnd.ddpm-course.equation+json"


def _names(letter: str, part: object) -> bool:
    """Whether an index stands in a formula, written or in a name such as c_{t,s}, and is not bound there."""
    if isinstance(part, Node):
        bound = part.op in ("sum", "prod") and part.parts[0] == letter
        inside = part.parts[1:3] if bound else part.parts
        return part == Node("index", (letter,)) or any(_names(letter, x) for x in inside)
    if isinstance(part, tuple):
        return any(_names(letter, x) for x in part)
    return isinstance(part, str) and part.endswith(f"_t,{letter}")


def rests_on(equation, book) -> tuple[list[str], list[str]]:
    """The equations that a proof uses, nearest first come; and the hypotheses and properties."""
    links = equation.links  # proved here, if not before: then its premises are known, too
    numbers = {
        id(th): other.number
        for other in book.equations.values()
        if other is not equation
        for th in other.known or ()
    }
    found, seen = set(), set()

    def walk(th):
        if id(th) in seen:
            return
        seen.add(id(th))
        found.update(th.uses)
        for premise in th.premises:
            if id(premise) in numbers:
                found.add(numbers[id(premise)])
            else:
                walk(premise)

    for th in links:
        walk(th)
    found.discard(equation.number)
    by_number = lambda n: [int("".join(filter(str.isdigit, part))) for part in n.split(".")] + [n]
    found |= equation.needs
    equations = {n for n in found if n in book.equations and book.equations[n].kind != "hypothesis"}
    return sorted(equations, key=by_number), sorted(found - equations)


def facts(equation, book) -> dict:
    """number, latex, verdict, start, rests_on, assumes, source; s, where it is claimed for s, and free,
    where it is for i or j; silent, where no numbers were tried."""
    numbers, assumed = rests_on(equation, book)
    letters = [x for x in "sij" if _names(x, (*equation.sides, *equation.signs))]
    if equation.kind != "equation":
        numbers, assumed = [], [n for n in assumed if n in book.theory.hypotheses]
    return {
        "number": equation.number,
        "latex": equation.latex,
        "verdict": equation.verdict,
        "start": equation.start,
        "rests_on": numbers,
        "assumes": assumed,
        "source": equation.source,
        **({"s": True} if "s" in letters else {}),
        **({"free": "".join(free)} if (free := [x for x in letters if x in "ij"]) else {}),
        **({"silent": True} if equation.silent else {}),
    }


def line(known: dict) -> str:
    """The verdict of an equation, what it rests on, its reach and its source, from its facts."""
    first = f"**{known['verdict']}**"
    if known["verdict"] == "definition" and known["rests_on"]:
        first += " of a noise, whose law is derived"
    if known["rests_on"]:
        first += " from " + ", ".join(f"({n})" for n in known["rests_on"])
    elif known["verdict"] == "derived":
        first += " from the rules alone"
    parts = [first, *known["assumes"], known["source"]]
    if "free" in known:
        parts.insert(1, f"for {' and '.join(known['free'])} from 0 to T")
    if "s" in known:
        parts.insert(1, f"for s from {known['start'] - 1} to t - 1")
    if known["start"] > 1:
        parts.insert(1, f"from t = {known['start']} on")
    if known["verdict"] == "numeric":
        parts.append("tried in numbers, not proved")
    if "silent" in known:
        parts.append("not tried in numbers")
    return " · ".join(filter(None, parts))


def page(known: dict) -> str:
    """An equation on a page, as Markdown: the formula with its number, and its line, folded."""
    return (
        f"$$\n{known['latex']} \\tag{{{known['number']}}}\n$$\n\n"
        f"<details><summary><small>{known['verdict']}</small></summary>\n\n{line(known)}\n\n</details>"
    )


def shown(equation, book) -> dict:
    """What Jupyter displays of an equation: its page, and its facts."""
    known = facts(equation, book)
    return {"text/markdown": page(known), MIME: known}
