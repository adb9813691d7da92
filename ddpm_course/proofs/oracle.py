"""The second opinion: a claim is read in numbers, and refuted by a counterexample.

Nothing is proved here, and nothing is shared with the kernel but what is spoken of: the tree of a
formula and the declarations. Two kinds of worlds are tried, with T = 1 to 6 steps.

World: states are points of R^d, and every law is the Gaussian that was declared, conditioned by
linear algebra. The mean of a polynomial is a weighted sum over a few points, without any error.
Chain: states have two or three values each, and every law is a random table; a mean is a finite sum.
What is claimed of laws without using that they are Gaussian must hold here. Where a table refutes and stands
for a law that was declared, the Gaussian world decides: what is left open at its start is a mixture then.

Two sides agree to twenty digits of fifty, or they differ. A difference must survive hundreds of further digits,
and another rounding, with the same values; else there are no numbers.
"""

from __future__ import annotations

from decimal import localcontext

from .chains import Chain, Doubted
from .checks import World
from .declarations import Declarations
from .errors import Undefined
from .grids import DIGITS, Inexpressible
from .reader import Node
from .worlds import At

# T, d and the mood in which numbers are drawn; the last ones for inequalities.
Worlds = tuple[tuple[int, int, str], ...]
WORLDS: Worlds = (
    (1, 3, "random"),
    (2, 2, "random"),
    (3, 3, "constant"),
    (4, 2, "random"),
    (1, 2, "extreme"),
    (5, 3, "random"),
    (2, 3, "extreme"),
    (3, 2, "zero"),
    (6, 2, "random"),
)
FAR = ((1, 2, "far"), (2, 2, "far"), (1, 2, "peak"), (1, 3, "peak"))
# For what would have been found in the others by chance alone.
FURTHER = ((7, 4, "random"), (8, 5, "extreme"), (9, 7, "random"), (12, 4, "constant"))
# Where means of more than polynomials have values, and more laws are normal. These can only refute.
LINE = ((1, 1, "zero"), (1, 1, "random"))

# --- Claims ----------------------------------------------------------------------------------------

Relation = tuple[Node, Node, Node]


def general(relations: list[Relation], known: Declarations) -> bool:
    """Whether a claim speaks of laws, and of nothing by which one could tell that they are Gaussian."""
    nodes = [
        node for left, sign, right in relations for side in (left, right) for node in side.walk()
    ]
    laws = [
        law
        for name in {n.parts[0] for n in nodes if n.op == "density"}
        for law in known.laws.get(name, ())
    ]
    theirs = {
        n
        for law in laws
        for tree in (law.mean, law.spread)
        for n in tree.walk()
        if n.op == "symbol"
    }
    for n in nodes:
        if n.op in ("normal", "call"):
            return False
        if n.op == "member" and known.notation[n.parts[0]].kind != "state":
            return False
        if n in theirs and n.parts[0] not in ("T", "d", "I", r"\pi"):
            return False
    return any(n.op == "density" for n in nodes) and all(
        "law" not in sign.op for _, sign, _ in relations
    )


def tried(
    kind: type[World],
    relations: list[Relation],
    known: Declarations,
    start: int,
    seeds: range,
    worlds: Worlds,
    strict: bool = False,
) -> int:
    """The number of places tried. strict: 0 if one of them cannot be, without making a normal law up."""

    def place(at: At) -> bool:
        try:
            world.check(relations, at)
        except Inexpressible:
            return False
        return True

    said = []
    for T, d, mood, seed in (
        (*world, seed) for seed in seeds for world in (*worlds, *FAR[: len(seeds) - 1])
    ):
        try:
            world = kind(known, T, d, mood, seed)
        except (Inexpressible, Undefined):
            continue  # hypotheses that nothing here meets
        world.strict = strict
        said += world.everywhere(place, start)
    return 0 if strict and not all(said) else sum(said)


def refute(
    sides: tuple[Node, ...],
    signs: tuple[Node, ...],
    known: Declarations,
    start: int = 1,
    seed: int = 0,
    worlds: Worlds = WORLDS,
    digits: int = 50,
) -> int:
    """Try a claim for all t >= start; the number of places tried, 0 if it cannot be put into numbers here.

    worlds, digits: those in which it is tried. Two fifths of the digits have to agree.

    Raises Refuted with a counterexample; Undefined where a side has no value in the claimed range;
    WrongRule for what makes no sense, such as a number beside a vector.
    """
    relations = list(zip(sides, signs, sides[1:]))
    more = any(sign.op in ("le", "ge", "lt") for sign in signs)
    doubted = False
    with localcontext(DIGITS, prec=digits):
        if general(relations, known):
            seeds = range(seed, seed + 1 + 3 * more)
            try:
                if count := tried(Chain, relations, known, start, seeds, worlds):
                    return count
            except Doubted:
                doubted = True
        seeds = range(seed, seed + 1 + 7 * more)
        count = tried(World, relations, known, start, seeds, worlds)
        if not doubted:
            return count
        tried(World, relations, known, start, seeds, LINE)
        # an inequality may fail where nothing was tried
        return 0 if more else tried(World, relations, known, start, seeds, worlds, strict=True)
