"""Trees and names in LaTeX, for messages of the second opinion."""

from __future__ import annotations

from .reader import Node

Key = tuple[str, int | None]  # of a name in a family: x_2 is ("x_t", 2)

SPELLING = {
    "neg": "-{}",
    "mul": "{}{}",
    "div": r"\frac{{{}}}{{{}}}",
    "pow": "({})^{{{}}}",
    "log": r"\log({})",
    "sqrt": r"\sqrt{{{}}}",
    "norm2": r"\lVert {}\rVert^{}",
    "mean": r"\mathbb E_{{{}}}[{}]",
    "sum": r"\sum_{{{}={}}}^{{{}}}({})",
    "prod": r"\prod_{{{}={}}}^{{{}}}{}",
    "member": "{}_{{{}}}",
    "span": "{}_{{{}:{}}}",
    "slope": r"\frac{{d}}{{d{}}}{}",
    "partial": r"\partial_{{{}}}{}",
    "gradient": r"\nabla_{{{}}}{}",
    "divergence": r"\nabla_{{{}}}\cdot {}",
}


def spelled(part: object) -> str:
    """A tree in LaTeX, for a message."""
    if isinstance(part, tuple):
        return ",".join(map(spelled, part))
    if not isinstance(part, Node):
        return str(part).removesuffix("_t")
    if part.op in ("number", "index", "symbol"):
        return str(part.parts[0])
    words = [spelled(x) for x in part.parts if x not in (None, ())]
    if part.op == "add":
        return "+".join(words).replace("+-", "-")
    if part.op == "mul":
        words = [f"({x})" if {*"+-"} & {*x} else x for x in words]
    if part.op in SPELLING:
        return SPELLING[part.op].format(*words)
    if part.op in ("density", "call"):
        return f"{words[0]}({' | '.join(words[1:])})"
    return f"{part.op}({', '.join(words)})"


def titled(key: Key | str) -> str:
    """A name in a message: \\alpha_2."""
    return (
        key
        if isinstance(key, str)
        else key[0]
        if key[1] is None
        else f"{key[0].removesuffix('_t')}_{key[1]}"
    )
