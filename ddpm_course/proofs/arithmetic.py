"""What the second opinion computes: functions of numbers and of matrices, to the digits in use."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext, localcontext
from operator import mul
from typing import Any

import mpmath

from .grids import (
    MOST_DIGITS,
    NIL,
    ONE,
    TINY,
    Grid,
    Inexpressible,
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


def _binary(a: Decimal) -> Any:
    digits = a.as_tuple().exponent
    assert isinstance(digits, int)  # no infinity is made here
    return int(a.scaleb(-digits)) * mpmath.mpf(10) ** digits


def computed(function: Callable[..., Any], *given: Decimal) -> Decimal:
    """What mpmath says of numbers, to the digits in use. For 4,000 of them it takes a sixtieth of the
    time of decimal's own functions."""
    digits = getcontext().prec + 30  # an exponential loses those before the point
    with localcontext(prec=digits), mpmath.workdps(digits):
        found = function(*map(_binary, given))
        size = int(found.man) * Decimal(2) ** int(found.exp)
    return +(-size if found < 0 else size)


def log(a: Value) -> Decimal:
    if ONE / 2 < (known := positive(a)) < 2:  # then its distance from 1 has no rounding
        return computed(mpmath.log1p, known - 1)
    return computed(mpmath.log, known)


def _written(a: Value) -> Decimal:
    """A number that could be written down."""
    if (known := number(a)).adjusted() > MOST_DIGITS:
        raise Inexpressible
    return known


def exp(a: Value) -> Decimal:
    return computed(mpmath.exp, _written(a))


def pi() -> Decimal:
    return computed(lambda: +mpmath.pi)


def root(a: Value) -> Decimal:
    """What is negative in the last half of all digits that are ever used, is 0."""
    known, digits = number(a), getcontext().prec
    if 9 * digits > MOST_DIGITS and -(Decimal(10) ** -(digits // 2)) < known < 0:
        return NIL
    return known.sqrt()


ARITHMETIC: dict[str, Callable[..., Value]] = {
    "number": Decimal,
    "add": lambda *terms: sum(terms, NIL),
    "neg": lambda a: a * -ONE,
    "mul": mul,
    "div": lambda a, b: a * (1 / number(b)),
    "pow": power,
    "sqrt": root,
    "log": log,
    "exp": exp,
    "cos": lambda a: computed(mpmath.cos, _written(a)),
    "sin": lambda a: computed(mpmath.sin, _written(a)),
    "inner": inner,
    "norm2": lambda a, n: inner(a, a) if n == 2 else wrong("a power of a norm that is no square"),
    "transpose": transposed,
    "det": lambda a: solved(a)[1],
    "trace": trace,
}
