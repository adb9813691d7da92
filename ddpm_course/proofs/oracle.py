"""The second opinion: a claim is read in numbers, and refuted by a counterexample.

Nothing is proved here, and nothing is shared with the kernel but what is spoken of: the tree of a
formula and the declarations. Two kinds of worlds are tried, with T = 1 to 6 steps.

World: states are points of R^d, and every law is the Gaussian that was declared, conditioned by
linear algebra. The mean of a polynomial is a weighted sum over a few points, without any error.
Chain: states have two or three values each, and every law is a random table; a mean is a finite sum.
What is claimed of laws without using that they are Gaussian must hold here.

Two sides agree to twenty digits, or they differ. A difference must survive hundreds of further digits.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, getcontext, localcontext
from itertools import product
from math import prod
from operator import add, mul

from .declarations import Declarations, Hypothesis, Structure
from .errors import Refuted, Undefined, WrongRule
from .reader import Node, read

ONE, TINY = Decimal(1), Decimal("1e-20")
NIL = 0 * ONE
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
DIGITS = Context(prec=50, Emax=MAX_EMAX, Emin=MIN_EMIN)
SIZES = {"n": 2, "m": 3}
WORLDS = ((1, 3, "random"), (2, 2, "random"), (3, 3, "constant"), (4, 2, "random"), (1, 2, "extreme"),
          (5, 3, "random"), (2, 3, "extreme"), (3, 2, "zero"), (6, 2, "random"))
FAR = ((1, 2, "far"), (2, 2, "far"))                           # for inequalities


class Inexpressible(Exception):
    """Something that this module has no numbers for."""


class Open(Exception):
    """An index letter or a state that was met without a value: it is to be tried for every one."""


def wrong(why: str): raise WrongRule("second opinion", why)


# --- Values: numbers and matrices. Where a matrix is needed, a number c stands for c times I -------

class Grid(tuple):
    """A matrix, as the tuple of its rows; a vector is one with a single column."""
    shape = property(lambda self: (len(self), len(self[0])))
    T = property(lambda self: Grid(zip(*self)))

    def __add__(self, other: Value) -> Grid:
        other = full(other, self.shape)
        if self.shape != other.shape: wrong("a sum or a relation of two different shapes")
        return Grid(tuple(map(add, x, y)) for x, y in zip(self, other))

    def __mul__(self, other: Value) -> Value:
        if not isinstance(other, Grid): return Grid(tuple(x * other for x in row) for row in self)
        if len(self[0]) != len(other): wrong("a product of shapes that do not fit, such as two vectors")
        made = Grid(tuple(sum(map(mul, row, by)) for by in zip(*other)) for row in self)
        return made[0][0] if made.shape == (1, 1) else made

    __radd__ = __add__
    def __rmul__(self, number: Decimal) -> Grid: return self * number


Value = Decimal | Grid


def column(numbers: Iterable[Decimal]) -> Grid: return Grid((x,) for x in numbers)
def flat(a: Value) -> list[Decimal]: return [x for row in a for x in row] if isinstance(a, Grid) else [a]
def transposed(a: Value) -> Value: return a.T if isinstance(a, Grid) else a
def minus(a: Value, b: Value) -> Value: return a + b * -ONE
def trace(a: Value) -> Decimal: return sum(row[i] for i, row in enumerate(sized(a)))
def number(a: Value) -> Decimal: return wrong("a vector or a matrix for a number") if isinstance(a, Grid) else a


def full(a: Value, shape: tuple[int, int]) -> Grid:
    """The multiple of the identity that a number stands for; 0 has any shape."""
    if isinstance(a, Grid): return a
    if a and shape[0] != shape[1]: wrong("a sum or a relation of a number and a vector")
    return Grid(tuple(a * (i == j) for j in range(shape[1])) for i in range(shape[0]))


def sized(a: Value) -> Grid:
    if not isinstance(a, Grid): raise Inexpressible             # of which size is this identity?
    if len(a) != len(a[0]): wrong("the inverse, determinant or trace of a matrix that is not square")
    return a


def plain(a: object) -> object:
    """A value as a message shows it: rounded, a vector as a tuple."""
    if isinstance(a, Decimal): return DIGITS.plus(a)
    if isinstance(a, Grid) and a.shape[1] == 1: a = flat(a)
    return tuple(map(plain, a)) if isinstance(a, tuple | list) else a


def holds(sign: str, a: Value, b: Value) -> bool:
    """Whether two values are in a relation, by its name in the tree."""
    if max(map(abs, flat(minus(a, b)))) <= TINY * max(map(abs, (*flat(a), *flat(b), TINY))): return sign != "lt"
    return sign in ("le", "lt") and number(a) < number(b) or sign == "ge" and number(a) > number(b)


def positive(a: Value) -> Decimal:
    if not number(a) > 0: raise ArithmeticError
    return a


def solved(a: Value) -> tuple[Grid, Decimal]:
    """Inverse and determinant, by Gauss and Jordan; ArithmeticError where there is no inverse."""
    n, det, size = len(sized(a)), ONE, max(map(abs, flat(a)))
    rows = [[*row, *one] for row, one in zip(a, full(ONE, a.shape))]
    for i in range(n):
        best = max(range(i, n), key=lambda k: abs(rows[k][i]))
        if abs(rows[best][i]) <= TINY * size: raise ArithmeticError
        if best != i: rows[i], rows[best], det = rows[best], rows[i], -det
        det, top = det * rows[i][i], [x / rows[i][i] for x in rows[i]]
        rows = [top if k == i else [x - row[i] * y for x, y in zip(row, top)] for k, row in enumerate(rows)]
    return Grid(tuple(row[n:]) for row in rows), det


def power(a: Value, n: Value) -> Value:
    if isinstance(a, Grid): return solved(a)[0] if n == -1 else wrong("a power of a matrix that is no inverse")
    if not a and number(n) < 0: raise ArithmeticError
    return a**n if number(n) else ONE


def inner(a: Value, b: Value) -> Decimal:
    return number(a.T * b) if isinstance(a, Grid) and a.shape[1] == 1 else wrong("a norm of what is no vector")


def bell(rest: Grid, spread: Value) -> Decimal:
    """The normal density at the distance `rest` from its mean."""
    inverse, det = solved(full(spread, (len(rest), len(rest))))
    return (inner(rest, inverse * rest) / -2).exp() / ((2 * PI)**len(rest) * positive(det)).sqrt()


def divergence(m: Value, a: Value, n: Value, b: Value) -> Decimal:
    """KL(N(m, a) || N(n, b))."""
    size = max(len(flat(m)), len(flat(n)))
    a, b, rest = full(a, (size, size)), full(b, (size, size)), minus(full(m, (size, 1)), full(n, (size, 1)))
    (_, one), (inverse, two) = solved(a), solved(b)
    return (trace(inverse * a) + inner(rest, inverse * rest) - size + positive(two / positive(one)).ln()) / 2


ARITHMETIC: dict[str, Callable[..., Value]] = {
    "number": Decimal, "add": lambda *terms: sum(terms), "neg": lambda a: a * -ONE, "mul": mul,
    "div": lambda a, b: a * (1 / number(b)), "pow": power, "sqrt": lambda a: number(a).sqrt(),
    "log": lambda a: positive(a).ln(), "exp": lambda a: number(a).exp(), "inner": inner,
    "norm2": lambda a, n: inner(a, a) if n == 2 else wrong("a power of a norm that is no square"),
    "transpose": transposed, "det": lambda a: solved(a)[1], "trace": trace}


def integral(body: Callable[[tuple[Decimal, ...]], Value], n: int, most: int = 5) -> Value:
    """The mean of body(z), z standard normal in n dimensions, for a polynomial up to degree five.

    Its degree is measured along a line. For a cubic, two points on each axis make the mean exact; else
    three in each dimension, with all combinations.
    """
    if not n: return body(())
    line = [Decimal(random.Random(i).randint(10, 99)) / 60 * (-1)**i for i in range(n)]
    rows, degree = [flat(body(tuple(step * x for x in line))) for step in range(-3, 4)], -1
    largest = lambda: max(abs(x) for row in rows for x in row)
    limit = TINY * (largest() + TINY)
    while len(rows) > 1 and largest() > limit:
        rows, degree = [[y - x for x, y in zip(*pair)] for pair in zip(rows, rows[1:])], degree + 1
    if largest() > limit or degree > most or degree > 3 and n > 6: raise Inexpressible
    if degree <= 1: return body((NIL,) * n)
    root = Decimal(n if degree <= 3 else 3).sqrt()
    if degree <= 3: nodes = [(ONE / n / 2, z) for r in (root, -root) for z in full(r, (n, n))]
    else: nodes = [(prod(w for _, w in line), tuple(x for x, _ in line)) for line in product(
        ((NIL, ONE * 2 / 3), (root, ONE / 6), (-root, ONE / 6)), repeat=n)]
    return sum(weight * body(z) for weight, z in nodes)


# --- Words -----------------------------------------------------------------------------------------

Key = tuple[str, int | None]                # of a name in a family: x_2 is ("x_t", 2)
Density = tuple[str, list[Key], list[Key]]

SPELLING = {"neg": "-{}", "mul": "{}{}", "div": r"\frac{{{}}}{{{}}}", "pow": "({})^{{{}}}", "log": r"\log({})",
            "sqrt": r"\sqrt{{{}}}", "norm2": r"\lVert {}\rVert^{}", "mean": r"\mathbb E_{{{}}}[{}]",
            "sum": r"\sum_{{{}={}}}^{{{}}}({})", "prod": r"\prod_{{{}={}}}^{{{}}}{}",
            "member": "{}_{{{}}}", "span": "{}_{{{}:{}}}"}


def spelled(part: object) -> str:
    """A tree in LaTeX, for a message."""
    if isinstance(part, tuple): return ",".join(map(spelled, part))
    if not isinstance(part, Node): return str(part).removesuffix("_t")
    if part.op in ("number", "index", "symbol"): return str(part.parts[0])
    words = [spelled(x) for x in part.parts if x not in (None, ())]
    if part.op == "add": return "+".join(words).replace("+-", "-")
    if part.op == "mul": words = [f"({x})" if {*"+-"} & {*x} else x for x in words]
    if part.op in SPELLING: return SPELLING[part.op].format(*words)
    if part.op in ("density", "call"): return f"{words[0]}({' | '.join(words[1:])})"
    return f"{part.op}({', '.join(words)})"


def titled(key: Key | str) -> str:
    """A name in a message: \\alpha_2."""
    return key if isinstance(key, str) else key[0] if key[1] is None else f"{key[0].removesuffix('_t')}_{key[1]}"


# --- Places ----------------------------------------------------------------------------------------

class At(dict):
    """Where a formula is read: values of index letters and fresh noises by name, of states by key.

    What is missing is open; but in a closed place, such as under a mean, no other state may occur.
    """
    def __missing__(self, key: Key | str):
        if "closed" in self and isinstance(key, tuple): wrong(f"{titled(key)} is neither listed nor given")
        raise Open("t" if key == "s" and "t" not in self else key)

    def with_only(self, states: dict[Key, object]) -> At:
        """The closed place with these states alone."""
        return At({k: v for k, v in self.items() if isinstance(k, str)} | states, closed=True)


Normals = tuple[Callable[[tuple[Decimal, ...]], At], int]       # a place for each value of so many normals


class World:
    """T steps, dimension d, and a value for all that has no definition. States: points of R^d."""

    def __init__(self, known: Declarations, T: int, d: int, mood: str, seed: int):
        self.known, self.T, self.d, self.mood, self.used, self.strict = known, T, d, mood, {}, False
        self.rng = random.Random(f"{seed} {T} {d} {mood}")
        self.fixed = {"T": Decimal(T), "d": Decimal(d), "I": ONE, r"\pi": PI}
        self.fixed |= {x: Decimal(n) for x, n in SIZES.items()
                       if x in known.notation and known.notation[x].domain == "natural"}
        self.held = {n.parts[0] for said in known.hypotheses.values()
                     for side in (said.left, said.right) for n in side.walk()}
        for halvings in range(60):
            self.drawn, self.made, self.scale = {}, {}, ONE / 2**halvings
            if all(map(self.obeys, known.hypotheses.values())): return      # else smaller numbers may do
        raise Inexpressible

    def obeys(self, said: Hypothesis) -> bool:
        """Whether a standing hypothesis holds."""
        def check(at: At) -> bool:
            return holds("lt" if said.strict else "le", self.value(said.left, at), self.value(said.right, at))
        return all(self.everywhere(check, said.start))

    # -- what has no definition

    def number(self, domain: str, scale: Decimal = ONE) -> Decimal:
        """A random number; in the mood for it a small or a large one, or 0 where that is allowed.

        scale: below 1 once the hypotheses have failed for what they speak of; then it is rarely 0."""
        unit, pick = Decimal(self.rng.randint(50, 950)) / 1000, self.rng.choice
        zero, wide = self.mood == "zero" and scale == 1, {"extreme": 5, "far": 10**4}.get(self.mood, 1)
        if domain == "real": return NIL if zero else unit * pick((3, -3))
        if domain == "natural": return Decimal(pick((1, 2, 3)))
        if domain == "nonnegative" and (zero or pick("0123") == "0"): return NIL
        if domain == "(0,1)": return pick((unit, unit / wide**2, 1 - unit / wide**2))
        return 4 * scale * pick((unit, unit / wide, unit * wide))

    def once(self, key: object, make: Callable[[], object]) -> object:
        """What is drawn, is drawn once."""
        if key not in self.drawn: self.drawn[key] = make()
        return self.drawn[key]

    def array(self, rows: int, columns: int = 1, scale: Decimal = ONE) -> Grid:
        return Grid(tuple(self.number("real", scale) for _ in range(columns)) for _ in range(rows))

    def draw(self, key: Key) -> Value:
        """The value of a name without definition, such as ("\\alpha_t", 2)."""
        entry, slot = self.known.notation[key[0]], (key[0], 0 if self.mood == "constant" else key[1])
        if entry.kind in ("noise", "random") or entry.kind == "matrix" and not entry.shape: raise Inexpressible
        scale = self.scale if key[0] in self.held else ONE
        def make() -> Value:
            if entry.kind in ("scalar", "sequence"): return self.number(entry.domain, scale)
            shape = (SIZES.get(x) or (self.d if x == "d" else int(x)) for x in entry.shape or ("d", 1))
            made = self.array(*shape, scale)
            return made * made.T + ONE if entry.domain == "symmetric" else made
        self.used[titled(key)] = made = self.once(slot, make)
        return made

    def mark(self, key: Key, at: At) -> object:
        """What stands for a random column at a place. A column of matrices is drawn once for all."""
        return self.draw(key) if key not in at and self.known.notation[key[0]].kind == "column" else at[key]

    def point(self, key: Key, mark: object) -> Value:
        """The value of a state that has a mark: here it is the mark itself."""
        return mark

    def choices(self, key: Key | str, at: At, start: int) -> Iterable:
        """What an open index letter or state may be."""
        if isinstance(key, tuple): return [self.array(self.d)]
        if key == "s": return range(max(start - 1, 0), at["t"])
        return range(start if key == "t" else 0, self.T + 1)

    def everywhere(self, check: Callable[[At], bool], start: int, at: At = At()) -> list[bool]:
        """What a check says at all places: whatever it finds open has every value in turn."""
        try: return [check(at)]
        except Open as missing: key = missing.args[0]
        tries = [At({**at, key: x}) for x in self.choices(key, at, start)]
        return [said for there in tries for said in self.everywhere(check, start, there)]

    # -- reading

    def value(self, node: Node, at: At) -> Value:
        """The value of a formula at a place. Undefined names the outermost symbol that has none."""
        try:
            if node.op not in ARITHMETIC: return getattr(self, f"on_{node.op}")(at, *node.parts)
            return ARITHMETIC[node.op](*(self.value(x, at) if isinstance(x, Node) else x for x in node.parts))
        except ArithmeticError: raise Undefined(spelled(node), "") from None
        except Undefined as gap:
            if node.op in ("member", "symbol", "call", "density"): gap.what = spelled(node)
            raise

    def whole(self, node: Node, at: At) -> int:
        index = number(self.value(node, at))
        return int(index) if index == int(index) else wrong("an index that is not a whole number")

    def key(self, node: Node, at: At) -> Key:
        """A name with its index. There is no state outside 0..T."""
        name, index = node.parts[0], self.whole(node.parts[1], at) if node.op == "member" else None
        if self.known.notation[name].kind == "state" and not 0 <= index <= self.T: raise ArithmeticError
        return name, index

    def on_index(self, at: At, letter: str) -> Decimal: return Decimal(at[letter])
    def on_limit(self, at: At, *parts: object) -> Value: raise Inexpressible

    def on_symbol(self, at: At, *parts: object) -> Value:
        """What a name stands for: what is given, its definition, or else anything."""
        known, (name, index) = self.known, (key := self.key(Node("member" if parts[1:] else "symbol", parts), at))
        kind, here = known.notation[name].kind, At({**at, "t": index}) if parts[1:] else at
        if name in self.fixed or name in at: return {**at, **self.fixed}[name]
        if kind == "fresh": wrong(f"{name} is bound by no mean and no relation of laws")
        if kind == "state" or key in at: return self.point(key, at[key])
        if noise := known.noises.get(name):
            if not noise.start <= here["t"] <= self.T: raise ArithmeticError
            rest = minus(self.value(noise.state, here), self.value(noise.mean, here))
            return rest * (1 / self.value(noise.variance, here).sqrt())
        if index == 0 and name in known.first: return self.value(known.first[name], here)
        if name in known.meanings: return self.value(known.meanings[name], here)
        if parts[1:] and not (kind != "column") <= index <= self.T: raise ArithmeticError
        return self.draw(key)

    on_member = on_symbol

    def on_call(self, at: At, name: str, under: Node | None, given: tuple[Node, ...]) -> Value:
        """A function, at the index for which it was declared with just these arguments.

        Without definition it is a quadratic polynomial: as good as any function, and means stay exact.
        """
        entry, known = self.known.notation[name], self.known
        if ("formal", name) not in self.made:
            self.made["formal", name] = [read(x, known.notation) for x in re.split(r",(?![^{]*\})", entry.arguments)]
        meant = lambda nodes, at: [self.key(x, at) if x.op == "member" else self.value(x, at) for x in nodes]
        for t in [self.whole(under, at)] if under else dict.fromkeys((at.get("t", 1), *range(self.T + 1))):
            here = At({**at, "t": t})
            if meant(self.made["formal", name], here) == meant(given, at): break
        else: wrong(f"{name} does not have these arguments at any index")
        if name in known.meanings: return self.value(known.meanings[name], here)
        if entry.indexed and not 1 <= t <= self.T: raise ArithmeticError
        u = [ONE, Decimal(t if under else 0), *(x for b in given for x in flat(self.value(b, at)))]
        table = lambda: [[[Decimal(self.rng.randint(-9, 9)) / 20 for _ in u] for _ in u] for _ in range(self.d)]
        made = [sum(c * x * y for row, x in zip(rows, u) for c, y in zip(row, u))
                for rows in self.once((name, "?"), table)]
        return column(made) if entry.kind != "scalar" else made[0] if entry.domain == "real" else made[0]**2 + 1

    def on_sum(self, at: At, letter: str, low: Node, high: Node, body: Node, join: Callable = sum) -> Value:
        low, high = self.whole(low, at), self.whole(high, at)
        if high < low - 1: raise ArithmeticError
        return join((self.value(body, At({**at, letter: n})) for n in range(low, high + 1)), start=ONE * join(()))

    def on_prod(self, *parts) -> Value: return self.on_sum(*parts, join=prod)

    def on_normal(self, at: At, place: Node | None, mean: Node, spread: Node) -> Decimal:
        if place is None: wrong("a normal law without its variable is no density")
        return bell(minus(self.value(place, at), self.value(mean, at)), self.value(spread, at))

    def on_blocks(self, at: At, *rows: tuple[Node, ...]) -> Grid:
        """A matrix of blocks. Of which size a 0 or an I is, the matrices beside it say, or those of an earlier one."""
        parts = [[self.value(x, at) for x in row] for row in rows]
        sizes = [[next((x.shape[i] for x in line if isinstance(x, Grid)), 0) for line in lines]
                 for i, lines in enumerate((parts, zip(*parts)))]
        if 0 in sizes[0] + sizes[1]: sizes = self.made.get("blocks", sizes)
        if 0 in sizes[0] + sizes[1]: raise Inexpressible
        self.made["blocks"] = sizes
        shapes = [[(h, w) for w in sizes[1]] for h in sizes[0]]
        parts = [[full(x, shape) for x, shape in zip(row, line)] for row, line in zip(parts, shapes)]
        if [[x.shape for x in row] for row in parts] != shapes: wrong("blocks that do not fit")
        return Grid(sum(lines, ()) for row in parts for lines in zip(*row))

    # -- laws

    def keys(self, nodes: Iterable[Node], at: At) -> list[Key]:
        """The random columns on one side of a bar."""
        found: list[Key] = []
        for node in nodes:
            kind = self.known.notation[node.parts[0]].kind
            if kind not in ("state", "column"): wrong(f"{spelled(node)} is not random")
            if node.op != "span": found.append(self.key(node, at))
            else:
                low, high = (self.whole(x, at) for x in node.parts[1:])
                if not -1 < low <= high + 1 <= self.T + 1: raise ArithmeticError
                found += [(node.parts[0], n) for n in range(low, high + 1)]
        return found

    def bar(self, at: At, name: str, left: tuple[Node, ...], right: tuple[Node, ...]) -> Density:
        """A density without letters; what is on both sides of the bar has no density."""
        if len({*left, *right}) < len(left) + len(right): wrong("a state is named twice in one density")
        one, two = self.keys(left, at), self.keys(right, at)
        if len({*one, *two}) < len(one) + len(two): raise ArithmeticError
        return name, one, two

    def structure(self, name: str) -> Structure:
        return self.known.structures.get(name) or wrong(f"{name} is the law of no declared process")

    def steps(self, name: str, keys: Iterable[Key], at: At) -> dict[Key, tuple[Key, ...]]:
        """Which column is drawn given which others, in the order of drawing, up to the last of `keys`."""
        shape, T, state = self.structure(name), self.T, next(iter(keys), ("", 0))[0]
        if shape.shape == "pair":
            laws = sorted(self.known.laws.get(name, ()), key=lambda law: len(law.density.parts[2]))
            found = {self.key(law.density.parts[1][0], at): (*self.keys(law.density.parts[2], at),) for law in laws}
        else:
            t, s = (at[x] if x in shape.indices else 0 for x in "ts")
            if shape.indices and not 0 <= s < t <= T: raise ArithmeticError
            links = {"forward": [(0,), *((n, n - 1) for n in range(1, T + 1))],
                     "backward": [(T,), *((n - 1, n) for n in range(T, 0, -1))],
                     "bridge": [(0,), (T, 0), *((n - 1, n, 0) for n in range(T, 1, -1))],
                     "step": [(0,), (t, 0), (t - 1, t, 0)], "jump": [(0,), (t, 0), (s, t, 0)]}[shape.shape]
            found = {(state, n): tuple((state, m) for m in given) for n, *given in links if n not in given}
        for key in keys:
            if key not in found: wrong(f"{name} has no {titled(key)}")
        order = [*found]
        return {key: found[key] for key in order[:1 + max(map(order.index, keys), default=-1)]}

    def link(self, name: str, key: Key, parents: tuple[Key, ...], at: At) -> tuple[Callable, Value, dict | None]:
        """The declared law of a column given its parents: mean, spread, and the matrices before the parents."""
        shape, there = self.structure(name), at.with_only({})
        memo = name, key, *((at.get("t"), at.get("s")) if shape.shape in ("step", "jump", "pair") else ())
        if memo in self.made: return self.made[memo]
        for law in self.known.laws.get(shape.like if shape.like and parents else name, ()):
            _, left, right = law.density.parts
            for here in [there] if memo[2:] else [At({**there, "t": t}) for t in range(law.start, self.T + 1)]:
                if self.keys(left, here) == [key] and {*self.keys(right, here)} == {*parents}:
                    mean = lambda values: self.value(law.mean, here.with_only(values))
                    self.made[memo] = mean, self.value(law.spread, here), self.slopes(mean, parents)
                    return self.made[memo]
        if parents: raise Inexpressible
        start, spread = self.once((name, "start"), lambda: (self.array(self.d), self.number("positive")))
        self.made[memo] = (lambda values: start), spread, None
        return self.made[memo]

    def slopes(self, mean: Callable[[dict], Value], parents: tuple[Key, ...]) -> dict[Key, Value] | None:
        """The matrix before each parent in its child's mean, if that is linear."""
        some = {p: self.draw(p) if self.known.notation[p[0]].kind == "column" else self.array(self.d)
                for p in parents}
        zero, found = {p: x * NIL for p, x in some.items()}, {}
        rest = mean(zero)
        for p, x in some.items():
            units = full(ONE, (len(x), len(x)))
            found[p] = Grid(zip(*(flat(minus(mean({**zero, p: column(unit)}), rest)) for unit in units)))
            if len({*found[p].shape}) == 1 and holds("equal", found[p], found[p][0][0]): found[p] = found[p][0][0]
        return found if holds("equal", mean(some), sum((found[p] * some[p] for p in parents), rest)) else None

    def joint(self, at: At, name: str, left: list[Key], right: list[Key]) -> tuple[dict, dict]:
        """Means and covariances of the columns left, given those right."""
        given, steps = {key: self.mark(key, at) for key in right}, self.steps(name, [*left, *right], at)
        drawn, more = set(), {*left}
        while more:                             # what is drawn and bears on them: all that shares a step with them
            drawn |= more
            near = {k for key, parents in steps.items() if drawn & {key, *parents} for k in (key, *parents)}
            more = near - drawn - {*given}
        means, covs = {}, {}
        for key, parents in steps.items():
            inside = [p for p in parents if p in drawn]
            if key not in drawn and not (key in given and inside): continue
            mean, spread, slopes = self.link(name, key, parents, at)
            if slopes is None and (inside or self.strict and not parents): raise Inexpressible
            for other in means:
                covs[key, other] = sum(slopes[p] * covs[p, other] for p in inside)
                covs[other, key] = transposed(covs[key, other])
            means[key] = mean({p: means[p] if p in drawn else given[p] for p in parents})
            covs[key, key] = sum((slopes[p] * covs[p, key] for p in inside), spread)
        for key in [key for key in means if key in given]:          # each value that is given tells of the rest
            inverse, rest = power(covs[key, key], -ONE), minus(given[key], means.pop(key))
            for one in means:
                gain = covs[one, key] * inverse
                means[one] = means[one] + gain * rest
                for other in means: covs[one, other] = minus(covs[one, other], gain * covs[key, other])
        return means, covs

    def on_density(self, at: At, *parts: object) -> Decimal:
        """A product: each column given those before it, in the order of drawing."""
        (name, left, right), made = self.bar(at, *parts), ONE
        for key in self.steps(name, [*left, *right], at):
            if key not in left: continue
            means, covs = self.joint(at, name, [key], right)
            made *= bell(minus(self.mark(key, at), means[key]), covs[key, key])
            right = [*right, key]
        return made

    # -- means

    def path(self, at: At, name: str, left: list[Key], right: list[Key]) -> Normals:
        """The place with these states, for every value of so many standard normals."""
        (means, covs), roots = self.joint(at, name, left, right), {}
        if any(isinstance(x, Grid) for x in covs.values()): raise Inexpressible
        for j in left:
            root = covs[j, j].sqrt() if covs[j, j] > TINY * TINY else NIL
            for k in left: roots[k, j] = covs[k, j] / root if root else NIL
            for k, l in product(left, left): covs[k, l] -= roots[k, j] * roots[l, j]
        given = {key: self.mark(key, at) for key in right}
        def place(z: tuple[Decimal, ...]) -> At:
            parts = dict(zip(left, (column(z[i:i + self.d]) for i in range(0, len(z), self.d))))
            return at.with_only(given | {k: sum((roots[k, j] * parts[j] for j in left), means[k]) for k in left})
        return place, len(left) * self.d

    def over(self, node: Node, at: At) -> Normals:
        """The same for what stands below the sign of a mean: a density, or fresh noises."""
        if node.op == "density": return self.path(at, *self.bar(at, *node.parts))
        names = [x.parts[0] for x in node.parts]
        if any(self.known.notation[x].kind != "fresh" for x in names): wrong("a mean over what is no fresh noise")
        cut = lambda z: (column(z[i:i + self.d]) for i in range(0, len(z), self.d))
        return lambda z: At({**at, **dict(zip(names, cut(z)))}), len(names) * self.d

    def expect(self, node: Node, at: At, body: Callable[[At], Value]) -> Value:
        place, n = self.over(node, at)
        return integral(lambda z: body(place(z)), n)

    def law(self, body: Node, place: Callable[[tuple], At], n: int) -> tuple[Value, Value]:
        """Mean and covariance of a formula that is linear in standard normals."""
        mean = integral(lambda z: self.value(body, place(z)), n, most=1)
        parts = [minus(self.value(body, place(unit)), mean) for unit in full(ONE, (n, n))]
        return mean, sum((part * transposed(part) for part in parts), NIL)

    def on_covariance(self, at: At, over: Node, body: Node) -> Value: return self.law(body, *self.over(over, at))[1]

    def on_mean(self, at: At, over: Node, body: Node) -> Value:
        return self.expect(over, at, lambda here: self.value(body, here))

    def normal(self, law: Node, at: At) -> tuple[Value, Value]:
        """Mean and spread of the law of one column."""
        if law.op == "normal": return self.value(law.parts[1], at), self.value(law.parts[2], at)
        name, left, right = self.bar(at, *law.parts)
        if len(left) != 1: raise Inexpressible
        means, covs = self.joint(at, name, left, right)
        return means[left[0]], covs[left[0], left[0]]

    def on_kl(self, at: At, one: Node, two: Node) -> Decimal:
        left = [{*self.keys(x.parts[1], at)} for x in (one, two) if x.op == "density"]
        if left[1:] and left[0] != left[1]: wrong("a divergence of laws of different states")
        return divergence(*self.normal(one, at), *self.normal(two, at))

    # -- relations

    def pairs(self, left: Node, sign: Node, right: Node, at: At) -> Iterable[tuple[Value, Value]]:
        """The values that a relation compares: those of its sides, or their means and covariances."""
        def drawn(side: Node, at: At) -> tuple[Value, Value]:
            fresh = {x for x in side.walk() if x.op == "symbol" and self.known.notation[x.parts[0]].kind == "fresh"}
            return self.law(side, *self.over(Node("letters", (*fresh,)), at))
        if sign.op == "define" and left.op != "normal": return [(self.value(right, at),) * 2]
        if sign.op == "in_law": return zip(drawn(left, at), drawn(right, at))
        if sign.op != "law_under": return [(self.value(left, at), self.value(right, at))]
        given, needed, (name, nodes) = self.keys(sign.parts[1], at), [], sign.parts
        two = drawn(right, at.with_only({key: at[key] for key in given}))
        while True:                             # which states the left side needs, it says itself
            place, n = self.path(at, name, needed, given)
            unclosed = lambda z: At({k: v for k, v in place(z).items() if k != "closed"})
            try: return zip(self.law(left, unclosed, n), two)
            except Open as missing:
                if isinstance(missing.args[0], str): raise
                needed.append(missing.args[0])

    def check(self, relations: list[tuple[Node, Node, Node]], at: At) -> None:
        """Refuted where a relation does not hold; Undefined where a side has no value."""
        try:
            self.used = {}
            bad = next((pair for left, sign, right in relations for pair in self.pairs(left, sign, right, at)
                        if not holds(sign.op, *pair)), None)
        except (Undefined, ArithmeticError) as gap:
            where = ", ".join(f"{x} = {n}" for x, n in (*at.items(), ("T", self.T)) if isinstance(x, str))
            raise Undefined(getattr(gap, "what", "the law"), f"at {where}") from None
        if not bad: return
        if getcontext().prec == DIGITS.prec:
            self.made = {}
            with localcontext(prec=450): return self.check(relations, at)
        shown = {titled(k): self.point(k, v) if isinstance(k, tuple) else v for k, v in at.items()} | self.used
        raise Refuted(*map(plain, bad), {k: plain(v) for k, v in shown.items()}, f"T = {self.T}, d = {self.d}")


class Chain(World):
    """States have two or three values, marked 0, 1, 2; every law is a random table."""

    @property
    def marks(self) -> range: return range(3 if self.T < 3 else 2)

    def choices(self, key: Key | str, at: At, start: int) -> Iterable:
        if isinstance(key, str): return super().choices(key, at, start)
        return self.marks if sum(isinstance(k, tuple) for k in at) < 4 else [self.rng.choice(self.marks)]

    def point(self, key: Key, mark: int) -> Grid: return self.once((key, mark), lambda: self.array(self.d))

    def joint(self, *parts: object): raise Inexpressible

    def on_kl(self, at: At, one: Node, two: Node) -> Decimal:
        """The mean of log one/two."""
        keys, ratio = self.keys(one.parts[1], at), Node("log", (Node("div", (one, two)),))
        if {*keys} != {*self.keys(two.parts[1], at)}: wrong("a divergence of laws of different states")
        return self.expect(one, at, lambda here: self.value(ratio, At({**at, **{key: here[key] for key in keys}})))

    def row(self, *which: object) -> list[Decimal]:
        """The probabilities of the marks of one state, given those of its parents."""
        weights = self.once(which, lambda: [Decimal(self.rng.randint(1, 20)) for _ in self.marks])
        return [x / sum(weights) for x in weights]

    def chance(self, at: At, name: str, fixed: dict[Key, int]) -> Decimal:
        """The probability that some states have these marks: a sum over all paths."""
        if not fixed: return ONE
        shape, steps = self.structure(name), self.steps(name, fixed, at)
        memo = name, *steps.items()
        if shape.shape == "pair": raise Inexpressible
        if memo not in self.made:
            paths = [({}, ONE)]
            for key, parents in steps.items():
                source = shape.like if shape.like and parents else name
                paths = [({**path, key: mark}, w * x) for path, w in paths
                         for mark, x in enumerate(self.row(source, key, *(path[p] for p in parents)))]
            self.made[memo] = paths
        if (some := (memo, frozenset(fixed.items()))) not in self.made:
            self.made[some] = sum(w for path, w in self.made[memo] if some[1] <= path.items())
        return self.made[some]

    def on_density(self, at: At, *parts: object) -> Decimal:
        """A probability by the sizes of the values: a density may be larger than 1."""
        name, left, right = self.bar(at, *parts)
        size = prod(self.once((key, at[key], "size"), lambda: self.number("positive")) for key in left)
        given = {key: at[key] for key in right}
        return self.chance(at, name, {key: at[key] for key in left} | given) / self.chance(at, name, given) / size

    def expect(self, node: Node, at: At, body: Callable[[At], Value]) -> Value:
        if node.op != "density": return super().expect(node, at, body)
        name, left, right = self.bar(at, *node.parts)
        given = {key: at[key] for key in right}
        cases = [given | dict(zip(left, marks)) for marks in product(self.marks, repeat=len(left))]
        total = sum(self.chance(at, name, case) * body(at.with_only(case)) for case in cases)
        return total * (1 / self.chance(at, name, given))


# --- Claims ----------------------------------------------------------------------------------------

Relation = tuple[Node, Node, Node]


def general(relations: list[Relation], known: Declarations) -> bool:
    """Whether a claim speaks of laws, and of nothing by which one could tell that they are Gaussian."""
    nodes = [node for left, sign, right in relations for side in (left, right) for node in side.walk()]
    laws = [law for name in {n.parts[0] for n in nodes if n.op == "density"} for law in known.laws.get(name, ())]
    theirs = {n for law in laws for tree in (law.mean, law.spread) for n in tree.walk() if n.op == "symbol"}
    for n in nodes:
        if n.op in ("normal", "call") or n.op == "member" and known.notation[n.parts[0]].kind != "state": return False
        if n in theirs and n.parts[0] not in ("T", "d", "I", r"\pi"): return False
    return any(n.op == "density" for n in nodes) and all("law" not in sign.op for _, sign, _ in relations)


def tried(kind: type[World], relations: list[Relation], known: Declarations, start: int, seeds: range,
          strict: bool = False) -> int:
    """The number of places tried. strict: Inexpressible if one cannot be, or only by making up a law."""
    def place(at: At) -> bool:
        try: world.check(relations, at)
        except Inexpressible:
            if strict: raise
            return False
        return True
    count = 0
    for T, d, mood, seed in ((*world, seed) for seed in seeds for world in (*WORLDS, *FAR[:len(seeds) - 1])):
        try: world = kind(known, T, d, mood, seed)
        except (Inexpressible, Undefined): continue             # hypotheses that nothing here meets
        world.strict = strict
        count += sum(world.everywhere(place, start))
    return count


def refute(sides: tuple[Node, ...], signs: tuple[Node, ...], known: Declarations,
           start: int = 1, seed: int = 0) -> int:
    """Try a claim for all t >= start; the number of places tried, 0 if it cannot be put into numbers here.

    Raises Refuted with a counterexample; Undefined where a side has no value in the claimed range;
    WrongRule for what makes no sense, such as a number beside a vector.
    """
    relations = list(zip(sides, signs, sides[1:]))
    more = any(sign.op in ("le", "ge", "lt") for sign in signs)
    found = None
    with localcontext(DIGITS):
        if general(relations, known):
            try:
                if count := tried(Chain, relations, known, start, range(seed, seed + 1 + 3 * more)): return count
            except Refuted as refuted: found = refuted         # unless the laws are known, and say otherwise
        try: return tried(World, relations, known, start, range(seed, seed + 1 + 7 * more), strict=bool(found))
        except Inexpressible: raise found
