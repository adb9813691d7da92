"""Matrices of any size: words of noncommuting letters whose shapes fit, and when two agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import sympy as sp
from sympy.utilities.iterables import connected_components

from .errors import WrongRule
from .terms import d_, named
from .zero import Context

Shape = tuple[str, str]

ANY = "any"  # the shape of I and of 0, until a sum or a product says more
ONE: Shape = ("1", "1")
TURNED = "ᵀ"


class Trace(sp.Function):
    """The trace of a word, with the number of its rows."""

    is_commutative = True


class Det(sp.Function):
    """The determinant of a word."""

    is_commutative = True


@dataclass(frozen=True)
class Matrix:
    """A combination of words, with its numbers of rows and columns by name; numbers are 1 by 1."""

    expr: sp.Expr
    shape: Shape = ONE

    kind = "matrix"

    @property
    def is_number(self) -> bool:
        return self.shape == ONE

    def map(self, f) -> Matrix:
        return Matrix(f(self.expr), self.shape)


@dataclass(frozen=True)
class Blocks:
    """A matrix written in blocks."""

    rows: tuple[tuple[Matrix, ...], ...]

    kind = "matrix"

    def map(self, f) -> Blocks:
        return Blocks(tuple(tuple(x.map(f) for x in row) for row in self.rows))


@dataclass(frozen=True)
class MatrixLaw:
    """N(mean, covariance) as the law of a column in a process, given another one or nothing."""

    process: str
    of: sp.Symbol
    given: frozenset[sp.Symbol]
    mean: Matrix
    covariance: Matrix

    def map(self, f) -> MatrixLaw:
        return replace(self, mean=self.mean.map(f), covariance=self.covariance.map(f))


flat = partial(sp.expand, power_base=False)  # (AB)^-1 stays whole: A and B may have no inverse


def size(side: str) -> sp.Expr:
    """A number of rows, as a term."""
    return d_ if side == "d" else sp.Integer(side) if side.isdigit() else sp.Symbol(side)


def alike(a: Matrix, b: Matrix) -> bool:
    """Whether two matrices can have one shape; 0 has any, and I that of a square."""
    if ANY in a.shape or ANY in b.shape:
        known = {x.shape for x in (a, b) if ANY not in x.shape}
        return 0 in (a.expr, b.expr) or all(r == c != "1" for r, c in known)
    return a.shape == b.shape


class Words:
    """Arithmetic of matrices under a theory, which knows their shapes and what is symmetric."""

    def __init__(self, context: Context):
        self.context = context

    def symmetric(self, symbol) -> bool:
        return self.context.theory.domain(symbol) == "symmetric"

    def turn(self, e: sp.Expr) -> sp.Expr:
        """The transpose."""
        if e.is_commutative:
            return e
        if e.is_Add:
            return sp.Add(*map(self.turn, e.args))
        if e.is_Mul:
            return sp.Mul(*map(self.turn, reversed(e.args)))
        if e.is_Pow:
            return self.turn(e.base) ** e.exp
        if self.symmetric(e):
            return e
        return sp.Symbol(
            e.name.removesuffix(TURNED) if e.name.endswith(TURNED) else e.name + TURNED,
            commutative=False,
        )

    def fits(self, x: Matrix | Blocks) -> bool:
        """Whether a matrix has the shape that it says, by the shapes of the letters in it; of blocks,
        whether those of a row are equally high, those of a column equally wide."""
        if isinstance(x, Matrix):
            return self._has(x.expr, x.shape)
        known = []
        for i, row in enumerate(x.rows):
            for j, block in enumerate(row):
                if ANY not in block.shape:
                    known += [(f"row {i}", block.shape[0]), (f"column {j}", block.shape[1])]
                elif block.expr != 0:  # a multiple of I
                    known.append((f"row {i}", f"column {j}"))
        ends = {end for pair in known for end in pair}
        parts = connected_components((sorted(ends), known))
        sizes = [[end for end in part if " " not in end] for part in parts]
        cells = (block for row in x.rows for block in row)
        return all(len(names) < 2 for names in sizes) and all(map(self.fits, cells))

    def _has(self, e: sp.Expr, shape: Shape) -> bool:
        """Whether every term has this shape. 0 has any, and a number stands for its multiple of I."""
        square = shape[0] == shape[1]
        terms = [term for term in sp.Add.make_args(flat(e)) if term != 0]
        found = map(self._shapes, terms)
        return (
            all(shape in some or square and ONE in some for some in found)
            and all(map(self._counts, e.atoms(Trace)))
            and all(self._square(det.args[0]) for det in e.atoms(Det))
        )

    def _square(self, e: sp.Expr) -> set[Shape]:
        some = self._shapes(sp.Add.make_args(flat(e))[0])
        return {shape for shape in some if shape[0] == shape[1] and self._has(e, shape)}

    def _counts(self, trace: Trace) -> bool:
        body, rows = trace.args
        name = "d" if rows == d_ else str(rows) if rows.is_Integer else named(rows)
        whole = rows.is_positive or self.context.theory.domain(rows) == "natural"
        return bool(whole) and self._has(body, (name, name))

    def _shapes(self, term: sp.Expr) -> set[Shape]:
        """The shapes that a word can have, however it is bracketed."""
        word = []
        for x in term.args_cnc()[1]:
            base, power = x.as_base_exp()
            word += [base] * int(power) if power.is_Integer and power > 0 else [x]
        found = {(n, n + 1): self._letter(letter) for n, letter in enumerate(word)}
        for width in range(2, len(word) + 1):
            for low in range(len(word) - width + 1):
                high = low + width
                found[low, high] = {
                    b if a == ONE else a if b == ONE else (a[0], b[1])
                    for middle in range(low + 1, high)
                    for a in found[low, middle]
                    for b in found[middle, high]
                    if ONE in (a, b) or a[1] == b[0]
                }
        return found[0, len(word)] if word else {ONE}

    def _letter(self, e: sp.Expr) -> set[Shape]:
        """Of a letter, its transpose, or a power of a square matrix."""
        if e.is_Pow:
            return self._square(e.base)
        name = named(e)
        known = self.context.theory.symbols.get(name.removesuffix(TURNED))
        if known is None or not known.shape:
            return set()
        rows, columns = known.shape
        return {(columns, rows) if name.endswith(TURNED) else (rows, columns)}

    def add(self, *terms: Matrix) -> Matrix:
        shapes = {x.shape for x in terms if ANY not in x.shape}
        if len(shapes) > 1:
            raise WrongRule(
                "matrices", "a sum of {}", (" and ".join(" by ".join(s) for s in sorted(shapes)),)
            )
        shape = shapes.pop() if shapes else (ANY, ANY)
        if (
            shape[0] != shape[1]
            and any(ANY in x.shape and x.expr != 0 for x in terms)
            or shape == ("1", "1")
            and any(ANY in x.shape and x.expr != 0 for x in terms)
        ):
            raise WrongRule("matrices", "the identity is added to what is not square")
        return Matrix(sp.Add(*(x.expr for x in terms)), shape)

    def mul(self, x: Matrix | Blocks, y: Matrix | Blocks) -> Matrix | Blocks:
        if isinstance(x, Blocks) and isinstance(y, Blocks):
            if len(x.rows[0]) != len(y.rows):
                raise WrongRule("matrices", "blocks do not fit")
            rows = tuple(
                tuple(
                    self.add(*(self._product(a, b) for a, b in zip(row, column)))
                    for column in zip(*y.rows)
                )
                for row in x.rows
            )
            return rows[0][0] if len(rows) == len(rows[0]) == 1 else Blocks(rows)
        if isinstance(x, Blocks) or isinstance(y, Blocks):
            raise WrongRule("matrices", "blocks times no blocks")
        return self._product(x, y)

    def _product(self, x: Matrix, y: Matrix) -> Matrix:
        if x.is_number or y.is_number:
            return Matrix(x.expr * y.expr, y.shape if x.is_number else x.shape)
        if ANY in x.shape or ANY in y.shape:
            return Matrix(x.expr * y.expr, y.shape if ANY in x.shape else x.shape)
        if x.shape[1] != y.shape[0]:
            raise WrongRule(
                "matrices",
                "{} columns meet {} rows",
                (
                    x.shape[1],
                    y.shape[0],
                ),
            )
        return Matrix(x.expr * y.expr, (x.shape[0], y.shape[1]))

    def zero(self, a, b) -> bool:
        """Whether two matrices agree: the coefficient of every word vanishes."""
        if isinstance(a, Blocks) and isinstance(b, Blocks):
            return [*map(len, a.rows)] == [*map(len, b.rows)] and all(
                self.zero(x, y) for one, two in zip(a.rows, b.rows) for x, y in zip(one, two)
            )
        if isinstance(a, Blocks) or isinstance(b, Blocks):
            return False
        if not alike(a, b):
            return False
        found: dict = {}
        for term in sp.Add.make_args(flat(self.parted(a.expr - b.expr))):
            numbers, word = term.args_cnc()
            word = sp.Mul(*word)
            if a.is_number:
                word = min(word, self.turn(word), key=str)  # a number is its transpose
            found[word] = found.get(word, 0) + sp.Mul(*numbers)
        return all(map(self.context.zero, found.values()))

    def parted(self, e: sp.Expr) -> sp.Expr:
        """Traces by their words, each in one of its rotations, or times the number of rows where the word
        is a number; logarithms of determinants apart."""

        def one(trace):
            total, rows = sp.S.Zero, trace.args[1]
            for term in sp.Add.make_args(flat(trace.args[0])):
                numbers, word = term.args_cnc()
                whole = sp.Mul(*word)
                if all(size(high) != rows for high, _ in self._shapes(whole)):
                    total += sp.Mul(*numbers) * whole * rows
                    continue
                turns = [word[i:] + word[:i] for i in range(len(word))]
                total += sp.Mul(*numbers) * Trace(min((sp.Mul(*w) for w in turns), key=str), rows)
            return total

        e = e.replace(lambda x: isinstance(x, sp.log) and x.has(Det), self._apart)
        return e.replace(lambda x: isinstance(x, Trace), one)

    def _apart(self, log: sp.Expr) -> sp.Expr:
        """The logarithm of a product, with what is known to be positive taken out."""
        total, rest = sp.S.Zero, sp.S.One
        for factor in sp.Mul.make_args(log.args[0]):
            base, power = factor.as_base_exp()
            if isinstance(base, Det):
                firm = self.positive(base.args[0], definite=True)
            else:
                firm = not base.has(Det) and self.context.positive(base)
            if firm:
                total += power * sp.log(base)
            else:
                rest *= factor
        return total + sp.log(rest)

    def positive(self, e: sp.Expr, definite: bool = False) -> bool:
        """Whether this is a sum of positive multiples of covariances, or of such between A and its turn;
        definite: with one that stands alone."""
        for term in sp.Add.make_args(flat(e)):
            numbers, word = term.args_cnc()
            if not word or not self.context.positive(sp.Mul(*numbers)):
                return False
            middle = word[len(word) // 2] if len(word) % 2 else None
            if middle is None or not self.symmetric(middle.as_base_exp()[0]):
                return False
            if self.turn(sp.Mul(*word)) != sp.Mul(*word):
                return False
            definite = definite and len(word) > 1
        return not definite
