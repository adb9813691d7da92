"""Numbers and matrices of the second opinion, in decimal digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, getcontext, localcontext
from operator import add, mul
from typing import NoReturn

from .errors import WrongRule

ONE, TINY = Decimal(1), Decimal("1e-20")
NIL = 0 * ONE
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
DIGITS = Context(prec=50, Emax=MAX_EMAX, Emin=MIN_EMIN)


class Inexpressible(Exception):
    """Something that this module has no numbers for."""


class Open(Exception):
    """An index letter or a state that was met without a value: it is to be tried for every one."""


def wrong(why: str) -> NoReturn:
    raise WrongRule("second opinion", why)


# --- Values: numbers and matrices. Where a matrix is needed, a number c stands for c times I -------


class Grid(tuple[tuple[Decimal, ...], ...]):
    """A matrix, as the tuple of its rows; a vector is one with a single column."""

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), len(self[0])

    @property
    def T(self) -> Grid:
        return Grid(zip(*self))

    # Plain tuples are joined by + and repeated by *; for matrices both signs mean something else.

    def __add__(self, other: Value) -> Grid:  # pyright: ignore[reportIncompatibleMethodOverride]
        other = full(other, self.shape)
        if self.shape != other.shape:
            wrong("a sum or a relation of two different shapes")
        return Grid(tuple(map(add, x, y)) for x, y in zip(self, other))

    def __mul__(self, other: Value) -> Value:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not isinstance(other, Grid):
            return Grid(tuple(x * other for x in row) for row in self)
        if len(self[0]) != len(other):
            wrong("a product of shapes that do not fit, such as two vectors")
        made = Grid(tuple(sum(map(mul, row, by), NIL) for by in zip(*other)) for row in self)
        return made[0][0] if made.shape == (1, 1) else made

    __radd__ = __add__

    def __rmul__(self, number: Decimal) -> Grid:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Grid(tuple(number * x for x in row) for row in self)


Value = Decimal | Grid


def column(numbers: Iterable[Decimal]) -> Grid:
    return Grid((x,) for x in numbers)


def flat(a: Value) -> list[Decimal]:
    return [x for row in a for x in row] if isinstance(a, Grid) else [a]


def transposed(a: Value) -> Value:
    return a.T if isinstance(a, Grid) else a


def minus(a: Value, b: Value) -> Value:
    return a + b * -ONE


def trace(a: Value) -> Decimal:
    return sum((row[i] for i, row in enumerate(sized(a))), NIL)


def number(a: Value) -> Decimal:
    return wrong("a vector or a matrix for a number") if isinstance(a, Grid) else a


def full(a: Value, shape: tuple[int, int]) -> Grid:
    """The multiple of the identity that a number stands for; 0 has any shape."""
    if isinstance(a, Grid):
        return a
    if a and shape[0] != shape[1]:
        wrong("a sum or a relation of a number and a vector")
    return Grid(tuple(a * (i == j) for j in range(shape[1])) for i in range(shape[0]))


def sized(a: Value) -> Grid:
    if not isinstance(a, Grid):
        raise Inexpressible  # of which size is this identity?
    if len(a) != len(a[0]):
        wrong("the inverse, determinant or trace of a matrix that is not square")
    return a


def plain(a: object) -> object:
    """A value as a message shows it: rounded, a vector as a tuple."""
    if isinstance(a, Decimal):
        return DIGITS.plus(a)
    if isinstance(a, Grid) and a.shape[1] == 1:
        a = flat(a)
    return tuple(map(plain, a)) if isinstance(a, tuple | list) else a


def holds(sign: str, a: Value, b: Value) -> bool:
    """Whether two values are in a relation, by its name in the tree."""
    if max(map(abs, flat(minus(a, b)))) <= TINY * max(map(abs, (*flat(a), *flat(b), TINY))):
        return sign != "lt"
    return sign in ("le", "lt") and number(a) < number(b) or sign == "ge" and number(a) > number(b)


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
    "sqrt": lambda a: number(a).sqrt(),
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
