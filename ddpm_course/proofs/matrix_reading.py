"""From a tree to matrices: what holds a letter of matrix kind is read as words of letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import sympy as sp

from .matrices import ANY, ONE, Blocks, Det, Matrix, MatrixLaw, Trace, Words, size
from .reader import Node

if TYPE_CHECKING:
    from .reading import Reading


def _plain(e: sp.Expr) -> sp.Expr:
    """With a positive letter in the place of every determinant: those that are read are of covariances."""
    return e.replace(Det, lambda *_: sp.Dummy(positive=True))


class MatrixReading:
    """Gives nodes their values where a formula holds matrices; numbers are read as elsewhere."""

    def __init__(self, reading: Reading):
        self.reading, self.words = reading, Words(reading.context)

    def fail(self, why: str) -> NoReturn:
        self.reading.fail(why)

    def __call__(self, node: Node) -> Matrix | Blocks:
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

    def holds(self, node: Node) -> bool:
        """Whether a matrix stands in there."""
        kinds = self.reading.notation
        return any(
            n.op == "blocks"
            or n.op == "symbol"
            and n.parts[0] != "I"
            and kinds[n.parts[0]].kind in ("matrix", "column")
            for n in node.walk()
        )

    def one(self, node: Node) -> Matrix:
        """What is not written in blocks: these are only multiplied and turned."""
        x = self(node)
        if isinstance(x, Blocks):
            self.fail("blocks are multiplied and turned, nothing more")
        return x

    def number(self, node: Node, what: str) -> Matrix:
        """A number of which the kernel knows more than that it is a word of matrices."""
        x = self.one(node)
        if not x.is_number or not x.expr.is_commutative:
            self.fail(what)
        return x

    def _symbol(self, name):
        rows, columns = self.reading.notation[name].shape
        return Matrix(sp.Symbol(name, commutative=False), (rows, columns))

    def _neg(self, a):
        x = self.one(a)
        return Matrix(-x.expr, x.shape)

    def _add(self, *nodes):
        return self.words.add(*map(self.one, nodes))

    def _mul(self, a, b):
        return self.words.mul(self(a), self(b))

    def _div(self, a, b):
        x, y = (
            self.one(a),
            self.number(b, "a division by a matrix, or by a number that may be zero"),
        )
        self.reading.need(lambda c: c.never_zero(_plain(y.expr)), 1 / y.expr)
        return Matrix(x.expr / y.expr, x.shape)

    def _pow(self, a, n):
        x, e = self.one(a), self.reading.scalar(n)
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
        return Matrix(self.words.turn(x.expr), (x.shape[1], x.shape[0]))

    def _trace(self, a):
        x = self.one(a)
        if x.shape[0] != x.shape[1] or ANY in x.shape:
            self.fail("the trace of what is not square")
        return Matrix(Trace(x.expr, size(x.shape[0])))

    def _det(self, a):
        x = self.one(a)
        if x.shape[0] != x.shape[1] or not self.words.positive(x.expr, definite=True):
            self.fail("a determinant is of a covariance")
        return Matrix(Det(x.expr))

    def _log(self, a):
        x = self.number(a, "a logarithm of a matrix, or of a number that may be zero")
        self.reading.need(lambda c: c.positive(_plain(x.expr)), sp.log(x.expr))
        return Matrix(sp.log(x.expr))

    def _kl(self, p, q):
        """The mean of the difference of the log densities; of a quadratic form it is a trace."""
        if not p.op == q.op == "normal" or p.parts[0] or q.parts[0]:
            self.fail("a divergence of two normal laws")
        (m1, S1), (m2, S2) = (tuple(map(self.one, x.parts[1:])) for x in (p, q))
        if not m1.shape == m2.shape == (S1.shape[0], ONE[1]) or not all(
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
                    body = sp.Mul(*word[1:-1]) * S1.expr
                    term = sp.Mul(*numbers) * Trace(body, size(m1.shape[0]))
                if drawn != 1:
                    total += sp.Rational(sign, 2) * term
        return Matrix(total)

    def column(self, node: Node) -> sp.Symbol:
        """The letter that a law is about."""
        e = self.one(node).expr
        if not isinstance(e, sp.Symbol):
            self.fail("a law of a column is about a letter")
        return e

    def law(self, density: Node, normal: Node) -> MatrixLaw:
        """p(Y | X) = N(Y; mean, covariance) as a statement about the law of Y."""
        name, left, right = density.parts
        process = self.reading.theory.processes.get(name)
        if process is None or process.shape != "pair":
            self.fail(f"{name} is no process of two columns")
        variable, mean, covariance = normal.parts
        drawn, given = (frozenset(map(self.column, side)) for side in (left, right))
        if variable is None or drawn != {self.one(variable).expr} or drawn & given:
            self.fail("the density is not that of the variable of the normal law")
        m, S = self.one(mean), self.one(covariance)
        size = self.one(variable).shape[0]
        if m.shape != (size, "1") or S.shape != (size, size):
            self.fail("mean and covariance do not fit the variable")
        return MatrixLaw(name, self.column(variable), given, m, S)

    def _blocks(self, *rows):
        if len({len(row) for row in rows}) > 1:
            self.fail("rows of blocks differ in length")
        made = Blocks(tuple(tuple(map(self.one, row)) for row in rows))
        if not self.words.fits(made):
            self.fail("blocks of a row differ in height, or blocks of a column in width")
        return made
