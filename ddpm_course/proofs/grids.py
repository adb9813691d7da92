"""Numbers and matrices of the second opinion, in decimal digits."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from itertools import product
from operator import add, mul
from typing import NoReturn

from .errors import WrongRule

ONE, TINY = Decimal(1), Decimal("1e-20")
NIL = 0 * ONE
DIGITS = Context(prec=50, Emax=MAX_EMAX, Emin=MIN_EMIN)
MOST_DIGITS = 5000  # in which a difference or a gap is looked at again


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


Sizes = tuple[list[int], list[int]]  # heights of the rows of blocks, and widths of the columns


def joined(parts: list[list[Value]], earlier: Sizes) -> tuple[Grid, Sizes]:
    """A matrix of blocks, and their sizes.

    Of which size a 0 or an I is, matrices beside it say, or that I is square, or an earlier matrix of
    blocks. Inexpressible where that does not do.
    """
    lines = parts, [list(line) for line in zip(*parts)]
    heights, widths = (
        [next((x.shape[i] for x in line if isinstance(x, Grid)), 0) for line in lines[i]]
        for i in (0, 1)
    )
    guessed = False
    for before in ([], []), earlier:
        for line, known in zip((heights, widths), before):
            fitting = len(line) == len(known) and all(x in (0, y) for x, y in zip(line, known))
            if 0 in line and fitting:
                line[:], guessed = known, True
        for i, j in product(range(len(heights)), range(len(widths))):
            if not isinstance(x := parts[i][j], Grid) and x:
                heights[i], widths[j] = heights[i] or widths[j], widths[j] or heights[i]
    shapes = [[(h, w) for w in widths] for h in heights]
    fits = all(
        x.shape == shape if isinstance(x, Grid) else not x or shape[0] == shape[1]
        for row, line in zip(parts, shapes)
        for x, shape in zip(row, line)
    )
    if 0 in heights + widths or guessed and not fits:
        raise Inexpressible
    if not fits or {len(row) for row in parts} != {len(widths)}:
        wrong("blocks that do not fit")
    made = [[full(x, shape) for x, shape in zip(row, line)] for row, line in zip(parts, shapes)]
    return Grid(sum(lines, ()) for row in made for lines in zip(*row)), (heights, widths)


def plain(a: object) -> object:
    """A value as a message shows it: rounded, a vector as a tuple."""
    if isinstance(a, Decimal):
        return DIGITS.plus(a)
    if isinstance(a, Grid) and a.shape[1] == 1:
        a = flat(a)
    return tuple(map(plain, a)) if isinstance(a, tuple | list) else a


def holds(sign: str, a: Value, b: Value, tiny: Decimal = TINY) -> bool:
    """Whether two values are in a relation, by its name in the tree."""
    if max(map(abs, flat(minus(a, b)))) <= tiny * max(map(abs, (*flat(a), *flat(b), tiny))):
        return sign != "lt"
    return sign in ("le", "lt") and number(a) < number(b) or sign == "ge" and number(a) > number(b)
