"""What stands on the page under a formula, and the same facts as fields for whoever reads the page."""

from __future__ import annotations

MIME = "application/vnd.ddpm-course.equation+json"


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
    """number, latex, verdict, start, rests_on, assumes, source."""
    numbers, assumed = rests_on(equation, book)
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
    }


def shown(equation, book) -> dict:
    """The formula with its number and its line, as Markdown, and its facts."""
    known = facts(equation, book)
    line = f"({known['number']}) **{known['verdict']}**"
    if known["rests_on"]:
        line += " from " + ", ".join(f"({n})" for n in known["rests_on"])
    elif known["verdict"] == "derived" and not known["assumes"]:
        about_laws = any(n.op == "density" for side in equation.sides for n in side.walk())
        line += " · for every law" if about_laws else " · by algebra alone"
    if known["start"] > 1:
        line += f" · from t = {known['start']} on"
    for name in known["assumes"]:
        line += f" · {name}"
    if known["verdict"] == "numeric":
        line += " · tried in numbers, not proved"
    if known["source"]:
        line += f" · {known['source']}"
    text = f"$$\n{equation.latex} \\tag{{{equation.number}}}\n$$\n\n<small>{line}</small>"
    return {"text/markdown": text, MIME: known}
