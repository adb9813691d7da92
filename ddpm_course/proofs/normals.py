"""Normal laws of the second opinion: density, KL divergence, and means of polynomials."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from math import prod

from .arithmetic import exp, inner, log, pi, positive, solved
from .grids import NIL, ONE, TINY, Inexpressible, Value, flat, full, minus, trace


def bell(rest: Value, spread: Value) -> Decimal:
    """The normal density at the distance `rest` from its mean."""
    size = len(flat(rest))
    inverse, det = solved(full(spread, (size, size)))
    return exp(inner(rest, inverse * rest) / -2) / ((2 * pi()) ** size * positive(det)).sqrt()


def divergence(m: Value, a: Value, n: Value, b: Value) -> Decimal:
    """KL(N(m, a) || N(n, b))."""
    size = max(len(flat(m)), len(flat(n)))
    a, b, rest = (
        full(a, (size, size)),
        full(b, (size, size)),
        minus(full(m, (size, 1)), full(n, (size, 1))),
    )
    (_, one), (inverse, two) = solved(a), solved(b)
    return (
        trace(full(inverse * a, (size, size)))
        + inner(rest, inverse * rest)
        - size
        + log(two / positive(one))
    ) / 2


def integral(body: Callable[[tuple[Decimal, ...]], Value], n: int, most: int = 5) -> Value:
    """The mean of body(z), z standard normal in n dimensions, for a polynomial up to degree five.

    Its degree is measured along a line. For a cubic, two points on each axis make the mean exact; else
    three in each dimension, with all combinations. In one dimension any smooth function has a mean.
    """
    if not n:
        return body(())
    line = [Decimal(random.Random(i).randint(10, 99)) / 60 * (-1) ** i for i in range(n)]
    rows, degree = [flat(body(tuple(step * x for x in line))) for step in range(-3, 4)], -1
    largest = lambda: max(abs(x) for row in rows for x in row)
    limit = TINY * (largest() + TINY)
    while len(rows) > 1 and largest() > limit:
        rows, degree = [[y - x for x, y in zip(*pair)] for pair in zip(rows, rows[1:])], degree + 1
    if largest() > limit or degree > most or degree > 3 and n > 6:
        if n == 1 and most > 1:
            return settled(body)
        raise Inexpressible
    if degree <= 1:
        return body((NIL,) * n)
    root = Decimal(n if degree <= 3 else 3).sqrt()
    if degree <= 3:
        nodes = [(ONE / n / 2, z) for r in (root, -root) for z in full(r, (n, n))]
    else:
        nodes = [
            (prod((w for _, w in line), start=ONE), tuple(x for x, _ in line))
            for line in product(((NIL, ONE * 2 / 3), (root, ONE / 6), (-root, ONE / 6)), repeat=n)
        ]
    return sum((weight * body(z) for weight, z in nodes), NIL)


def settled(body: Callable[[tuple[Decimal, ...]], Value]) -> Value:
    """The mean over one standard normal: a sum over z = sinh u at equal steps of u, from -200 to 200.

    Of a smooth function it is nearly exact, with an error that is squared when the steps are halved.
    Inexpressible where that does not settle.
    """
    terms, steps = [], 20
    for k in range(-6 * steps, 6 * steps + 1):
        up, down = exp(Decimal(k) / steps), exp(-Decimal(k) / steps)
        z, slope = (up - down) / 2, (up + down) / 2
        terms.append(body((z,)) * (exp(-z * z / 2) * slope / (steps * (2 * pi()).sqrt())))
    total, rough = sum(terms, NIL), sum(terms[::2], NIL) * 2
    size = max(map(abs, flat(total)))
    largest = lambda *parts: max(abs(x) for part in parts for x in flat(part))
    if (
        largest(minus(rough, total)) > Decimal("1e-15") * size
        or largest(*terms[:: 12 * steps]) > TINY * size
    ):
        raise Inexpressible
    return total
