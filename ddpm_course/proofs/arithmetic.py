"""What the second opinion computes: functions of numbers and of matrices, to the digits in use."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext, localcontext
from functools import cache
from operator import mul

from .grids import (
    DIGITS,
    MOST_DIGITS,
    NIL,
    ONE,
    TINY,
    Grid,
    Value,
    flat,
    full,
    number,
    sized,
    trace,
    transposed,
    wrong,
)


def positive(a: Value) -> Decimal:
    if not (known := number(a)) > 0:
        raise ArithmeticError
    return known


def solved(a: Value) -> tuple[Grid, Decimal]:
    """Inverse and determinant, by Gauss and Jordan; ArithmeticError where there is no inverse."""
    square, det, size = sized(a), ONE, max(map(abs, flat(a)))
    n = len(square)
    rows = [[*row, *one] for row, one in zip(square, full(ONE, square.shape))]
    for i in range(n):
        best = max(range(i, n), key=lambda k: abs(rows[k][i]))
        if abs(rows[best][i]) <= TINY * size:
            raise ArithmeticError
        if best != i:
            rows[i], rows[best], det = rows[best], rows[i], -det
        det, top = det * rows[i][i], [x / rows[i][i] for x in rows[i]]
        rows = [
            top if k == i else [x - row[i] * y for x, y in zip(row, top)]
            for k, row in enumerate(rows)
        ]
    return Grid(tuple(row[n:]) for row in rows), det


def power(a: Value, n: Value) -> Value:
    if isinstance(a, Grid):
        return solved(a)[0] if n == -1 else wrong("a power of a matrix that is no inverse")
    if not a and number(n) < 0:
        raise ArithmeticError
    return a ** number(n) if number(n) else ONE


def inner(a: Value, b: Value) -> Decimal:
    return (
        number(a.T * full(b, a.shape))
        if isinstance(a, Grid) and a.shape[1] == 1
        else wrong("a norm of what is no vector")
    )


@cache
def _pi(digits: int) -> Decimal:
    """By Machin: a quarter of it is 4 arctan(1/5) - arctan(1/239)."""

    def arctan(n: int) -> Decimal:
        power, total, k = ONE / n, NIL, 0
        while abs(power) > Decimal(10) ** -digits:
            total += power / (2 * k + 1)
            power, k = -power / n**2, k + 1
        return total

    with localcontext(DIGITS, prec=digits):
        return 4 * (4 * arctan(5) - arctan(239))


def pi() -> Decimal:
    """To more digits than those in use."""
    return _pi(getcontext().prec + 10)


def root(a: Value) -> Decimal:
    """What is negative in the last half of all digits that are ever used, is 0."""
    known, digits = number(a), getcontext().prec
    if 9 * digits > MOST_DIGITS and -(Decimal(10) ** -(digits // 2)) < known < 0:
        return NIL
    return known.sqrt()


def _rotated(a: Value) -> tuple[Decimal, Decimal]:
    """Cosine and sine: the series of a small part of the angle, which is then doubled again."""
    digits = getcontext().prec
    with localcontext(prec=2 * digits):
        halvings = max(0, (number(a) * 1000).adjusted() * 4)
        small, term, sums, n = number(a) / 2**halvings, ONE, [ONE, NIL], 0
        while abs(term) > Decimal(10) ** -(2 * digits):
            n += 1
            term = term * small / n
            sums[n % 2] += term if n % 4 < 2 else -term
        cos, sin = sums
        for _ in range(halvings):
            cos, sin = cos * cos - sin * sin, 2 * sin * cos
    return +cos, +sin


ARITHMETIC: dict[str, Callable[..., Value]] = {
    "number": Decimal,
    "add": lambda *terms: sum(terms, NIL),
    "neg": lambda a: a * -ONE,
    "mul": mul,
    "div": lambda a, b: a * (1 / number(b)),
    "pow": power,
    "sqrt": root,
    "log": lambda a: positive(a).ln(),
    "exp": lambda a: number(a).exp(),
    "cos": lambda a: _rotated(a)[0],
    "sin": lambda a: _rotated(a)[1],
    "inner": inner,
    "norm2": lambda a, n: inner(a, a) if n == 2 else wrong("a power of a norm that is no square"),
    "transpose": transposed,
    "det": lambda a: solved(a)[1],
    "trace": trace,
}
