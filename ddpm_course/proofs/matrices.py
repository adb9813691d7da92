"""Matrices of any size: words of noncommuting letters whose shapes fit, and when two of them agree."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from .errors import WrongRule
from .reader import Node
from .zero import Context

ANY = "any"  # the shape of I and of 0, until a sum or a product says more
TURNED = "ᵀ"


class Trace(sp.Function):
    """The trace of a word."""

    is_commutative = True


class Det(sp.Function):
    """The determinant of a word."""

    is_commutative = True


@dataclass(frozen=True)
class Matrix:
    """A combination of words, with its numbers of rows and columns by name; numbers are 1 by 1."""

    expr: sp.Expr
    shape: tuple[str, str] = ("1", "1")

    kind = "matrix"

    @property
    def is_number(self) -> bool:
        return self.shape == ("1", "1")

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


class Words:
    """Arithmetic of matrices under a theory, which knows what is symmetric."""

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

    def add(self, *terms: Matrix) -> Matrix:
        shapes = {x.shape for x in terms if ANY not in x.shape}
        if len(shapes) > 1:
            raise WrongRule(
                "matrices", f"a sum of {' and '.join(' by '.join(s) for s in sorted(shapes))}"
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

    def mul(self, x, y):
        if isinstance(x, Blocks) and isinstance(y, Blocks):
            if len(x.rows[0]) != len(y.rows):
                raise WrongRule("matrices", "blocks do not fit")
            rows = tuple(
                tuple(
                    self.add(*(self.mul(a, b) for a, b in zip(row, column)))
                    for column in zip(*y.rows)
                )
                for row in x.rows
            )
            return rows[0][0] if len(rows) == len(rows[0]) == 1 else Blocks(rows)
        if isinstance(x, Blocks) or isinstance(y, Blocks):
            raise WrongRule("matrices", "blocks times no blocks")
        if x.is_number or y.is_number:
            return Matrix(x.expr * y.expr, y.shape if x.is_number else x.shape)
        if ANY in x.shape or ANY in y.shape:
            return Matrix(x.expr * y.expr, y.shape if ANY in x.shape else x.shape)
        if x.shape[1] != y.shape[0]:
            raise WrongRule("matrices", f"{x.shape[1]} columns meet {y.shape[0]} rows")
        return Matrix(x.expr * y.expr, (x.shape[0], y.shape[1]))

    def zero(self, a, b) -> bool:
        """Whether two matrices agree: the coefficient of every word vanishes."""
        if isinstance(a, Blocks) and isinstance(b, Blocks):
            return [*map(len, a.rows)] == [*map(len, b.rows)] and all(
                self.zero(x, y) for one, two in zip(a.rows, b.rows) for x, y in zip(one, two)
            )
        if isinstance(a, Blocks) or isinstance(b, Blocks):
            return False
        if a.shape != b.shape and ANY not in (a.shape[0], b.shape[0]):
            return False
        found: dict = {}
        for term in sp.Add.make_args(sp.expand(self.parted(a.expr - b.expr))):
            numbers, word = term.args_cnc()
            word = sp.Mul(*word)
            if a.is_number:
                word = min(word, self.turn(word), key=str)  # a number is its transpose
            found[word] = found.get(word, 0) + sp.Mul(*numbers)
        return all(map(self.context.zero, found.values()))

    def parted(self, e: sp.Expr) -> sp.Expr:
        """Traces by their words, each in one of its rotations; logarithms of determinants apart."""

        def one(trace):
            total = sp.S.Zero
            for term in sp.Add.make_args(sp.expand(trace.args[0])):
                numbers, word = term.args_cnc()
                if not word:
                    total += sp.Mul(*numbers) * trace.args[1]
                    continue
                turns = [word[i:] + word[:i] for i in range(len(word))]
                total += sp.Mul(*numbers) * Trace(
                    min((sp.Mul(*w) for w in turns), key=str), trace.args[1]
                )
            return total

        e = e.replace(
            lambda x: isinstance(x, sp.log) and x.has(Det), lambda x: sp.expand_log(x, force=True)
        )
        return e.replace(lambda x: isinstance(x, Trace), one)

    def positive(self, e: sp.Expr, definite: bool = False) -> bool:
        """Whether this is a sum of positive multiples of covariances, or of such between A and its turn;
        definite: with one that stands alone."""
        for term in sp.Add.make_args(sp.expand(e)):
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


class MatrixReading:
    """Gives nodes their values where a formula holds matrices; numbers are read as elsewhere."""

    def __init__(self, reading):
        self.reading, self.words = reading, Words(reading.context)

    def fail(self, why: str):
        self.reading.fail(why)

    def __call__(self, node) -> Matrix:
        known = getattr(self, f"_{node.op}", None)
        if node == Node("symbol", ("I",)):
            return Matrix(sp.S.One, (ANY, ANY))
        if not self.holds(node) or known is None:
            if self.holds(node):
                self.fail(f"matrices are not read within {node.op}")
            if node.op == "number" and node.parts == (0,):
                return Matrix(sp.S.Zero, (ANY, ANY))
            return Matrix(self.reading.scalar(node))
        return known(*node.parts)

    def holds(self, node) -> bool:
        """Whether a matrix stands in there."""
        kinds = self.reading.notation
        return any(
            n.op == "blocks"
            or n.op == "symbol"
            and n.parts[0] != "I"
            and kinds[n.parts[0]].kind in ("matrix", "column")
            for n in node.walk()
        )

    def _symbol(self, name):
        return Matrix(
            sp.Symbol(name, commutative=False), tuple(map(str, self.reading.notation[name].shape))
        )

    def _neg(self, a):
        x = self(a)
        return Matrix(-x.expr, x.shape)

    def _add(self, *nodes):
        return self.words.add(*map(self, nodes))

    def _mul(self, a, b):
        return self.words.mul(self(a), self(b))

    def _div(self, a, b):
        x, y = self(a), self(b)
        if not y.is_number:
            self.fail("a division by a matrix")
        if not y.expr.is_commutative:
            self.fail("a division by a number that may be zero")
        if not y.expr.has(Det):
            self.reading.need(lambda c: c.never_zero(y.expr), f"a quotient by {y.expr}")
        return Matrix(x.expr / y.expr, x.shape)

    def _pow(self, a, n):
        x, e = self(a), self.reading.scalar(n)
        if e != -1 or x.shape[0] != x.shape[1]:
            self.fail("of matrices only the inverse of a square one is read")
        if not self.words.positive(x.expr, definite=True):
            self.fail(f"{x.expr} is not known to have an inverse")
        return Matrix(x.expr**-1, x.shape)

    def _transpose(self, a):
        x = self(a)
        if isinstance(x, Blocks):
            return Blocks(tuple(tuple(map(self._turned, column)) for column in zip(*x.rows)))
        return self._turned(x)

    def _turned(self, x: Matrix) -> Matrix:
        return Matrix(self.words.turn(x.expr), x.shape[::-1])

    def _trace(self, a):
        x = self(a)
        if x.shape[0] != x.shape[1] or ANY in x.shape:
            self.fail("the trace of what is not square")
        return Matrix(Trace(x.expr, sp.Symbol(x.shape[0])))

    def _det(self, a):
        x = self(a)
        if x.shape[0] != x.shape[1] or not self.words.positive(x.expr, definite=True):
            self.fail("a determinant is of a covariance")
        return Matrix(Det(x.expr))

    def _log(self, a):
        return Matrix(sp.log(self(a).expr))

    def _kl(self, p, q):
        """The mean of the difference of the log densities; of a quadratic form it is a trace."""
        if not p.op == q.op == "normal" or p.parts[0] or q.parts[0]:
            self.fail("a divergence of two normal laws")
        (m1, S1), (m2, S2) = (tuple(map(self, x.parts[1:])) for x in (p, q))
        if m1.shape != m2.shape or not all(
            self.words.positive(S.expr, definite=True) for S in (S1, S2)
        ):
            self.fail("means of one shape and covariances are asked for")
        z = sp.Symbol("drawn", commutative=False)
        total = (sp.log(Det(S2.expr)) - sp.log(Det(S1.expr))) / 2
        for S, x, sign in ((S2, m1.expr - m2.expr + z, 1), (S1, z, -1)):
            for term in sp.Add.make_args(sp.expand(self.words.turn(x) * S.expr**-1 * x)):
                numbers, word = term.args_cnc()
                drawn = sum(getattr(a, "name", "").startswith("drawn") for a in word)
                if drawn == 2:
                    term = sp.Mul(*numbers) * Trace(
                        sp.Mul(*word[1:-1]) * S1.expr, sp.Symbol(m1.shape[0])
                    )
                if drawn != 1:
                    total += sp.Rational(sign, 2) * term
        return Matrix(total)

    def law(self, density, normal) -> MatrixLaw:
        """p(Y | X) = N(Y; mean, covariance) as a statement about the law of Y."""
        name, left, right = density.parts
        variable, mean, covariance = normal.parts
        sides = [frozenset(self(n).expr for n in side) for side in (left, right)]
        if variable is None or sides[0] != {self(variable).expr} or sides[0] & sides[1]:
            self.fail("the density is not that of the variable of the normal law")
        m, S = self(mean), self(covariance)
        size = self(variable).shape[0]
        if m.shape != (size, "1") or S.shape != (size, size):
            self.fail("mean and covariance do not fit the variable")
        return MatrixLaw(name, self(variable).expr, sides[1], m, S)

    def _blocks(self, *rows):
        if len({len(row) for row in rows}) > 1:
            self.fail("rows of blocks differ in length")
        return Blocks(tuple(tuple(map(self, row)) for row in rows))
