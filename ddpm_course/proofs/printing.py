"""Expressions and statements of the kernel in the notation of the page."""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter

from .matrices import Matrix
from .statements import AtMost, Equal
from .terms import Law, Term

MARKS = "•→"  # before the names of states and vectors


class Page(LatexPrinter):
    """LaTeX in which a family has its index below, and a law stands under its mean."""

    def _print_Symbol(self, e, style="plain"):
        return e.name.lstrip(MARKS).replace("ᵀ", r"^{\top}")

    _print_Dummy = _print_Symbol

    def indexed(self, name: str, arguments) -> str:
        """A name that ends in its index, with others in the place of t and s."""
        name, (first, *more) = name.lstrip(MARKS), map(self._print, arguments)
        stem, _, index = name.rpartition("_")
        if stem and index.strip("{}") in ("t", "t,s"):
            below = [first, *more[:1]] if "," in index else [first]
            rest = more[len(below) - 1 :]
            return f"{stem}_{{{','.join(below)}}}" + (f"({','.join(rest)})" if rest else "")
        return f"{name}({','.join([first, *more])})"

    def _print_Function(self, expr, exp=None):
        if not isinstance(expr, AppliedUndef):
            return super()._print_Function(expr, exp)
        made = self.indexed(expr.func.__name__, expr.args)
        return made if exp is None else f"{{{made}}}^{{{exp}}}"

    def states(self, spans) -> str:
        ends = ((self._print(a), self._print(b)) for a, b in spans)
        return ",".join(f"x_{{{a if a == b else f'{a}:{b}'}}}" for a, b in ends)

    def density(self, process, drawn: str, given) -> str:
        name = latex(process.func.__name__ if process.args else process)
        return name + "(" + drawn + (r"\mid " + self.states(given) if given else "") + ")"

    def _print_Dot(self, e, exp=None):
        a, b = map(self._print, e.args)
        made = rf"\lVert {a}\rVert^2" if a == b else rf"\langle {a},{b}\rangle"
        return made if exp is None else f"({made})^{{{exp}}}"

    def _print_Exp(self, e, exp=None):
        made = rf"\exp({self._print(e.args[0])})"
        return made if exp is None else f"({made})^{{{exp}}}"

    def _print_M(self, e, exp=None):
        made = r"\log " + self.density(e.args[0], self.states(e.args[1:]), ())
        return made if exp is None else f"({made})^{{{exp}}}"

    def _print_EE(self, e, exp=None):
        process, given, body = e.args
        law = self.density(process, r"\cdot", given)
        made = rf"\mathbb E_{{{law}}}[{self._print(body)}]"
        return made if exp is None else f"({made})^{{{exp}}}"

    _print_EV = _print_EE

    def _print_Trace(self, e, exp=None):
        made = rf"\operatorname{{tr}}({self._print(e.args[0])})"
        return made if exp is None else f"{made}^{{{exp}}}"

    def _print_Det(self, e, exp=None):
        made = rf"\det({self._print(e.args[0])})"
        return made if exp is None else f"{made}^{{{exp}}}"


def latex(value: object) -> str:
    """Of an expression, a term or a statement; a name without its mark; other text as it is."""
    if isinstance(value, str):
        return value.lstrip(MARKS)
    if isinstance(value, sp.Basic):
        return Page().doprint(value)
    if isinstance(value, Law):
        law = f"{latex(value.of)};{latex(value.mean)},({latex(value.variance)})I"
        drawn = latex(value.of)
        under = Page().density(value.process, drawn, value.given) if value.process else drawn
        return rf"{under} = \mathcal N({law})"
    if isinstance(value, (Equal, AtMost)):
        sign = "=" if isinstance(value, Equal) else r"\le"
        return f"{latex(value.left)} {sign} {latex(value.right)}"
    return latex(value.expr) if isinstance(value, (Term, Matrix)) else str(value)
