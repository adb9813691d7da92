"""Every side condition of the trusted code is needed: without it, something false is proved.

A case names one condition: file, function, text. In a copy of the code it is missing; there, the derivation
below it proves something false; a derivative is read, and then it is read as something false. In the code as it is, the same derivation is refused, at that condition. A
derivation returns its theorem, and numbers at which its sides differ, or what is true instead, or why a side
has no meaning; where it says nothing, the sides differ at some numbers between 0 and 1.

At the end: conditions that need no case, each with a reason."""

import ast
from dataclasses import dataclass, fields
from types import SimpleNamespace

import pytest
import sympy as sp
from without import Code, Condition, conditions, differ

from ddpm_course.proofs.errors import ProofError
from ddpm_course.proofs.signs import KEY
from ddpm_course.proofs.terms import T_ as T
from ddpm_course.proofs.terms import d_ as d
from ddpm_course.proofs.terms import i_ as i
from ddpm_course.proofs.terms import j_ as j
from ddpm_course.proofs.terms import s_ as s
from ddpm_course.proofs.terms import t_ as t
from ddpm_course.proofs.unfolding import k_

# --- The words of the cases ----------------------------------------------------------------------

a, b, z, f, x, m, e, n, w = map(
    sp.Function, ("a_t", "b_t", "z_t", "f_t", "•x_t", "→m_t", "→e_t", "→n_t", "→w_t")
)
q, p, r, c, u, g, L, N, sigma, h, y, o, xi = map(
    sp.Symbol, ("q", "p", "r", "c", "u", "g", "L", "N", "σ", "→h", "→y", "→o", "→ξ")
)
X, Y, B0, A, B, S, S2, number = (
    sp.Symbol(name, commutative=False) for name in ("X", "Y", "b", "A", "B", "S", "R", "λ")
)
tau, rho, psi = map(sp.Symbol, ("τ", "ρ", "→ψ"))
smooth, path, unknown, field = map(sp.Function, ("γ", "→ω", "κ", "→υ"))
pair, other = "pair", "other"
step = sp.Function("ζ")  # step(t) is a process for one t: x_0, then x_t, then x_{t-1}
LETTERS = {
    "a_t": ("scalar", "(0,1)"),
    "z_t": ("scalar", "real"),
    "b_t": ("scalar", "positive"),
    "f_t": ("sequence", "real"),
    "c": ("scalar", "positive"),
    "u": ("scalar", "positive"),
    "g": ("scalar", "(0,1)"),
    "L": ("scalar", "real"),
    "N": ("scalar", "natural"),
    "σ": ("scalar", "nonnegative"),
    "•x_t": ("state", "real"),
    "→m_t": ("vector", "real"),
    "→h": ("vector", "real"),
    "→y": ("vector", "real"),
    "→e_t": ("noise", "real"),
    "→n_t": ("noise", "real"),
    "→o": ("noise", "real"),
    "→w_t": ("random", "real"),
    "→ξ": ("fresh", "real"),
    "τ": ("variable", "real"),
    "ρ": ("variable", "real"),
    "→ψ": ("point", "real"),
    "γ": ("smooth", "real"),
    "→ω": ("path", "real"),
    "κ": ("scalar", "real"),
    "→υ": ("vector", "real"),
    "X": ("column", "real", ("n", "1")),
    "Y": ("column", "real", ("n", "1")),
    "b": ("column", "real", ("n", "1")),
    "A": ("matrix", "real", ("n", "n")),
    "B": ("matrix", "real", ("n", "n")),
    "S": ("matrix", "symmetric", ("n", "n")),
    "R": ("matrix", "symmetric", ("n", "n")),
    "λ": ("matrix", "symmetric", ("1", "1")),
}


class Kernel(Code):
    """The trusted code, and short words for what the cases build of it."""

    def letters(self):
        theory = self.Theory()
        for name, declared in LETTERS.items():
            theory = theory.with_symbol(name, *declared)
        return theory

    def scalar(self, e):
        return self.Term(sp.sympify(e))

    def vector(self, e):
        return self.Term(sp.sympify(e), "vector")

    def equal(self, left, right):
        return self.Equal(self.scalar(left), self.scalar(right))

    def vectors(self, left, right):
        return self.Equal(self.vector(left), self.vector(right))

    def states(self, *times):
        return frozenset(self.span(sp.sympify(n)) for n in times)

    def given(self, *times):
        return sp.Tuple(*self.merge(self.states(*times)))

    def law(self, process, of, given, mean, variance):
        given = frozenset(self.merge(self.states(*given)))
        return self.Law(process, of, given, sp.sympify(mean), sp.sympify(variance))

    def mean(self, process, given, body):
        return self.EE(process, self.given(*given), body)

    def mean_vector(self, process, given, body):
        return self.EV(process, self.given(*given), body)

    def log(self, process, *times):
        return self.M(process, *self.merge(self.states(*times)))

    def matrix(self, e, rows="n", columns="n"):
        return self.Matrix(sp.sympify(e), (rows, columns))

    def column_law(self, of, given, mean, covariance, process=pair):
        return self.MatrixLaw(
            process, of, frozenset(given), self.matrix(mean, "n", "1"), self.matrix(covariance)
        )

    def chain(self, mean, variance=1, theory=None, name="q"):
        """A chain with the step x_t | x_{t-1} ~ N(mean, variance)."""
        theory = (theory or self.letters()).with_process(name, "forward")
        return self.declare(
            theory, "1", self.law(sp.Symbol(name), x(t), [t - 1], mean, variance), 1
        )

    def backward(self, mean, variance):
        """A chain that runs backward: x_T ~ N(0, 1), and x_{t-1} | x_t ~ N(mean, variance)."""
        theory = self.letters().with_process("p", "backward")
        theory, last = self.declare(theory, "1", self.law(p, x(T), [], 0, 1), 1)
        return *self.declare(theory, "2", self.law(p, x(t - 1), [t], mean, variance), 1), last

    def one_step(self, first, second, theory=None):
        """x_t | x_0 ~ N(first, 1), and x_{t-1} | x_t, x_0 ~ N(second, 1) from t = 2: a process for each t."""
        theory = (theory or self.letters()).with_process("ζ", "step")
        theory, there = self.declare(theory, "1", self.law(step(t), x(t), [0], first, 1), 1)
        return *self.declare(theory, "2", self.law(step(t), x(t - 1), [0, t], second, 1), 2), there

    def seven(self):
        """f_0 = 0, and f_t = 7 from t = 1."""
        return self.define_sequence(
            self.letters(), frozenset({"1", "2"}), f(t), self.scalar(0), self.scalar(7)
        )

    def seven_before(self):
        """f_{t-1} = 7, from t = 2: at t = 1 it is 0."""
        theory, th = self.seven()
        return theory, self.calc(theory, self.scalar(f(t - 1)), self.scalar(7), [th], self.Range(2))

    def positive_from_2(self):
        """Hypothesis H: z_t > 0 from t = 2. At t = 1, z may be -1."""
        return self.letters().with_hypothesis("H", z(t), True, 2)

    def tangent(self):
        """log u <= u - 1."""
        theory = self.letters()
        return theory, self.convex(theory, u, self.scalar(sp.log(u)), self.scalar(u - 1), sp.S.One)

    def bound(self, theory, gap, at, lo=1):
        """0 <= gap for all u > 0, at one value of u."""
        th = self.convex(theory, u, self.scalar(0), self.scalar(gap), sp.S.One)
        return self.substitute(theory, th, u, self.scalar(at), self.Range(lo))

    def finished(self, th):
        """A theorem that rests on no supposition, and is not numeric."""
        if th.open or th.strength != "derived":
            raise self.WrongRule("open", "it says so itself")
        return th

    def derived(self, theory, e, u=tau, vector=False, lo=1):
        """What is read for the derivative of e in u, as the left side of a theorem."""
        context = self.Context(theory, self.Range(lo))
        made = self.slope(context, self.Term(sp.sympify(e), "vector" if vector else "scalar"), u)
        return self.calc(theory, made, made, [], self.Range(lo))

    def along(self, theory, e, x):
        """The same for the gradient of e, in x."""
        made = self.vector(self.gradient(self.Context(theory, self.Range()), e, x))
        return self.calc(theory, made, made, [], self.Range())

    def clash(self, theory, one, two):
        """From two laws of one state: E|x|^2 by the one is that by the other."""
        moment = lambda law: self.dot(law.mean, law.mean) + d * law.variance
        law, (v1, v2) = one.claim, map(moment, (one.claim, two.claim))
        E = self.EE(law.process, sp.Tuple(*self.merge(law.given)), self.Dot(law.of, law.of))
        first = self.calc(theory, self.scalar(E), self.scalar(v1), [one], one.range)
        return self.transfer(theory, self.equal(v2, v1), first, [two], one.range)


SIGN = "not _is_sign(x)"
GIVEN = "type(x) not in (Theorem, str, int, bool, type(None))"
CUBIC = u**3 - 3 * u + 2  # touches 0 at u = 1; at u = -3 it is -16
POLE = u + 1 / u - 2  # touches 0 at u = 1; at u = 0 it has no value


@dataclass
class Case:
    condition: Condition
    derivation: object
    refused: tuple[str, str] | None
    also: tuple[Condition, ...]


CASES: list[Case] = []


DENSITY = "_has_density(context, e.args[0]) if isinstance(e, M) else _real(context, e.args[2])"
BACK = "all((context.rng.before(a, b) for a, b in times))"
SAID = "isinstance(x, Term | Matrix | Blocks) and not said_rightly(x)"
VALUES = Condition("kernel", "_theorem", "have_values(theory, rule, rng, *parts(claim))", "set()")


def without(file, where, code, instead="", refused=None, also=()):
    """A case. refused: the error and its rule, for a condition that does not refuse by itself. also: a
    second fence, which is taken away as well."""

    def case(derivation):
        CASES.append(Case(Condition(file, where, code, instead), derivation, refused, also))
        return derivation

    return case


# --- Theorems ------------------------------------------------------------------------------------


@without("kernel", "Theorem.__post_init__", "key is not _KEY")
def made_by_hand(k):  # 1 = 0
    return k.Theorem(
        k.equal(1, 0),
        1,
        T,
        frozenset(),
        frozenset(),
        frozenset(),
        "derived",
        (),
        k.Theory(),
        (),
        None,
    )


@without("kernel", "_admitted.rule", "type(theory) is not Theory")
def something_like_a_theory(
    k,
):  # it says of every letter that it is positive: the root of L^2 is L, at L = -1
    class Any(k.Theory):
        def __post_init__(self, key):
            pass

        def domain(self, atom):
            return "positive"

    return k.calc(
        Any(symbols=k.letters().symbols), k.scalar(sp.sqrt(L**2)), k.scalar(L), [], k.Range()
    ), {L: -1}


@without("kernel", "_asked", GIVEN)
def something_like_a_theorem(k):  # a_t = 1, of a number between 0 and 1
    theory = k.letters()
    like = SimpleNamespace(
        claim=k.equal(a(t), 1),
        lo=1,
        hi=T,
        open=frozenset(),
        assumes=frozenset(),
        strength="derived",
        theory=theory,
    )
    return k.calc(theory, k.scalar(a(t)), k.scalar(1), [like], k.Range())


@without("kernel", "_theorem", "not theory.extends(p.theory)")
@without(
    "theory",
    "Theory.extends",
    "n == 0 or self.history[n - 1] is elder.history[n - 1]",
    "True",
    ("WrongRule", "restate"),
)
def another_theory(k):  # L := 2 there, L := 3 here: 3 = 2
    _, there = k.define(k.letters(), "1", L, k.scalar(2))
    here, _ = k.define(k.letters(), "1", L, k.scalar(3))
    return k.restate(here, there, k.equal(3, 2), k.Range())


RANGE = "x = Range(x.lo, _asked(rule, theory, x.hi))"


@without("kernel", "_asked", RANGE, "pass", ("NotProved", "calc"))
def a_range_with_another_one_inside(k):  # f_{t-1} = 7 from t = 1; f_0 = 0
    theory, th = k.seven()
    return k.calc(theory, k.scalar(f(t - 1)), k.scalar(7), [th], k.Range().within(t, 2, T)), {
        f(0): 0
    }


@without("kernel", "_asked", RANGE, "pass", ("WrongRule", "restate"))
def an_end_that_is_before_all(
    k,
):  # |a - b| = a - b for a = a_1 ... a_t, b = a_1 ... a_{T-1}; not at T
    class End(sp.Symbol):
        _op_priority = 1000
        free_symbols = property(lambda self: set())

        def __sub__(self, other):
            return sp.S.Zero

        __rsub__ = __sub__

    kept = lambda n: sp.Product(a(k_), (k_, 1, n))
    gap = kept(t) - kept(T - 1)
    root = sp.sqrt(sp.expand(gap**2))
    th = k.calc(k.letters(), k.scalar(root), k.scalar(gap), [], k.Range(1, T - 1))
    th = k.restate(th.theory, th, th.claim, k.Range(1, End("h")))
    return k.restate(th.theory, th, th.claim, k.Range())


@without("kernel", "_asked", "_asked(rule, theory, x.claim)", "True", ("WrongRule", "induct"))
def a_token_of_another_kind_of_claim(k):  # f_t = 5
    class Liar(k.Equal):
        def map(self, f):
            return k.equal(t, t)

    theory = k.letters()
    token = k.Token(Liar(k.scalar(f(t)), k.scalar(5)), 1, True)
    base = k.calc(theory, k.scalar(t), k.scalar(t), [], k.Range())
    th = k.induct(theory, token, base, base, down=True)
    return k.calc(theory, k.scalar(f(t)), k.scalar(5), [th], k.Range()), {f(1): 0}


@without(
    "kernel",
    "_asked",
    "x = type(x)(*_asked(rule, theory, tuple(vars(x).values())))",
    "_asked(rule, theory, tuple(vars(x).values()))",
    ("WrongRule", "restate"),
)
def given_states_that_are_added_later(k):  # x_t given x_{t-1} and x_{t+1} is not N(x_{t-1}, 1)
    theory, given = k.letters().with_process("q", "forward"), {k.span(t - 1)}
    law = lambda: k.Law(q, x(t), given, x(t - 1), sp.S.One)
    theory, th = k.declare(theory, "1", law(), 1)
    given.add(k.span(t + 1))
    wanted = k.Law(q, x(t), frozenset(given), x(t - 1), sp.S.One)
    return k.restate(theory, th, wanted, k.Range(1, T - 1)), "the variance is 1/2"


@without("theory", "_texts", "type(x) is not str")
def domain_that_changes(k):  # W is positive, then defined as -1
    class Domain(str):
        now = "positive"

        def __eq__(self, other):
            return Domain.now == str(other)

        def __hash__(self):
            return hash(Domain.now)

    theory, W = k.letters().with_symbol("W", "scalar", Domain("real")), sp.Symbol("W")
    th = k.calc(theory, k.scalar(sp.sqrt(W**2)), k.scalar(W), [], k.Range())
    Domain.now = "real"
    theory, _ = k.define(theory, "1", W, k.scalar(-1))
    return k.restate(theory, th, k.equal(1, -1), k.Range())


@without(
    "matrices",
    "Words.parted.one",
    "all(size(high) != rows for high, _ in self._shapes(whole))",
    "False",
    ("NotProved", "calc"),
)
def trace_of_a_number_times_one(k):  # tr(X^T X I + S) counts |X|^2 n times, tr(X X^T + S) once
    trace = lambda e: k.matrix(k.Trace(e, sp.Symbol("n")), "1", "1")
    left, right = turned(k, X) * X + S, X * turned(k, X) + S
    theory = k.letters().with_symbol("n", "scalar", "natural")
    return k.calc(theory, trace(left), trace(right), [], k.Range()), "n of one and one of the other"


@without(
    "unfolding", "Meanings.sequences", "self.rng.before(n, T_)", "True", ("NotProved", "restate")
)
def sequence_after_the_last_t(k):  # f_{T+2} would be the root of 1 - 1/g^2: at g = 1/2, 2 = -2
    theory, y = k.letters(), 1 + f(T + 2) ** 2
    sides = sp.sqrt(y**2) + f(0), y + f(0)
    th = k.calc(theory, *map(k.scalar, sides), [], k.Range())
    step_ = k.scalar(sp.sqrt(1 - g ** (T - t)))
    theory, _ = k.define_sequence(theory, frozenset({"1"}), f(t), k.scalar(0), step_)
    gap = 2 - g**-2
    return k.restate(theory, th, k.equal(sp.sqrt(gap**2), gap), k.Range()), {g: sp.Rational(1, 2)}


@without("statements", "_real", BACK, "True", ("WrongRule", "calc"))
def density_of_times_that_run_backwards(k):  # log q(x_T) = log q(x_1, x_T)
    theory = k.letters().with_process("q", "forward")
    log = lambda *spans: k.scalar(k.M(q, *(sp.Tuple(*map(sp.sympify, pair)) for pair in spans)))
    th = k.calc(theory, log((t, t), (2, 0), (T, T)), log((t, t), (T, T)), [], k.Range())
    claim = k.Equal(log((T, T)), log((1, 1), (T, T)))
    th = k.transfer(theory, claim, k.at(theory, th, sp.S.One), [], k.Range())
    return th, "x_1 is not sure"


@without(
    "unfolding",
    "Means.joined",
    "grows_fast(body) or body.has(Exp) or any(map(states_of, functions))",
    "False",
    ("NotProved", "calc"),
)
def tower_of_infinite_means(k):
    """With K = q(x_0) q(x_1 | x_0) weighed so that E[K | x_0] = g E[K | x_1], both infinite on average: the
    mean of their difference would be 0, and d/2 + d log(2 pi)/2 <= -1."""
    root = g ** (1 / d)

    def started(theory, name, shape, mean, variance, start=1):
        process = sp.Symbol(name)
        first, of, given = (T, x(t - 1), [t]) if shape == "backward" else (0, x(t), [t - 1])
        theory = theory.with_process(name, shape)
        theory, th0 = k.declare(theory, name + "0", k.law(process, x(first), [], 0, start), 1)
        theory, th1 = k.declare(theory, name + "1", k.law(process, of, given, mean, variance), 1)
        return theory, th0, th1

    theory, laws = k.letters(), {}
    for name, *how in (
        ("q", "forward", x(t - 1), 1),
        ("qA", "forward", root * x(t - 1), 1),
        ("qB", "backward", x(t) / root, root**-2),
        ("qC", "forward", x(t - 1), 1),
        ("qD", "backward", x(t), 1),
        ("qF", "forward", 0, 1),
        ("qG", "forward", 0, 1, root**-2),
    ):
        theory, *laws[name] = started(theory, name, *how)
    mean = lambda given, body: k.mean(q, given, body)
    log = lambda *times: k.log(q, *times)
    joint = lambda name: k.M(sp.Symbol(name), sp.Tuple(sp.S.Zero, sp.S.One))
    half, dot = d * sp.log(2 * sp.pi) / 2, k.Dot(x(0), x(1))
    one, other = root * dot + joint("qG") - log(0, 1), dot + joint("qF") - log(0, 1)

    def given(n, name, body, own, out):  # E[exp body | x_n] = exp(out) / q(x_n)
        process, drawn = sp.Symbol(name), 1 - n
        under = lambda *times: k.log(process, *times)
        states = k.states(drawn), k.states(n)
        th = k.importance(theory, q, *states, process, states[1], k.Range())
        inner = k.Exp(under(0, 1) - under(n) - log(0, 1) + out)
        right = k.scalar(k.Exp(out - log(n)))
        th = k.calc(theory, k.scalar(mean([n], inner)), right, [th], k.Range())
        claim = k.Equal(k.scalar(mean([n], k.Exp(body))), right)
        return k.transfer(theory, claim, th, [laws[name][1], *own], k.Range())

    G, F = laws["qG"], laws["qF"]
    a0 = given(0, "qA", one, G, -half + sp.log(g))
    rest = [
        given(1, "qB", one, G, -half),
        given(0, "qC", other, F, -half),
        given(1, "qD", other, F, -half),
    ]
    flat = k.scalar(g * k.Exp(-half - log(0)))
    same = k.calc(theory, a0.claim.right, flat, [], k.Range())
    a0 = k.transfer(theory, k.Equal(a0.claim.left, flat), same, [a0], k.Range())
    share = k.Exp(half) / (g - 1)
    means = [mean([n], k.Exp(body)) for body in (one, other) for n in (0, 1)]
    zero = sp.Add(*(sign * share * each for sign, each in zip((1, -1, -1, 1), means)))
    bound = lambda left, right: k.AtMost(k.scalar(left), k.scalar(right))
    th = k.convex(theory, u, k.scalar(sp.log(u)), k.scalar(u - 1), sp.S.One)
    th = k.substitute(theory, th, u, k.scalar(k.Exp(-log(0))), k.Range())
    th = k.transfer(theory, bound(-log(0), zero - 1), th, [a0, *rest], k.Range())
    th = k.monotone(theory, th, q, frozenset())
    return k.transfer(
        theory, bound(d * sp.log(2 * sp.pi) / 2 + d / 2, -1), th, [laws["q"][0]], k.Range()
    )


@without("kernel", "_theorem", "(p.open for p in premises)", "()", ("WrongRule", "open"))
def forgotten_hypothesis(k):  # supposed: a_t = 1
    theory = k.letters()
    th, _ = k.suppose(theory, k.equal(a(t), 1), 0, down=True)
    return k.finished(k.restate(theory, th, k.equal(a(t), 1), k.Range()))


@without(
    "kernel",
    "_theorem",
    "any(p.strength == 'numeric' for p in premises)",
    "False",
    ("WrongRule", "open"),
)
def only_tried_in_numbers(k):  # entered without a proof: a_t = 1
    theory = k.letters()
    th = k.numeric(theory, k.equal(a(t), 1), k.Range())
    return k.finished(k.restate(theory, th, k.equal(a(t), 1), k.Range()))


@without("statements", "same_statement", "type(a) is not type(b)")
def a_bound_for_an_equation(k):  # log u = u - 1; at u = 2 it is 0.69 and 1
    theory, th = k.tangent()
    return k.restate(theory, th, k.equal(sp.log(u), u - 1), k.Range())


@without("statements", "same_statement", "subject(a) != subject(b)")
def another_process(k):  # under p the mean of x_t is 5 h, not 0
    theory, th = k.chain(0)
    theory, there = k.chain(5 * h, 1, theory, "p")
    return k.restate(theory, th, k.law(p, x(t), [t - 1], 0, 1), k.Range()), there.claim


@without(
    "statements",
    "same_statement",
    "isinstance(a, MatrixLaw) and isinstance(b, MatrixLaw) and a.of != b.of",
)
def another_column(k):  # Y given X has the mean A X; its own is A b, not b
    theory = k.letters().with_process(pair, "pair")
    theory, th = k.declare_matrix(theory, "1", k.column_law(X, [], B0, S))
    return k.restate(theory, th, k.column_law(Y, [], B0, S), k.Range()), k.column_law(
        Y, [], A * B0, S
    )


@without("statements", "same_statement", "not same")
def another_variance(k):  # variance 4, not 1
    theory, th = k.chain(0, 4)
    return k.restate(theory, th, k.law(q, x(t), [t - 1], 0, 1), k.Range()), th.claim


@without("kernel", "replay", "facts(th) != facts(again)")
def forged_range(k):  # f_{t-1} = 7 from t = 1; f_0 = 0
    _, th = k.seven_before()
    forged = k.replace(th, lo=1, key=k._KEY)
    k.replay(forged)
    return forged, {f(0): 0}


@without(
    "statements",
    "common_range",
    "max(p.lo for p in premises)",
    "min(p.lo for p in premises)",
    ("Undefined", ""),
)
def range_of_one_premise(k):  # the step to x_1 was never given; the variance z_1 may be -1
    theory = k.positive_from_2().with_process("q", "forward")
    theory, th = k.declare(theory, "1", k.law(q, x(t), [t - 1], x(t - 1), z(t)), 2)
    two = k.mix(theory, th, k.markov(theory, k.at(theory, th, t + 1), [k.span(t - 1)]))
    two = k.restate(theory, two, two.claim, k.Range(1, T - 1))
    return two, k.law(q, x(t + 1), [t - 1], x(t - 1), z(t + 1)), {z(1): -1}


# --- Definitions ---------------------------------------------------------------------------------


def then_minus_one(k, letter, number):
    """The root of a square is the letter, by its domain; then the letter is said to be this number."""
    theory = k.letters()
    th = k.calc(theory, k.scalar(sp.sqrt(letter**2)), k.scalar(letter), [], k.Range())
    theory, _ = k.define(theory, "1", letter, k.scalar(number))
    return k.restate(theory, th, k.equal(abs(number), number), k.Range())


@without(
    "statements",
    "in_domain",
    "domain == 'natural' and not (value.expr.is_Integer and value.expr > 0)",
)
def natural_letter(k):
    return then_minus_one(k, N, -1)  # 1 = -1


@without("statements", "in_domain", "not context.positive(e, strict)")
@without("signs", "Signs._sign", "numbers < 0", "False", ("WrongRule", "define"))
def positive_letter(k):
    return then_minus_one(k, c, -1)  # 1 = -1


@without(
    "statements",
    "in_domain",
    "[(value.expr, True), (1 - value.expr, True)]",
    "[(value.expr, True)]",
    ("WrongRule", "define"),
)
def letter_below_one(k):  # g in (0,1), then g := 2: 1 = -1
    theory = k.letters()
    th = k.calc(theory, k.scalar(sp.sqrt((1 - g) ** 2)), k.scalar(1 - g), [], k.Range())
    theory, _ = k.define(theory, "1", g, k.scalar(2))
    return k.restate(theory, th, k.equal(1, -1), k.Range())


CIRCLE = "name in theory.names(value.expr, *head.args)"


@without("definitions", "define", CIRCLE)
def defined_by_itself(k):
    return k.define(k.letters(), "1", L, k.scalar(L + 1))[1]  # L = L + 1


@without("definitions", "define", CIRCLE)
def defined_by_each_other(k):  # at c, which is 2: g(c) := h(c) + 1 and h(c) := g(c)
    theory = k.letters().with_symbol("o", "scalar", "real").with_symbol("h", "scalar", "real")
    one, two = sp.Function("o"), sp.Function("h")
    theory, _ = k.define(theory, "1", c, k.scalar(2))
    theory, first = k.define(theory, "2", one(c), k.scalar(two(c) + 1))
    theory, second = k.define(theory, "3", two(c), k.scalar(one(c)))
    first = k.restate(theory, first, k.equal(one(2), two(2) + 1), k.Range())
    second = k.restate(theory, second, k.equal(two(2), one(2)), k.Range())
    return k.transfer(theory, k.equal(0, 1), first, [second], k.Range())


@without("definitions", "define", CIRCLE)
def defined_by_a_sequence_of_it(k):  # f_t := z_t, then z_t := f_t + 1
    theory, th = k.define_sequence(k.letters(), frozenset({"1"}), f(t), k.scalar(0), k.scalar(z(t)))
    theory, _ = k.define(theory, "2", z(t), k.scalar(f(t) + 1))
    return k.transfer(theory, k.equal(0, 1), th, [], k.Range())


@without("definitions", "define", "meaning.has(EE, EV, M)")
def name_for_a_mean(k):  # L is E|x_0|^2 under q; that it is more than 2 says nothing of r
    moment = lambda process: k.mean(process, [], k.Dot(x(0), x(0))) - 2
    theory, _ = k.define(k.chain(0)[0], "2", L, k.scalar(moment(q)))
    theory = theory.with_hypothesis("H", L, True, 1)
    th = k.calc(theory, k.scalar(sp.sqrt(moment(q) ** 2)), k.scalar(moment(q)), [], k.Range())
    return k.instance(theory.with_process("r", "forward", "q"), th, "r"), {moment(r) + 2: 1}


@without("definitions", "define", "theory.kind(head) in ('sequence', 'matrix', 'column')")
def sequence_without_a_recursion(k):  # a sequence has its domain at 0; H: z_t > 0 from t = 1
    theory = (
        k.letters().with_symbol("y_t", "sequence", "positive").with_hypothesis("H", z(t), True, 1)
    )
    y = sp.Function("y_t")
    th = k.calc(theory, k.scalar(sp.sqrt(y(0) ** 2)), k.scalar(y(0)), [], k.Range())
    theory, _ = k.define(theory, "1", y(t), k.scalar(z(t)), 0)
    return k.restate(theory, th, k.equal(sp.sqrt(z(0) ** 2), z(0)), k.Range()), {z(0): -1}


MOVES = "index_letters(value.expr.xreplace(inside)) - {*head.args}"


PLAIN = "not all((a.is_integer or a.is_Symbol or is_state(a) for a in head.args))"


@without(
    "definitions",
    "define",
    MOVES,
    "False",
    ("WrongRule", "define"),
    also=(Condition("definitions", "define", PLAIN, "False"),),
)
def function_that_moves_with_t(k):  # of z_t, which may be c at every t
    theory, y = k.letters().with_symbol("y", "scalar", "real"), sp.Function("y")
    theory, th = k.define(theory, "1", y(z(t)), k.scalar(t))
    first, last = (k.at(theory, th, n) for n in (sp.S.One, T))
    gap = k.equal(y(z(T)) - y(z(1)), T - 1)
    th = k.transfer(theory, gap, last, [first], k.Range())
    theory, _ = k.define(theory, "2", z(t), k.scalar(c))
    return k.restate(theory, th, k.equal(0, T - 1), k.Range())


@without("definitions", "define", PLAIN)
def function_of_a_square(k):  # y(τ^2) := τ, and τ = 1 and -1 have one square
    theory = k.letters().with_symbol("y", "scalar", "real")
    th = k.define(theory, "1", sp.Function("y")(tau**2), k.scalar(tau))[1]
    return th, "the square of 1 and of -1 is 1"


@without("definitions", "define", MOVES)
def letter_that_moves(k):  # L := a_t for every t, so a_t = a_1
    theory, th = k.define(k.letters(), "1", L, k.scalar(a(t)))
    return k.restate(theory, k.at(theory, th, 1), k.equal(a(t), a(1)), k.Range())


@without(
    "definitions",
    "define",
    "not theory.random(head) and (not states_of(meaning) <= states_of(head) or hides(theory, meaning))",
)
def random_vector_said_to_be_fixed(k):  # E x_0 = x_0
    theory, _ = k.chain(0)
    th = k.calc(theory, k.vector(k.mean_vector(q, [], h)), k.vector(h), [], k.Range())
    theory, _ = k.define(theory, "1", h, k.vector(x(0)))
    return k.restate(theory, th, k.vectors(k.mean_vector(q, [], x(0)), x(0)), k.Range())


FRESH = "'fresh' in map(theory.kind, (head, *meaning.atoms(AppliedUndef, sp.Symbol)))"


@without("definitions", "define", FRESH)
def random_letter_said_to_be_a_fresh_one(k):  # which is drawn again in every statement
    theory = k.letters().with_symbol("→z", "random", "real")
    theory, _ = k.define(theory, "1", sp.Symbol("→z"), k.vector(xi))
    gap = sp.Symbol("→z") - xi
    return k.combination(theory, None, frozenset(), gap, k.Range()), k.law(None, gap, [], 0, 2)


@without("definitions", "define", FRESH)
def meaning_of_a_fresh_letter(k):  # the fixed vector 3 h has variance 1
    theory = k.letters()
    th = k.combination(theory, None, frozenset(), xi, k.Range())
    theory, _ = k.define(theory, "1", xi, k.vector(3 * h))
    return k.restate(theory, th, k.law(None, 3 * h, [], 0, 1), k.Range()), k.law(
        None, 3 * h, [], 3 * h, 0
    )


STEP = "name in theory.names(first.expr, rest)"


@without("definitions", "define_sequence", STEP)
def sequence_by_itself(k):  # f_t = f_t + 1
    return k.define_sequence(k.letters(), frozenset("12"), f(t), k.scalar(0), k.scalar(f(t) + 1))[1]


@without("definitions", "define_sequence", "one.has(t_)")
def start_that_moves(k):  # f_0 := t for every t, so t = T
    theory, _ = k.define_sequence(
        k.letters(), frozenset("12"), f(t), k.scalar(t), k.scalar(f(t - 1))
    )
    th = k.calc(theory, k.scalar(f(0)), k.scalar(t), [], k.Range())
    return k.restate(theory, k.at(theory, th, T), k.equal(t, T), k.Range())


@without("definitions", "define_sequence", STEP)
def sequence_by_what_it_defines(k):  # z_t := f_t + 1 from t = 2, then f_t := z_t
    theory, _ = k.define(k.letters(), "1", z(t), k.scalar(f(t) + 1), 2)
    theory, th = k.define_sequence(theory, frozenset({"2"}), f(t), k.scalar(0), k.scalar(z(t)))
    return k.transfer(theory, k.equal(0, 1), th, [], k.Range(2))


@without("definitions", "define_sequence", STEP)
def start_by_itself(k):  # f_0 := f_T + 1, and f_t = f_{t-1}: all are f_0, so f_T = f_T + 1
    theory, th = k.define_sequence(
        k.letters(), frozenset("12"), f(t), k.scalar(f(T) + 1), k.scalar(f(t - 1))
    )
    claim = k.equal(f(t), f(0))
    earlier, token = k.suppose(theory, claim, 0)
    base = k.calc(theory, k.scalar(f(0)), k.scalar(f(0)), [], k.Range())
    th = k.induct(theory, token, base, k.transfer(theory, claim, earlier, [th], k.Range()))
    return k.restate(theory, k.at(theory, th, T), k.equal(f(T), f(T) + 1), k.Range())


@without("definitions", "define_sequence", "states_of(both)")
def sequence_of_a_state(k):  # f_1 is |x_0|^2, and its mean would be itself
    theory, _ = k.define_sequence(
        k.chain(0)[0], frozenset("12"), f(t), k.scalar(0), k.scalar(k.Dot(x(0), x(0)))
    )
    th = k.calc(theory, k.scalar(k.mean(q, [], f(t))), k.scalar(f(t)), [], k.Range())
    return k.restate(
        theory, k.at(theory, th, 1), k.equal(k.mean(q, [], f(1)), k.Dot(x(0), x(0))), k.Range()
    )


@without("definitions", "define_sequence", "both.has(EE, EV, M)")
def sequence_of_means(
    k,
):  # f is E|x_0|^2 under q, and so it would be d under r, and d + |h|^2 under p
    theory, _ = k.chain(0)
    moment = k.scalar(k.mean(q, [], k.Dot(x(0), x(0))))
    theory, th = k.define_sequence(theory, frozenset("12"), f(t), k.scalar(0), moment)
    theory = theory.with_process("r", "forward", "q").with_process("p", "forward", "q")
    theory, one = k.declare(theory, "2", k.law(r, x(0), [], 0, 1), 1)
    theory, two = k.declare(theory, "3", k.law(p, x(0), [], h, 1), 1)
    first = k.calc(
        theory, k.scalar(f(t)), k.scalar(d), [k.instance(theory, th, "r"), one], k.Range()
    )
    second = k.instance(theory, th, "p")
    return k.transfer(theory, k.equal(d + k.Dot(h, h), d), first, [second, two], k.Range())


@without("definitions", "define_sequence", "hides(theory, both)")
def sequence_of_a_random_letter(k):  # f_1 is |w_1|^2, and its mean would be itself; w_t may be x_t
    theory, _ = k.define_sequence(
        k.chain(0)[0], frozenset("12"), f(t), k.scalar(0), k.scalar(k.Dot(w(t), w(t)))
    )
    return k.at(
        theory, k.calc(theory, k.scalar(k.mean(q, [], f(t))), k.scalar(f(t)), [], k.Range()), 1
    )


@without("definitions", "define_sequence", "{first.kind, step.kind} != {'scalar'}")
def sequence_of_vectors(k):  # the number f_t is the vector h
    return k.define_sequence(k.letters(), frozenset("12"), f(t), k.scalar(0), k.vector(h))[1]


@without("definitions", "define_sequence", "index_letters(both) - {t_}")
def sequence_with_another_index(k):  # f_1 = i for every i
    theory, _ = k.define_sequence(
        k.letters(), frozenset("12"), f(t), k.scalar(0), k.scalar(f(t - 1) + i)
    )
    return k.calc(theory, k.scalar(f(1)), k.scalar(i), [], k.Range())


@without(
    "definitions",
    "define_sequence",
    "used |= in_domain(theory, 'define', value, domain, Range())",
    refused=("WrongRule", "define"),
)
def sequence_outside_of_its_domain(
    k,
):  # said to be positive, and then f_t = f_{t-1}, f_0 = -1: 1 = -1
    theory, there = k.letters().with_symbol("y_t", "sequence", "positive"), sp.Function("y_t")
    theory, _ = k.define_sequence(
        theory, frozenset("12"), there(t), k.scalar(-1), k.scalar(there(t - 1))
    )
    th = k.calc(theory, k.scalar(sp.sqrt(there(t) ** 2)), k.scalar(there(t)), [], k.Range())
    return k.restate(theory, k.at(theory, th, 1), k.equal(1, -1), k.Range())


@without("definitions", "define_sequence", "used & set(theory.hypotheses)")
def sequence_whose_domain_is_supposed(k):  # y_t = L, and L is not negative by hypothesis
    theory = k.letters().with_symbol("y_t", "sequence", "nonnegative")
    theory, there = theory.with_hypothesis("H", L, False, 1), sp.Function("y_t")
    theory, _ = k.define_sequence(
        theory, frozenset("12"), there(t), k.scalar(L), k.scalar(there(t - 1))
    )
    th = k.calc(theory, k.scalar(sp.sqrt(there(t) ** 2)), k.scalar(there(t)), [], k.Range())
    return th, "L = -1: it does not say that it needs H"


# --- Processes -----------------------------------------------------------------------------------


@without("definitions", "declare", "not is_state(law.of)")
def law_of_a_fixed_vector(k):  # m_t is fixed: variance 0
    theory = k.letters().with_process("q", "forward")
    return k.declare(theory, "1", k.law(q, m(t), [t - 1], 0, 1), 1)[1], k.law(
        q, m(t), [t - 1], m(t), 0
    )


@without("definitions", "declare", "wanted[0] != law.given")
def state_given_itself(k):  # x_t given x_t is fixed
    theory = k.letters().with_process("q", "forward")
    return k.declare(theory, "1", k.law(q, x(t), [t], 0, 1), 1)[1], k.law(q, x(t), [t], x(t), 0)


@without("definitions", "declare", "law.process != process.id")
def process_of_another_t(
    k,
):  # in the process for t, the law of x_{t-1} | x_0 follows: its mean is 7 h
    theory = k.letters().with_process("ζ", "step")
    theory, _ = k.declare(theory, "2", k.law(step(t), x(t - 1), [0, t], 7 * h, 1), 2)
    theory, th = k.declare(theory, "1", k.law(step(t + 1), x(t), [0], 0, 1), 1)
    return k.at(theory, th, t - 1), k.law(step(t), x(t - 1), [0], 7 * h, 1)


@without("definitions", "declare", "lo < wanted[1]")
def step_into_the_given_state(k):  # at t = 1: x_0 given x_0
    theory = k.letters().with_process("p", "bridge")
    th = k.declare(theory, "1", k.law(p, x(t - 1), [0, t], 7 * h, 1), 1)[1]
    return th, k.law(p, x(t - 1), [0, t], x(0), 0)


@without("definitions", "declare", "key in theory.laws")
def second_law(k):  # E|x_t|^2 is d, and d + 25 |h|^2
    theory, one = k.chain(0)
    theory, two = k.declare(theory, "2", k.law(q, x(t), [t - 1], 5 * h, 1), 1)
    return k.clash(theory, one, two)


@without("definitions", "declare", "process.like and time != 0")
def second_step(k):  # r has the step of q, with mean 0, and one with mean 5 h
    theory, one = k.chain(0)
    theory, two = k.declare(
        theory.with_process("r", "forward", "q"), "2", k.law(r, x(t), [t - 1], 5 * h, 1), 1
    )
    return k.clash(theory, k.instance(theory, one, "r"), two)


@without(
    "definitions",
    "declare",
    "time == 0 and any(p.like == process.name for p in theory.processes.values())",
)
def start_of_a_process_that_lends_its_step(
    k,
):  # E|x_0|^2 under r is d, and by that of q, d + 25 |h|^2
    theory = k.chain(0)[0].with_process("r", "forward", "q")
    theory, two = k.declare(theory, "2", k.law(r, x(0), [], 0, 1), 1)
    theory, one = k.declare(theory, "3", k.law(q, x(0), [], 5 * h, 1), 1)
    return k.clash(theory, k.instance(theory, one, "r"), two)


@without("definitions", "declare", "e.has(EE, EV, M)")
def mean_of_its_own(k):  # the mean of x_t would be E x_t + h; it is E x_t
    E = k.mean_vector(q, [t - 1], x(t))
    return k.chain(E + h)[1], k.law(q, x(t), [t - 1], E, 1)


@without("definitions", "declare", "not covered(states_of(context.unfold(e)), law.given, rng)")
def mean_with_the_state_itself(k):  # E[x_t | x_{t-1}] = x_t
    theory, th = k.chain(x(t))
    return k.calc(
        theory, k.vector(k.mean_vector(q, [t - 1], x(t))), k.vector(x(t)), [th], k.Range()
    )


@without("definitions", "declare", "hides(theory, context.unfold(e))")
def mean_with_a_random_letter(k):  # E[x_t | x_{t-1}] = w, and then w is said to be x_t
    theory, th = k.chain(w(t))
    theory, _ = k.define(theory, "2", w(t), k.vector(x(t)))
    return k.calc(
        theory, k.vector(k.mean_vector(q, [t - 1], x(t))), k.vector(x(t)), [th], k.Range()
    )


@without("definitions", "declare", "not context.positive(law.variance, strict=False)")
@without("signs", "Signs._sign", "m % 2 == 0", "True", ("WrongRule", "declare"))
def negative_variance(k):  # E|x_t|^2 = d L, and L may be -1
    theory, th = k.chain(0, L)
    return k.calc(
        theory, k.scalar(k.mean(q, [t - 1], k.Dot(x(t), x(t)))), k.scalar(d * L), [th], k.Range()
    ), {L: -1}


@without("definitions", "innovation", "law.open")
def noise_of_a_supposed_law(k):  # the mean of x_t is 5 h, not 0
    theory, _ = k.chain(5 * h)
    th, _ = k.suppose(theory, k.law(q, x(t), [0], 0, 1), 0, down=True)
    theory, _ = k.innovation(theory, "2", th, e(t))
    th = k.combination(theory, q, k.states(0), e(t), k.Range())
    return k.restate(theory, th, k.law(q, x(t), [0], 0, 1), k.Range()), k.law(
        q, x(t), [0], 5 * h, 1
    )


@without("definitions", "innovation", "law.hi != T_")
@without("relations", "at", "th.hi - k", "th.hi", ("WrongRule", "innovation"))
def noise_of_a_law_that_ends_before_T(k):  # x_t | x_{t+1} ~ N(0, 5) for t < T; at T it is N(0, 1)
    theory, th, last = k.backward(0, 5)
    theory, _ = k.innovation(theory, "3", k.at(theory, th, t + 1), e(t))
    there = k.combination(theory, p, frozenset(), sp.sqrt(5) * e(T), k.Range())
    return k.clash(theory, k.restate(theory, there, k.law(p, x(T), [], 0, 5), k.Range()), last)


@without("definitions", "innovation", "law.strength != 'derived'")
def noise_of_a_law_that_is_not_proved(k):  # the mean of x_t is 5 h, not 0
    theory, there = k.chain(5 * h)
    th = k.numeric(theory, k.law(q, x(t), [t - 1], 0, 1), k.Range())
    theory, _ = k.innovation(theory, "2", th, e(t))
    th = k.combination(theory, q, k.states(t - 1), e(t), k.Range())
    return k.restate(theory, th, k.law(q, x(t), [t - 1], 0, 1), k.Range()), there.claim


@without("definitions", "innovation", "not is_state(q.of)")
def noise_of_no_state(k):  # w_t is the last noise for every t, so w_t + w_{t+1} has variance 4
    theory, th = k.chain(0)
    theory, _ = k.innovation(theory, "2", th, e(t))
    theory, _ = k.define(theory, "3", w(t), k.vector(e(T)))
    th = k.combination(theory, q, k.states(t - 1), e(T), k.Range())
    th = k.restate(theory, th, k.law(q, w(t), [t - 1], 0, 1), k.Range())
    theory, _ = k.innovation(theory, "4", th, n(t))
    th = k.combination(theory, q, k.states(0), n(t) + n(t + 1), k.Range(1, T - 1))
    return th, k.law(q, n(t) + n(t + 1), [0], 0, 4)


@without("definitions", "innovation", "head.args != (t_,)")
def one_noise_for_all_t(k):  # x_1 = x_t
    theory, th = k.chain(0)
    theory, th = k.innovation(theory, "2", th, o)
    return k.restate(theory, k.at(theory, th, 1), k.vectors(x(1), x(t)), k.Range())


@without("definitions", "innovation", "theory.kind(head) != 'noise'")
def noise_that_was_fixed(k):  # E[x_t | x_{t-1}] = x_t
    theory, th = k.chain(0)
    fixed = k.calc(theory, k.vector(k.mean_vector(q, [t - 1], m(t))), k.vector(m(t)), [], k.Range())
    theory, _ = k.innovation(theory, "2", th, m(t))
    return k.restate(theory, fixed, k.vectors(k.mean_vector(q, [t - 1], x(t)), x(t)), k.Range())


@without("definitions", "innovation", "index_letters(*parts(q)) - {t_}")
def one_noise_for_all_s(k):  # x_s = ε_t for every s < t: x_1 = x_2
    theory, process = k.letters().with_process("ζ", "jump"), sp.Function("ζ")(t, s)
    theory, th = k.declare(theory, "1", k.law(process, x(s), [0, t], 0, 1), 2)
    return k.innovation(theory, "2", th, e(t))[1]


@without("definitions", "innovation", "not context.positive(q.variance)")
def noise_of_no_variance(k):  # x_t = sqrt(σ) ε_t for every x_t, and σ may be 0
    theory, th = k.chain(0, sigma)
    return k.innovation(theory, "2", th, e(t))[1], {sigma: 0}


@without("gaussians", "markov", "not theory.process(q.process).markov")
def chain_that_is_none(k):  # x_0 -> x_t -> x_{t-1}: given both, x_0 depends on x_t alone
    theory, second, first = k.one_step(x(0), x(t))
    theory, start = k.declare(theory, "3", k.law(step(t), x(0), [], 0, 1), 1)
    th = k.condition(theory, start, k.mix(theory, first, second))
    return k.markov(theory, th, [k.span(t)]), k.law(
        step(t), x(0), [t - 1, t], x(t) / 2, sp.Rational(1, 2)
    )


@without("gaussians", "markov", "not is_state(q.of)")
def noise_of_a_step_backward(k):  # ε_t = x_{t-1} - x_t is fixed by both
    theory, th, _ = k.backward(x(t), 1)
    theory, _ = k.innovation(theory, "3", th, e(t))
    th = k.markov(theory, k.combination(theory, p, k.states(t), e(t), k.Range()), [k.span(t - 1)])
    return th, k.law(p, e(t), [t - 1, t], x(t - 1) - x(t), 0)


@without("gaussians", "markov", "not (after or ahead)")
@without(
    "gaussians",
    "markov",
    "all(rng.before(b, m) for _, b in extra)",
    "True",
    ("WrongRule", "markov"),
)
def state_on_the_other_side(k):  # given both neighbours, x_t has their average as its mean
    theory, th = k.chain(x(t - 1))
    truth = k.law(q, x(t), [t - 1, t + 1], (x(t - 1) + x(t + 1)) / 2, sp.Rational(1, 2))
    return k.markov(theory, th, [k.span(t + 1)]), truth


@without(
    "gaussians",
    "markov",
    "all(rng.before(m, a) for a, _ in extra)",
    "True",
    ("WrongRule", "markov"),
)
@without("gaussians", "markov", "rng.before(m, n)", "True", ("WrongRule", "markov"))
def state_on_the_other_side_backward(k):  # the same, in a chain that runs backward
    theory, th, _ = k.backward(x(t), 1)
    return k.markov(theory, k.at(theory, th, t + 1), [k.span(t - 1)]), k.law(
        p, x(t), [t - 1, t + 1], (x(t - 1) + x(t + 1)) / 2, sp.Rational(1, 2)
    )


@without("gaussians", "markov", "rng.before(n, m)", "True", ("WrongRule", "markov"))
def state_ahead_of_a_step_forward(k):
    return state_on_the_other_side(k)  # the same once more


# --- Ranges --------------------------------------------------------------------------------------


@without("relations", "at", "any(a.has(s_) for a in parts(th.claim))")
def moved_beyond_s(k):  # x_{t-1} | x_{t-2}, x_s with s < t: at s = t-1 it is fixed
    theory, th = k.chain(0)
    th = k.at(theory, k.markov(theory, th, [k.span(s)]), t - 1)
    return th, k.law(q, x(t - 1), [t - 2, s], x(t - 1), 0)


@without("relations", "at", "not (rng.before(sp.Integer(th.lo), n) and rng.before(n, th.hi))")
@without("terms", "Range.before", "bool(found >= 0)", "True", ("Undefined", ""))
def before_the_first_t(k):  # f_0 = 0, not 7
    theory, th = k.seven()
    return k.at(theory, th, 0), {f(0): 0}


@without("relations", "at", "th.lo - int(k)", "th.lo", ("Undefined", ""))
def range_that_stays(k):  # f_{t-1} = 7 from t = 1
    theory, th = k.seven()
    return k.restate(theory, k.at(theory, th, t - 1), k.equal(f(t - 1), 7), k.Range()), {f(0): 0}


@without("statements", "narrowed", "rng.lo < th.lo")
def longer_range(k):  # f_{t-1} = 7 from t = 1
    theory, th = k.seven_before()
    return k.restate(theory, th, th.claim, k.Range()), {f(0): 0}


@without("statements", "narrowed", "not rng.before(rng.hi, th.hi)")
def range_that_ends_later(k):  # x_t | x_{t+1} ~ N(0, 5) for t < T; at T it is N(0, 1)
    theory, th, last = k.backward(0, 5)
    th = k.at(theory, th, t + 1)
    theory, _ = k.innovation(theory, "3", k.restate(theory, th, th.claim, k.Range()), e(t))
    there = k.combination(theory, p, frozenset(), sp.sqrt(5) * e(T), k.Range())
    return k.clash(theory, k.restate(theory, there, k.law(p, x(T), [], 0, 5), k.Range()), last)


@without(
    "relations",
    "_rewritten.once",
    "not (context.rng.before(sp.Integer(th.lo), n) and context.rng.before(n, th.hi))",
    "False",
    ("NotProved", "calc"),
)
def applied_before_the_first_t(k):  # f_{t-1} = 7 from t = 1
    theory, th = k.seven()
    return k.calc(theory, k.scalar(f(t - 1)), k.scalar(7), [th], k.Range()), {f(0): 0}


@without("statements", "narrowed", "rng.lo < th.lo")
def same_on_both_sides_before_the_first_t(k):  # f_{t-1} + 1 = 8 from t = 1
    theory, th = k.seven_before()
    return k.transfer(theory, k.equal(f(t - 1) + 1, 8), th, [], k.Range()), {f(0): 0}


@without("statements", "narrowed", "not rng.before(rng.hi, th.hi)")
def same_on_both_sides_after_the_last_t(k):  # E[|x_t|^2 | x_{t+1}] = 5 d for t < T; at T it is d
    theory, th, _ = k.backward(0, 5)
    E = k.mean(p, [t + 1], k.Dot(x(t), x(t)))
    th = k.calc(theory, k.scalar(E), k.scalar(5 * d), [th], k.Range(1, T - 1))
    return k.transfer(theory, k.equal(E + 1, 5 * d + 1), th, [], k.Range())


@without("statements", "narrowed", "rng.lo < th.lo")
def bound_before_the_first_t(k):  # z_t > 0 from t = 2; at z_1 = -3 the bound is -16
    theory = k.positive_from_2()
    return k.substitute(theory, k.bound(theory, CUBIC, z(t), 2), u, k.scalar(1), k.Range()), {
        z(1): -3
    }


# --- Laws of two states --------------------------------------------------------------------------


@without("gaussians", "linked", "p.process != q.process")
def steps_of_two_processes(k):  # under q, x_t has variance 1
    theory, one = k.chain(0)
    theory, two = k.chain(x(t - 1), 1, theory, "p")
    th = k.mix(theory, k.at(theory, one, t - 1), k.markov(theory, two, [k.span(t - 2)]))
    return th, k.law(q, x(t), [t - 2], 0, 1)


@without("gaussians", "linked", "not (is_state(p.of) and is_state(q.of))")
def state_under_another_name(k):  # w_t is x_{t+1}, and x_{t+1} is said to be x_t
    theory, th = k.chain(x(t - 1))
    theory, _ = k.define(theory, "2", w(t), k.vector(x(t + 1)))
    two = k.mix(theory, th, k.markov(theory, k.at(theory, th, t + 1), [k.span(t - 1)]))
    two = k.markov(theory, two, [k.span(t - 2)])
    two = k.restate(theory, two, k.law(q, w(t), [t - 2, t - 1], x(t - 1), 2), two.range)
    th = k.condition(theory, k.at(theory, th, t - 1), two)
    return th, k.law(q, x(t - 1), [t - 2, t], (x(t - 2) + x(t)) / 2, sp.Rational(1, 2))


@without("gaussians", "linked", "frozenset(merge([*p.given, y])) != q.given")
def step_under_fewer_conditions(
    k,
):  # x_{t-1} given x_0 and x_t has the mean x_0; given x_t alone, x_t / 2
    theory, second, first = k.one_step(x(0), x(0))
    theory, start = k.declare(theory, "3", k.law(step(t), x(0), [], 0, 1), 1)
    alone = k.mix(theory, k.condition(theory, start, first), second)
    return k.mix(theory, first, alone), k.law(step(t), x(t - 1), [0], x(0), 1)


@without("gaussians", "linked", "not covered(states_of(e), p.given, rng)")
def mean_that_is_not_linear(k):  # x_t ~ N(|x_{t-1}|^2 h, 1) and x_{t-1} ~ N(0, 1): its mean is d h
    theory, th = k.chain(k.Dot(x(t - 1), x(t - 1)) * h)
    theory, start = k.declare(theory, "2", k.law(q, x(0), [], 0, 1), 1)
    return k.mix(theory, start, k.at(theory, th, 1)), k.law(q, x(1), [], d * h, 1)


@without("gaussians", "condition", "not context.positive(v)", also=(VALUES,))
def division_by_a_variance(k):  # at σ = 0 both variances are 0, and the mean has no value
    theory, th = k.chain(x(t - 1), sigma * a(t))
    th = k.condition(theory, k.at(theory, th, t - 1), k.markov(theory, th, [k.span(t - 2)]))
    return th, k.law(q, x(t - 1), [t - 2, t], x(t - 2), 0), {sigma: 0}


def noises(k, mean=0, variance=1):
    theory, th = k.chain(mean, variance)
    return k.innovation(theory, "2", th, e(t))[0]


@without("gaussians", "combination", "not covered(states_of(unfolded), given, rng)")
def state_taken_for_fixed(k):  # ε_t is x_t, so the sum has variance 4
    return k.combination(noises(k), q, k.states(t - 1), x(t) + e(t), k.Range()), k.law(
        q, x(t) + e(t), [t - 1], 0, 4
    )


@without("gaussians", "combination", "hides(theory, unfolded)")
def random_letter_taken_for_fixed(k):  # w_t will be x_t, which is ε_t
    theory = noises(k)
    th = k.combination(theory, q, k.states(t - 1), w(t) + e(t), k.Range())
    theory, _ = k.define(theory, "3", w(t), k.vector(x(t)))
    return k.restate(theory, th, k.law(q, 2 * x(t), [t - 1], x(t), 1), k.Range()), k.law(
        q, 2 * x(t), [t - 1], 0, 4
    )


def walk(k):
    """x_t | x_0 ~ N(x_0, t), and its noise n_t; the steps have variance 1."""
    theory, th = k.chain(x(t - 1))
    earlier, token = k.suppose(theory, k.law(q, x(t), [0], x(0), t), 1)
    made = k.mix(theory, earlier, k.markov(theory, th, [k.span(sp.S.Zero)]))
    th = k.induct(theory, token, k.at(theory, th, 1), made)
    return k.innovation(theory, "2", th, n(t))[0]


@without(
    "gaussians",
    "combination",
    "process is not None and (len(steps) > 1 or families) and not all(theory.noises[z].step for z in steps)",
)
@without(
    "definitions",
    "innovation",
    "q.given == process.parents()[t_][0]",
    "True",
    ("WrongRule", "combination"),
)
def noises_of_two_whole_ways(
    k,
):  # n_t and n_{t+1} share all steps but one: at t = 1 the variance is 2 + sqrt(2)
    th = k.combination(walk(k), q, k.states(0), n(t) + n(t + 1), k.Range(1, T - 1))
    return th, k.law(q, n(t) + n(t + 1), [0], 0, 2 + 2 * sp.sqrt(t / (t + 1)))


@without(
    "gaussians",
    "combination",
    "alike and (one == other or not (isinstance(one, sp.Tuple) and apart([one], [other], rng)))",
)
def one_noise_twice(k):  # at s = t - 1, ε_t + ε_{s+1} has variance 4
    th = k.combination(noises(k), q, k.states(0), e(t) + e(s + 1), k.Range())
    return th, k.law(q, e(t) + e(s + 1), [0], 0, 4)


@without(
    "gaussians",
    "combination",
    "len(steps) > 1 or families",
    "len(steps) > 1",
    ("WrongRule", "combination"),
)
def sum_of_noises_of_whole_ways(k):  # the sum of n_1, n_2, n_3 has the variance 7.2, not 3
    sum_ = sp.Sum(n(k_), (k_, 1, T))
    truth = 3 + 2 * (1 / sp.sqrt(2) + 1 / sp.sqrt(3) + 2 / sp.sqrt(6))
    return k.combination(walk(k), q, k.states(0), sum_, k.Range()), k.law(q, sum_, [0], 0, truth)


@without(
    "gaussians",
    "combination",
    "process is not None or named(z) == named(y)",
    "named(z) == named(y)",
    ("WrongRule", "combination"),
)
def two_names_of_one_noise(k):  # n_t is ε_t, and the sum has variance 4
    theory, th = k.chain(0)
    for number_, noise in (("2", e(t)), ("3", n(t))):
        theory, _ = k.innovation(theory, number_, th, noise)
    return k.combination(theory, q, k.states(t - 1), e(t) + n(t), k.Range()), k.law(
        q, e(t) + n(t), [t - 1], 0, 4
    )


@without("theory", "Noise.independent_of", "self.step", "True", ("WrongRule", "combination"))
def noise_of_a_whole_way(k):  # n_t | x_{t-1} is nearly fixed: variance 1 / t
    th = k.combination(walk(k), q, k.states(t - 1), n(t), k.Range())
    return th, k.law(q, n(t), [t - 1], (x(t - 1) - x(0)) / sp.sqrt(t), 1 / t)


@without(
    "theory", "Noise.independent_of", "covered(given, own, rng)", "True", ("NotProved", "restate")
)
@without(
    "theory",
    "Noise.independent_of",
    "covered(given, [span(sp.S.Zero, n - 1)], rng)",
    "True",
    ("NotProved", "restate"),
)
def noise_given_what_it_made(k):  # ε_t = x_t is fixed by x_t
    theory = noises(k)
    th = k.combination(theory, q, k.states(t), e(t), k.Range())
    return k.restate(theory, th, k.law(q, e(t), [t], 0, 1), k.Range()), k.law(q, e(t), [t], x(t), 0)


@without(
    "theory",
    "Noise.independent_of",
    "self.process.subs(t_, n) != process",
    "False",
    ("WrongRule", "combination"),
)
def noise_under_another_process(k):  # ε_t is x_t, which has the mean 5 h under p
    theory, _ = k.chain(5 * h, 1, noises(k), "p")
    return k.combination(theory, p, k.states(t - 1), e(t), k.Range()), k.law(
        p, e(t), [t - 1], 5 * h, 1
    )


@without(
    "theory",
    "Noise.independent_of",
    "self.process.subs(t_, n)",
    "self.process",
    ("WrongRule", "combination"),
)
def noise_of_another_t(k):  # in the process for t, x_{t-1} | x_0 has the mean 7 h
    theory, _, first = k.one_step(0, 7 * h)
    theory, _ = k.innovation(theory, "3", first, e(t))
    th = k.combination(theory, step(t), k.states(0), e(t - 1), k.Range(2))
    return th, k.law(step(t), e(t - 1), [0], 7 * h, 1)


@without("unfolding", "Noises.noises", "slope not in (1, -1)")
def sum_of_one_noise(k):  # 3 ε_t has variance 9
    sum_ = sp.Sum(e(t), (k_, 1, 3))
    return k.combination(noises(k), q, k.states(0), sum_, k.Range()), k.law(q, sum_, [0], 0, 9)


@without("unfolding", "Noises.noises", "not self.within(one).drawn(atom, process, given)")
def sum_of_fixed_vectors(k):  # m_1, m_2, m_3 are fixed: the variance is 0
    sum_ = sp.Sum(m(k_), (k_, 1, T))
    return k.combination(k.letters(), None, frozenset(), sum_, k.Range()), k.law(
        None, sum_, [], sum_, 0
    )


# --- Inductions ----------------------------------------------------------------------------------


@without("relations", "induct", "any(a.has(s_) for a in parts(token.claim))")
def induction_that_moves_s(
    k,
):  # f_{s+1}... the step needs s >= 1, the base holds for s = 0: at t = 2, 0 = 7
    theory, th = k.seven()
    claim = k.equal((t - 1) * f(s), 7 * (t - 1))
    token = k.Token(claim, 1, False)
    base = k.calc(theory, k.scalar(0), k.scalar(0), [], k.Range())
    made = k.calc(theory, claim.left, claim.right, [th], k.Range(2))
    return k.induct(theory, token, base, made), {s: 0, t: 2, f(0): 0}


@without("relations", "induct", "token.down != down")
def step_in_the_other_direction(
    k,
):  # the hypothesis at t - 1 is the step downwards: a_t = a_T for all t
    theory, claim = k.letters(), k.equal(a(t), a(T))
    earlier, token = k.suppose(theory, claim, 1)
    return k.induct(
        theory,
        token,
        k.calc(theory, k.scalar(a(T)), k.scalar(a(T)), [], k.Range()),
        earlier,
        down=True,
    )


def base_on(k, rng):
    """f_{T-1} = 7 holds when T > 1; at T = 1, it is f_0 = 0."""
    theory, th = k.seven()
    claim = k.equal(a(t) * f(T - 1), 7 * a(t))
    _, token = k.suppose(theory, claim, 1)
    base = k.calc(theory, k.scalar(a(1) * f(T - 1)), k.scalar(7 * a(1)), [th], rng)
    return k.induct(
        theory, token, base, k.calc(theory, claim.left, claim.right, [th], k.Range(2))
    ), {T: 1, f(0): 0}


@without("relations", "induct", "base.lo > max(token.start, 1)")
def base_that_starts_late(k):
    return base_on(k, k.Range(2))


@without("relations", "induct", "base.hi != T_")
def base_that_ends_early(k):
    return base_on(k, k.Range(1, T - 1))


@without("kernel", "_asked", GIVEN)
def claim_that_changes(k):  # proved for a_t = a_t, said of a_t = 1
    theory, said = k.letters(), iter([k.equal(a(t), a(t))] * 2 + [k.equal(a(t), 1)] * 9)

    class Changing:
        start, down, claim = 1, False, property(lambda self: next(said))

    same = lambda n: k.calc(theory, k.scalar(a(n)), k.scalar(a(n)), [], k.Range())
    return k.induct(theory, Changing(), same(1), same(t))


@without("relations", "induct", "base.open")
def base_that_rests_on_the_claim(k):  # L = 0
    theory, claim = k.letters(), k.equal(L + a(t), a(t))
    earlier, token = k.suppose(theory, claim, 0)
    base = k.transfer(theory, k.equal(L + a(0), a(0)), earlier, [], k.Range())
    return k.induct(theory, token, base, k.transfer(theory, claim, earlier, [], k.Range()))


@without("relations", "induct", "step.open - {token}")
def induction_inside_another_one(k):
    """y_t = (T - t)(T - 2) L is 0 at T. Downwards, let it be 0 at t. By an induction over t inside, the sum
    f_t of y_2, ..., y_t would be 0 too, so y_{t-1}, a multiple of that. At T = 3, t = 1, y is 2 L."""
    y, most = (T - t) * (T - 2) * L, (t - 1) * T - t * (t + 1) / 2 + 1  # f_t = (T - 2) L times that
    first, more = k.scalar(-y.subs(t, 1)), k.scalar(f(t - 1) + y)
    theory = k.letters().with_hypothesis("H", 2 * T - t - 2, True, 2)
    theory = theory.with_hypothesis("H2", t - 1, True, 2)
    theory, th = k.define_sequence(theory, frozenset("12"), f(t), first, more)
    earlier, token = k.suppose(theory, k.equal(f(t), (T - 2) * L * most), 0)
    made = k.transfer(theory, token.claim, earlier, [th], k.Range())
    base = k.calc(theory, k.scalar(f(0)), k.scalar((1 - T) * (T - 2) * L), [], k.Range())
    total = k.induct(theory, token, base, made)
    part = k.scalar(f(t) * (T - t + 1) / most)
    last = k.calc(theory, k.scalar(y.subs(t, t - 1)), part, [total], k.Range(2))
    later, outer = k.suppose(theory, k.equal(y, 0), 1, down=True)
    earlier, inner = k.suppose(theory, k.equal(f(t), 0), 1)
    base = k.calc(theory, k.scalar(f(1)), k.scalar(0), [], k.Range())
    inside = k.induct(
        theory, inner, base, k.transfer(theory, inner.claim, later, [th, earlier], k.Range(2))
    )
    made = k.transfer(theory, k.equal(y.subs(t, t - 1), 0), last, [inside], k.Range(2))
    base = k.calc(theory, k.scalar(0), k.scalar(0), [], k.Range())
    return k.induct(theory, outer, base, made, down=True), {t: 1}


@without("relations", "at", "th.open")
def hypothesis_at_the_first_t(k):
    """E|x_t|^2 = (T - t)(T - 1) c d is 0 at T. Downwards, let it be 0 at t; at t = 1 that would make all of them
    0. At T = 3, t = 1, it is 4 c d."""
    theory = k.letters().with_hypothesis("H", T - 1, True, 1).with_process("p", "backward")
    theory, start = k.declare(theory, "1", k.law(p, x(T), [], 0, 0), 1)
    theory, th = k.declare(theory, "2", k.law(p, x(t - 1), [t], x(t), (T - 1) * c), 1)
    later, token = k.suppose(theory, k.law(p, x(t), [], 0, (T - t) * (T - 1) * c), 0, down=True)
    law = k.induct(theory, token, start, k.mix(theory, later, th), down=True)
    E = lambda n: k.mean(p, [], k.Dot(x(n), x(n)))
    last = k.calc(
        theory, k.scalar(E(t - 1)), k.scalar((T - t + 1) / (T - 1) * E(1)), [law], k.Range()
    )
    later, token = k.suppose(theory, k.equal(E(t), 0), 0, down=True)
    made = k.transfer(theory, k.equal(E(t - 1), 0), last, [k.at(theory, later, 1)], k.Range())
    return k.induct(
        theory,
        token,
        k.calc(theory, k.scalar(E(T)), k.scalar(0), [start], k.Range()),
        made,
        down=True,
    )


@without("relations", "induct", "step.lo > rest.lo")
def step_that_starts_late(
    k,
):  # f_{t-1} = 7 from t = 2 is the step; at t = 1 there is none, and f_0 = 0
    theory, th = k.seven_before()
    claim = k.equal(t * f(t - 1), 7 * t)
    _, token = k.suppose(theory, claim, 0)
    base = k.calc(theory, k.scalar(0), k.scalar(0), [], k.Range())
    made = k.calc(theory, claim.left, claim.right, [th], k.Range(2))
    return k.induct(theory, token, base, made), {f(0): 0, t: 1}


@without("relations", "induct", "step.hi != rest.hi")
def step_that_ends_early(k):  # E[|x_t|^2 | x_{t+1}] = 5 d for t < T; at T it is d
    theory, th, _ = k.backward(0, 5)
    claim = k.equal(t * k.mean(p, [t + 1], k.Dot(x(t), x(t))), 5 * t * d)
    _, token = k.suppose(theory, claim, 0)
    base = k.calc(theory, k.scalar(0), k.scalar(0), [], k.Range())
    made = k.calc(theory, claim.left, claim.right, [th], k.Range(1, T - 1))
    return k.induct(theory, token, base, made)


@without(
    "relations",
    "induct",
    "used = same_statement('induct: the base', theory, base.claim, first, Range())",
    "used = set()",
    ("NotProved", "induct: the base"),
)
def base_of_another_claim(k):  # L = 0
    theory, claim = k.letters(), k.equal(L + a(t), a(t))
    earlier, token = k.suppose(theory, claim, 1)
    base = k.calc(theory, k.scalar(a(1)), k.scalar(a(1)), [], k.Range())
    return k.induct(theory, token, base, k.transfer(theory, claim, earlier, [], k.Range(2)))


@without(
    "relations",
    "induct",
    "used |= same_statement('induct: the step', theory, step.claim, then, rest)",
    "pass",
    ("NotProved", "induct: the step"),
)
def step_of_another_claim(k):  # t L = 0, which holds at t = 0
    theory, claim = k.letters(), k.equal(t * L, 0)
    _, token = k.suppose(theory, claim, 0)
    base = k.calc(theory, k.scalar(0), k.scalar(0), [], k.Range())
    return k.induct(theory, token, base, base)


@without("relations", "_rewritten", "th.open", "False", ("NotProved", "calc"))
def hypothesis_at_another_time(k):
    """f_t = (T - t) L is the sum of f_(T-k) / k over k = 1..T-t. The hypothesis, that f is 0 at t - 1, would
    make all of them vanish: f_t = 0, which is (T - 1) L at t = 1."""
    theory, th = k.define_sequence(
        k.letters(), frozenset("12"), f(t), k.scalar(0), k.scalar((T - t) * L)
    )
    count = lambda first: k.equal((T - first) * L, sp.Sum(L, (k_, 1, T - first)))  # so many terms
    later, token = k.suppose(theory, count(t), 1, down=True)
    base = k.calc(theory, k.scalar(0), k.scalar(sp.Sum(L, (k_, 1, 0))), [], k.Range())
    made = k.transfer(theory, count(t - 1), later, [], k.Range(2))
    terms = k.equal((T - t) * L, sp.Sum(f(T - k_) / k_, (k_, 1, T - t)))
    terms = k.transfer(
        theory, terms, k.induct(theory, token, base, made, down=True), [th], k.Range()
    )
    claim = k.equal(f(t), 0)
    earlier, token = k.suppose(theory, claim, 0)
    step_ = k.transfer(theory, claim, terms, [earlier, th], k.Range())
    return k.induct(
        theory, token, k.calc(theory, k.scalar(f(0)), k.scalar(0), [], k.Range()), step_
    )


# --- Equations and bounds ------------------------------------------------------------------------


@without(
    "relations",
    "_rewritten.once",
    "isinstance(pattern, M) and not (isinstance(th.claim, Law) and context.positive(put(th.claim.variance, t_, n)))",
    "False",
    ("NotProved", "calc"),
    also=(VALUES,),
)
def density_of_no_variance(k):  # at σ = 0 there is no density
    theory, th = k.chain(0, sigma)
    gap = k.log(q, t - 1, t) - k.log(q, t - 1)
    return k.calc(theory, k.scalar(gap), k.scalar(k.log_normal(x(t), 0, sigma)), [th], k.Range()), {
        sigma: 0
    }


@without("relations", "_patterns", "is_state(claim.of)", "True", ("NotProved", "calc"))
def density_of_a_noise(k):  # ε_t = x_t / 2, whose density differs from that of x_t: d log 2 = 0
    theory = noises(k, 0, 4)
    th = k.combination(theory, q, k.states(t - 1), e(t), k.Range())
    gap = k.log(q, t - 1, t) - k.log(q, t - 1)
    wrong = k.calc(theory, k.scalar(gap), k.scalar(k.log_normal(e(t), 0, 1)), [th], k.Range())
    right = k.combination(theory, q, k.states(t - 1), 2 * e(t), k.Range())
    right = k.restate(theory, right, k.law(q, x(t), [t - 1], 0, 4), k.Range())
    return k.transfer(
        theory,
        k.equal(k.log_normal(x(t), 0, 4), k.log_normal(e(t), 0, 1)),
        wrong,
        [right],
        k.Range(),
    )


@without("relations", "_vanishing", "raise NotProved('calc', goal)", "return needed, context.used")
def sides_that_differ(k):  # a_t = 1
    return k.calc(k.letters(), k.scalar(a(t)), k.scalar(1), [], k.Range())


@without("relations", "calc", "left.kind != right.kind")
def number_and_matrix(k):  # 1 = I
    return k.calc(k.letters(), k.scalar(1), k.Term(sp.S.One, "isotropic"), [], k.Range())


@without("relations", "transfer", "type(claim) is not type(known.claim)")
def difference_of_a_bound(k):  # log u = u - 1; at u = 2 it is 0.69 and 1
    theory, th = k.tangent()
    return k.transfer(theory, k.equal(sp.log(u), u - 1), th, [], k.Range())


@without("relations", "transfer", "claim.left.kind != claim.right.kind")
def difference_of_two_kinds(k):  # 1 = I
    theory = k.letters()
    th = k.calc(theory, k.scalar(1), k.scalar(1), [], k.Range())
    return k.transfer(
        theory, k.Equal(k.scalar(1), k.Term(sp.S.One, "isotropic")), th, [], k.Range()
    )


@without(
    "statements",
    "difference",
    "not (isinstance(claim.left, Term) and isinstance(claim.right, Term))",
)
def difference_of_matrices(k):  # A B = B A
    theory = k.letters()
    th = k.calc(theory, k.matrix(A), k.matrix(A), [], k.Range())
    return k.transfer(theory, k.Equal(k.matrix(A * B), k.matrix(B * A)), th, [], k.Range())


@without(
    "relations",
    "convex",
    "not (context.zero(put(gap, u, lowest)) and context.zero(put(slope, u, lowest)))",
)
def gap_that_does_not_touch(k):  # log u <= u - 2; at u = 1 it is 0 and -1
    return k.convex(k.letters(), u, k.scalar(sp.log(u)), k.scalar(u - 2), sp.S.One), {u: 1}


@without("relations", "convex", "not (lowest.is_positive and context.positive(sp.diff(slope, u)))")
def gap_that_is_concave(k):  # 0 <= -(u - 1)^2
    return k.convex(k.letters(), u, k.scalar(0), k.scalar(-((u - 1) ** 2)), sp.S.One)


@without("relations", "convex", "not all(map(context.positive, roots))")
def gap_with_a_kink(k):  # log u <= 2 - |u - 3|; at u = 5 it is 1.61 and 0
    right = 2 - sp.sqrt((u - 3) ** 2)
    return k.convex(k.letters(), u, k.scalar(sp.log(u)), k.scalar(right), sp.S.One), {u: 5}


@without("relations", "convex", "lowest.is_positive", "True", ("WrongRule", "convex"))
def gap_that_touches_at_a_negative_number(k):  # 0 <= 1/u^2 - 2 u - 3, which is -4 at u = 1
    return k.convex(k.letters(), u, k.scalar(0), k.scalar(u**-2 - 2 * u - 3), sp.S.NegativeOne), {
        u: 1
    }


@without(
    "relations",
    "substitute",
    "any(a.has(EE, EV, M, Dot) or any(map(is_vector, a.atoms(AppliedUndef, sp.Symbol))) for a in parts(th.claim))",
)
def random_number_for_a_letter(
    k,
):  # c E|x|^2 <= E exp(c |x|^2) - 1, with |x|^2 + 1 for c also under the mean
    theory, _ = k.chain(0)
    X2, bound = (
        k.Dot(x(0), x(0)),
        k.convex(theory, u, k.scalar(sp.log(u)), k.scalar(u - 1), sp.S.One),
    )
    th = k.monotone(
        theory, k.substitute(theory, bound, u, k.scalar(k.Exp(c * X2)), k.Range()), q, frozenset()
    )
    return k.substitute(theory, th, c, k.scalar(X2 + 1), k.Range()), {x(0): 100}


@without("relations", "substitute", "u.is_integer", also=(VALUES,))
def number_of_steps_for_a_letter(
    k,
):  # 1 - a_t ... a_T > 0; with T = 1 in the bound, at t = 3 that is 1 - 1 / a_2
    theory = k.letters().with_symbol("T", "scalar", "natural")
    th = k.bound(theory, CUBIC, 1 - sp.Product(a(k_), (k_, t, T)))
    return k.substitute(theory, th, T, k.scalar(1), k.Range()), {a(2): sp.Rational(1, 5)}


@without(
    "relations",
    "substitute",
    "used |= in_domain(theory, 'substitute', value, theory.domain(u), rng)",
    "pass",
    ("WrongRule", "substitute"),
)
def negative_number_for_a_positive_letter(k):
    return k.bound(k.letters(), CUBIC, -3)  # 0 <= -16


@without("relations", "importance", "not apart(S, C, rng)")
@without("terms", "apart", "rng.before(b, c, 1)", "rng.before(b, c)", ("WrongRule", "importance"))
@without("terms", "apart", "rng.before(d, a, 1)", "rng.before(d, a)", ("WrongRule", "importance"))
def drawn_and_given(k):  # q(x_0) cancels, although x_0 is given: p(x_0) / q(x_0) = 1 / q(x_0)
    theory = k.chain(0, 1, k.chain(0)[0], "p")[0]
    return k.importance(theory, q, k.states(0), k.states(0), p, frozenset(), k.Range())


@without("relations", "importance", "not covered(R, C, rng)")
def neither_drawn_nor_given(k):  # the left side is a mean over x_t, the right side holds x_t
    theory = k.chain(0, 1, k.chain(0)[0], "p")[0]
    return k.importance(theory, q, k.states(T), k.states(0), p, k.states(t), k.Range())


@without(
    "relations",
    "importance",
    "not all(rng.before(sp.S.Zero, a) and rng.before(a, b) and rng.before(b, T_) for a, b in [*S, *C, *R])",
)
def state_after_the_last(k):
    theory = k.chain(0, 1, k.chain(0)[0], "p")[0]
    return k.importance(
        theory, q, k.states(T + 1), frozenset(), p, frozenset(), k.Range()
    ), "q has no state x_{T+1}"


@without("relations", "importance", "{x.shape for x in processes} & {'step', 'jump', 'pair'}")
def state_of_no_step(k):
    theory = k.chain(0, 1, k.one_step(0, 0)[0])[0]
    return k.importance(
        theory, step(t), k.states(T), frozenset(), q, frozenset(), k.Range()
    ), "s has no state x_T"


# --- Matrices ------------------------------------------------------------------------------------


@without("relations", "calc", "not Words(context).zero(left, right)")
def two_matrices(k):
    return k.calc(k.letters(), k.matrix(A), k.matrix(B), [], k.Range())  # A = B


@without("matrices", "Words.zero", "a.is_number", "True", ("NotProved", "calc"))
def a_matrix_and_its_transpose(k):  # A B is its own transpose
    return k.calc(k.letters(), k.matrix(A * B), k.matrix(turned(k, A * B)), [], k.Range())


def turned(k, e):
    return k.Words(k.Context(k.letters(), k.Range())).turn(e)


def columns(k, *laws, theory=None):
    theory, found = (theory or k.letters()).with_process(pair, "pair"), []
    for law in laws:
        theory, th = k.declare_matrix(theory, str(len(found)), k.column_law(*law))
        found.append(th)
    return theory, *found


@without("definitions", "declare_matrix", "law.given != frozenset(before)")
def two_laws_that_do_not_fit(
    k,
):  # X given Y does not depend on Y, so Y given X does not depend on X
    return columns(k, (X, [Y], B0, S), (Y, [X], X, S))[2], k.column_law(Y, [X], B0, S)


@without("definitions", "declare_matrix", "law.of in before")
def column_given_itself(k):
    return columns(k, (X, [], B0, S), (X, [X], B0, S))[2], k.column_law(X, [X], X, 0 * S)


@without("definitions", "declare_matrix", "law.of in letters(law.mean)")
def mean_with_the_column_itself(k):
    return columns(k, (X, [], X, S))[1], k.column_law(X, [], B0, S)  # no mean


@without("definitions", "declare_matrix", "not words.positive(law.covariance.expr)")
@without(
    "matrices",
    "Words.positive",
    "self.context.positive(sp.Mul(*numbers))",
    "True",
    ("WrongRule", "declare"),
)
def negative_covariance(k):
    return columns(k, (X, [], B0, -S))[1], k.column_law(X, [], B0, S)


@without(
    "matrices",
    "Words.positive",
    "self.turn(sp.Mul(*word)) != sp.Mul(*word)",
    "False",
    ("WrongRule", "declare"),
)
def covariance_of_two_factors(k):
    return columns(k, (X, [], B0, A * S * B))[1], k.column_law(X, [], B0, S)


@without("definitions", "declare_matrix", "letters(law.covariance) & {law.of, *law.given}")
def random_covariance(k):  # the covariance of Y holds X, which is not given
    theory, one, two = columns(k, (X, [], B0, S), (Y, [X], B0, X * number * turned(k, X)))
    return k.mix_matrix(theory, one, two), k.column_law(
        Y, [], B0, B0 * number * turned(k, B0) + number * S
    )


@without(
    "definitions",
    "declare_matrix",
    "not all(isinstance(x, MatrixLaw) and law.of not in letters(x.mean) | letters(x.covariance) for x in first)",
)
def mean_with_the_second_column(k):  # the mean of Y is A Y
    theory, one, two = columns(k, (X, [], Y, S), (Y, [X], A * X, S2))
    return k.mix_matrix(theory, one, two), k.column_law(Y, [], 0 * B0, S2)


@without(
    "definitions",
    "declare_matrix",
    "index_letters(law.mean.expr, law.covariance.expr) - index_letters(law.of)",
)
def column_that_moves(k):
    law = k.column_law(X, [], a(t) * B0, S)
    return k.declare_matrix(k.letters().with_process(pair, "pair"), "1", law)[1], "X has no time"


@without(
    "definitions",
    "declare_matrix",
    "index_letters(law.mean.expr, law.covariance.expr) - index_letters(law.of)",
)
def column_given_one_that_moves(k):  # Y shows no t, and its mean is A a_t b for every t
    theory = k.letters().with_symbol("C_t", "column", "real", ("n", "1"))
    C = sp.Symbol("C_t", commutative=False)
    _, one, two = columns(k, (C, [], a(t) * B0, S), (Y, [C], A * C, S2), theory=theory)
    return k.mix_matrix(two.theory, one, two), "Y has no time"


@without(
    "kernel",
    "_all_declared",
    "a != plain and getattr(a, 'func', None) != sp.Function(named(a))",
)
def column_and_its_double(k):  # X ~ N(b, S), and, given it, "X" ~ N(B X, S2)
    _, one, two = columns(k, (X, [], B0, S), (sp.Symbol("X"), [X], B * X, S2))
    return k.mix_matrix(two.theory, one, two), "X has a law already"


@without("relations", "at", "isinstance(th.claim, MatrixLaw)")
def column_at_another_time(k):  # C_t ~ N(a_t b, S) for every t
    theory = k.letters().with_symbol("C_t", "column", "real", ("n", "1"))
    C = sp.Symbol("C_t", commutative=False)
    law = k.column_law(C, [], a(t) * B0, S)
    theory, th = k.declare_matrix(theory.with_process(pair, "pair"), "1", law)
    return k.at(theory, th, 1), k.column_law(C, [], a(t) * B0, S)


@without("gaussians", "mix_matrix", "p.process != q.process")
def columns_of_two_processes(k):  # in the first process, Y is B X
    theory, one, _ = columns(k, (X, [], B0, S), (Y, [X], B * X, S2))
    theory, _ = k.declare_matrix(
        theory.with_process(other, "pair"), "3", k.column_law(X, [], B0, S, other)
    )
    theory, two = k.declare_matrix(theory, "4", k.column_law(Y, [X], A * X, S2, other))
    return k.mix_matrix(theory, one, two), k.column_law(Y, [], B * B0, S2 + B * S * turned(k, B))


@without("gaussians", "mix_matrix", "q.given != {p.of}")
def mix_over_another_column(k):  # the mean of Y would hold X
    theory, one, two = columns(k, (X, [], B0, S), (Y, [X], A * X, S2))
    return k.mix_matrix(theory, k.mix_matrix(theory, one, two), two), k.column_law(
        Y, [], A * B0, S2
    )


@without("gaussians", "mix_matrix", "(A + b).has(p.of, turned(p.of))")
def mean_that_is_a_square(k):  # the mean of (X^T B0) X holds S
    theory, one, two = columns(k, (X, [], B0, S), (Y, [X], turned(k, X) * B0 * X, S2))
    return k.mix_matrix(theory, one, two), k.column_law(Y, [], turned(k, B0) * B0 * B0 + S * B0, S2)


def sum_of(k, *terms):
    words = k.Words(k.Context(k.letters(), k.Range()))
    return k.calc(k.letters(), made := words.add(*terms), made, [], k.Range())


@without(
    "matrices",
    "Words.add",
    "shape == ('1', '1') and any(ANY in x.shape and x.expr != 0 for x in terms)",
)
def number_plus_identity(k):
    return sum_of(k, k.matrix(L, "1", "1"), k.matrix(1, "any", "any")), "L + I is no number"


def product_of(k, one, two, product):
    words = k.Words(k.Context(k.letters(), k.Range()))
    return k.calc(k.letters(), words.mul(one, two), product, [], k.Range())


@without("matrices", "Words.mul", "len(x.rows[0]) != len(y.rows)")
def blocks_of_other_numbers(k):
    row, column = k.Blocks(((k.matrix(A), k.matrix(B)),)), k.Blocks(((k.matrix(A),),))
    return product_of(k, row, column, k.matrix(A * A)), "one row of two blocks, one column of one"


# --- Theories ------------------------------------------------------------------------------------


@without(
    "theory",
    "Theory.__post_init__",
    "key is not _KEY and (type(self.history) is not tuple or self.history or any(v is not _NOTHING for v in tables))",
)
def theory_made_by_hand(k):  # a noise of no law: x_t ~ N(0, 1), although its mean is 5 h
    theory, th = k.chain(5 * h)
    forged = k.Noise("2", e(t), x(t), q, k.states(t - 1), True, 1, frozenset())
    tables = {
        field.name: getattr(theory, field.name)
        for field in fields(theory)
        if field.name != "history"
    }
    theory = k.Theory(**{**tables, "noises": {"→e_t": forged}})
    there = k.combination(theory, q, k.states(t - 1), e(t), k.Range())
    return k.restate(theory, there, k.law(q, x(t), [t - 1], 0, 1), k.Range()), th.claim


@without("theory", "_plain", "not name")
def letter_without_a_name(k):  # between 0 and 1, and so would be whatever bears no name, as log t
    theory = k.letters().with_symbol("", "scalar", "(0,1)")
    less = 1 - sp.log(t)
    return k.calc(theory, k.scalar(sp.sqrt(less**2)), k.scalar(less), [], k.Range()), {t: 4, T: 4}


@without("theory", "_plain", '{STATE, VECTOR, *"\'ᵀ"} & {*name}')
def turned_matrix_beside_the_matrix(k):  # B S Bᵀ + S2 with a Bᵀ of its own
    theory = k.letters().with_symbol("Bᵀ", "matrix", "symmetric", ("n", "n"))
    _, one, two = columns(k, (X, [], B0, S), (Y, [X], B * X, S2), theory=theory)
    return k.mix_matrix(two.theory, one, two), "Bᵀ is another matrix than B turned around"


@without("kernel", "_all_declared", SIGN)
def point_of_contact_that_is_rounded(k):  # 0 <= (u - 1)^2 - 10^-20
    below = (u - 1) ** 2 - sp.Rational(1, 10**20)
    th = k.convex(k.letters(), u, k.scalar(0), k.scalar(sp.expand(below)), sp.Float(1))
    return th, "at u = 1 the right side is below 0"


@without("kernel", "_all_fit", SAID)
def sequence_that_starts_at_a_vector(k):  # f_0 := h, said to be a number: f_0 y = f_0 h at h = y
    theory, _ = k.define_sequence(
        k.letters(), frozenset({"1"}), f(t), k.scalar(h), k.scalar(f(t - 1))
    )
    return k.calc(theory, k.vector(f(0) * y), k.vector(h * y), [], k.Range()), "no vector is h y"


# --- Derivatives ---------------------------------------------------------------------------------


@without("derivatives", "slope", "theory.kind(u) != 'variable'")
def slope_in_a_letter_with_a_meaning(k):  # of L^2, where L := 2: it would be 0
    theory, _ = k.define(k.letters(), "1", L, k.scalar(2))
    return k.derived(theory, L**2, L), sp.Integer(4)


@without("derivatives", "opened", "e.has(EE, EV, M)")
def slope_of_a_mean(k):  # E[<x_t, h> | x_{t-1}] = τ |h|^2
    theory, _ = k.chain(tau * h)
    mean = k.mean(q, [t - 1], k.Dot(x(t), h))
    return k.derived(theory, mean), k.Dot(h, h)


@without("derivatives", "opened", "hides(context.theory, seen)")
def slope_of_a_noise_that_is_not_known_yet(k):  # ε_t = x_t - τ h, from t = 2
    theory = k.letters().with_process("q", "forward")
    theory, th = k.declare(theory, "1", k.law(q, x(t), [t - 1], tau * h, 1), 2)
    theory, _ = k.innovation(theory, "2", th, e(t))
    return k.derived(theory, k.Dot(e(t), h)), -k.Dot(h, h)


@without(
    "derivatives",
    "chain_rule",
    "not context.positive(base := part.base.xreplace(back))",
    also=(VALUES,),
)
@without(
    "derivatives",
    "chain_rule",
    "not part.exp.is_Integer",
    "False",
    ("WrongRule", "derivative"),
    also=(VALUES,),
)
def slope_of_a_root_at_0(k):  # of the root of τ^2
    base = tau**2
    return k.derived(k.letters(), sp.sqrt(base)), {tau: 0}


@without("derivatives", "slope.of_vector", "a.args != (u,)")
def slope_of_a_path_run_twice_as_fast(k):
    twice = path(2 * tau)
    return k.derived(k.letters(), twice, vector=True), 2 * sp.Function("→ω'")(2 * tau)


@without("derivatives", "slope", "a.args == (u,)", "True", ("WrongRule", "derivative"))
def slope_of_a_smooth_letter_run_twice_as_fast(k):
    return k.derived(k.letters(), smooth(2 * tau)), 2 * sp.Function("γ'")(2 * tau)


@without("derivatives", "place", "not is_state(x) and context.theory.kind(x) != 'point'")
def gradient_in_a_letter_with_a_meaning(k):  # of |h|^2, where h := y: it would be 0
    theory, _ = k.define(k.letters(), "1", h, k.vector(y))
    return k.along(theory, k.Dot(h, h), h), 2 * h


@without("derivatives", "place", "not apart(states_of(others), here, context.rng)")
def gradient_beside_a_state_that_may_be_the_same(k):  # of <x_i, x_t>, at i = t
    return k.along(k.letters(), k.Dot(x(i), x(t)), x(t)), 2 * x(t), {i: 1, t: 1}


@without("derivatives", "gradient", "e.xreplace({a: sp.Dummy() for a in moving}).has(x)")
def gradient_of_a_field_that_is_not_known_yet(k):  # υ(ψ) = 2ψ, from t = 2
    theory, _ = k.define(k.letters(), "1", field(psi), k.vector(2 * psi), 2)
    return k.along(theory, k.Dot(field(psi), h), psi), 2 * h


@without(
    "derivatives", "gradient", "other == x or not other.has(x)", "True", ("WrongRule", "derivative")
)
def gradient_beside_a_field_that_is_not_known_yet(k):
    theory, _ = k.define(k.letters(), "1", field(psi), k.vector(2 * psi), 2)
    return k.along(theory, k.Dot(field(psi), psi), psi), 4 * psi


@without("derivatives", "divergence", "a != x and a.has(x)")
def divergence_of_a_field_that_is_not_known_yet(k):
    theory, _ = k.define(k.letters(), "1", field(psi), k.vector(2 * psi), 2)
    made = k.scalar(k.divergence(k.Context(theory, k.Range()), field(psi), psi))
    return k.calc(theory, made, made, [], k.Range()), 2 * d


@without("definitions", "define", "theory.moving(meaning) - head.free_symbols")
def letter_that_does_not_show_what_it_moves_with(k):  # d(L τ)/dτ = L, and then L := τ
    early = k.slope(k.Context(k.letters(), k.Range()), k.scalar(L * tau), tau)
    theory, _ = k.define(k.letters(), "1", L, k.scalar(tau))
    return k.calc(theory, early, early, [], k.Range()), 2 * L


@without("definitions", "define_sequence", "theory.moving(both)")
def sequence_that_moves(k):  # f_t = t τ
    more = k.scalar(f(t - 1) + tau)
    theory, _ = k.define_sequence(k.letters(), frozenset("12"), f(t), k.scalar(0), more)
    return k.derived(theory, f(t)), t


@without("theory", "Theory.free_head", "self.kind(head) in ('variable', 'point', 'smooth', 'path')")
def variable_with_a_value(k):  # of τ^2, where τ := 2: it would be 0
    theory, _ = k.define(k.letters(), "1", tau, k.scalar(2))
    return k.derived(theory, tau**2), sp.Integer(4)


@without("theory", "Theory.with_symbol", "name in self.symbols")
def letter_of_two_domains(k):  # c > 0, then c is any number, then c := -1: 1 = -1
    theory = k.letters()
    th = k.calc(theory, k.scalar(sp.sqrt(c**2)), k.scalar(c), [], k.Range())
    theory, _ = k.define(theory.with_symbol("c", "scalar", "real"), "1", c, k.scalar(-1))
    return k.restate(theory, th, k.equal(1, -1), k.Range())


def one_name(k, theory):
    """Two processes become one when their names are letters of one value."""
    for name in "qp":
        theory, _ = k.define(theory, name, sp.Symbol(name), k.scalar(5))
    return theory


def one_mean(k, theory):
    E = lambda process: k.scalar(k.mean(process, [], k.Dot(x(0), x(0))))
    return k.calc(theory, E(q), E(p), [], k.Range())


@without("theory", "Theory.with_symbol", "name in self.processes")
def process_that_is_a_letter(k):  # E|x_0|^2 under q is that under p; they are two processes
    theory = k.chain(0, 1, k.chain(0)[0], "p")[0]
    for name in "qp":
        theory = theory.with_symbol(name, "scalar", "real")
    return one_mean(k, one_name(k, theory))


@without("theory", "Theory.with_process", "name in self.symbols")
def letter_that_is_a_process(k):  # the same, the other way round
    theory = k.letters().with_symbol("q", "scalar", "real").with_symbol("p", "scalar", "real")
    return one_mean(k, k.chain(0, 1, k.chain(0, 1, one_name(k, theory))[0], "p")[0])


@without(
    "theory",
    "Theory.with_symbol",
    "kind == 'state' and any(x.kind == 'state' for x in self.symbols.values())",
)
def second_family_of_states(k):  # given x_t, the other state at t would be fixed
    theory, there = k.chain(0)[0].with_symbol("•y_t", "state", "real"), sp.Function("•y_t")(t)
    return k.calc(theory, k.vector(k.mean_vector(q, [t], there)), k.vector(there), [], k.Range())


@without("theory", "Theory.with_process", "name in self.processes")
def process_of_two_shapes(k):  # a chain x_t = x_{t-1} + noise, then said to be a bridge
    theory = k.chain(x(t - 1))[0].with_process("q", "bridge")
    th = k.declare(theory, "3", k.law(q, x(t - 1), [0, t], h, 0), 2)[1]
    return th, "x_1 has the variance 1"


@without("theory", "Theory.with_process", "(like, sp.S.Zero) in self.laws")
def start_that_is_not_free(k):  # r starts at N(5 h, 1), and as q at N(0, 1)
    theory, one = k.declare(k.chain(0)[0], "2", k.law(q, x(0), [], 0, 1), 1)
    theory, two = k.declare(
        theory.with_process("r", "forward", "q"), "3", k.law(r, x(0), [], 5 * h, 1), 1
    )
    return k.clash(theory, k.instance(theory, one, "r"), two)


@without(
    "theory",
    "Theory.with_process",
    "like and (shape != 'forward' or like not in self.processes or "
    "self.processes[like].shape != 'forward' or self.processes[like].like)",
)
@without(
    "theory",
    "Theory.with_process",
    "self.processes[like].shape != 'forward'",
    "False",
    ("WrongRule", "process"),
)
def step_of_no_chain(
    k,
):  # for t and for t-1, s says two things of x_{t-1} | x_0: the means 7 h and 0
    theory, second, first = k.one_step(0, 7 * h)
    one = k.mix(theory, first, second)
    theory = theory.with_process("r", "forward", "ζ")
    return k.clash(
        theory, k.instance(theory, one, "r"), k.at(theory, k.instance(theory, first, "r"), t - 1)
    )


@without("theory", "Theory.with_hypothesis", "name in self.hypotheses")
def hypothesis_of_two_meanings(k):  # under H: L > -1, the root of L^2 is L; at L = -1/2 it is not
    theory = k.letters().with_hypothesis("H", L, True, 1)
    th = k.calc(theory, k.scalar(sp.sqrt(L**2)), k.scalar(L), [], k.Range())
    return k.restate(theory.with_hypothesis("H", L + 1, True, 1), th, th.claim, k.Range()), {
        L: -sp.Rational(1, 2)
    }


@without("theory", "Theory.with_hypothesis", "states_of(expr)")
def hypothesis_about_a_state(k):  # <x_0, h> > 0 cannot hold for all x_0; at -3 the bound is -16
    theory = k.letters().with_hypothesis("H", k.Dot(x(0), h), True, 1)
    return k.bound(theory, CUBIC, k.Dot(x(0), h)), {x(0): -3, h: 1}


@without("theory", "Theory.with_hypothesis", "hides")
def hypothesis_about_a_random_letter(k):  # the same, of a letter that may be x_0
    theory = k.letters().with_hypothesis("H", k.Dot(w(t), h), True, 1)
    return k.bound(theory, CUBIC, k.Dot(w(t), h)), {w(1): -3, h: 1}


@without("theory", "Theory.with_hypothesis", "expr.has(EE, EV, M)")
def hypothesis_about_a_mean(k):  # E|x_0|^2 > 2 under q says nothing of r
    moment = lambda process: k.mean(process, [], k.Dot(x(0), x(0))) - 2
    theory = k.chain(0)[0].with_hypothesis("H", moment(q), True, 1)
    th = k.calc(theory, k.scalar(sp.sqrt(moment(q) ** 2)), k.scalar(moment(q)), [], k.Range())
    return k.instance(theory.with_process("r", "forward", "q"), th, "r"), {moment(r) + 2: 1}


@without("theory", "Theory.free_head", "name.startswith(STATE)")
def meaning_of_a_state(k):  # x_t is random, and h is not
    return k.define(k.chain(0)[0], "2", x(t), k.vector(h))[1]


@without("theory", "Theory.free_head", "name in table")
def second_meaning(k):  # L := 2, then L := 3
    theory, th = k.define(k.letters(), "1", L, k.scalar(2))
    theory, _ = k.define(theory, "2", L, k.scalar(3))
    return k.restate(theory, th, k.equal(3, 2), k.Range())


@without("theory", "Theory.free_head", "head.is_integer")
def meaning_of_T(k):  # T is any number of steps
    return k.define(k.letters().with_symbol("T", "scalar", "natural"), "1", T, k.scalar(5))[1]


# --- Means, Markov chains and signs: what answers no, and refuses elsewhere -------------------------


@without("terms", "matches", "pattern.subs(t_, n) == given", "True", ("NotProved", "calc"))
def law_at_two_times(k):  # E[x_T | x_0] = x_0 + h, as if T were 1
    theory, th = k.chain(x(t - 1) + h)
    return k.calc(
        theory, k.vector(k.mean_vector(q, [0], x(T))), k.vector(x(0) + h), [th], k.Range()
    )


@without("unfolding", "Means.fixed", "not formal", "True", ("NotProved", "calc"))
def mean_of_a_random_sum(k):  # of its square, with the sum taken out once
    theory, sums = k.chain(0)[0], sp.Sum(k.Dot(x(k_), h), (k_, 1, t))
    whole = k.mean(q, [0], sums**2)
    return k.calc(theory, k.scalar(whole), k.scalar(sums**2), [], k.Range()), "it is random"


@without("unfolding", "Means.fixed", "not hides", "True", ("NotProved", "calc"))
def mean_of_a_random_letter(k):  # E w = w, and then w is said to be x_t
    theory, _ = k.chain(0)
    th = k.calc(theory, k.vector(k.mean_vector(q, [t - 1], w(t))), k.vector(w(t)), [], k.Range())
    theory, _ = k.define(theory, "2", w(t), k.vector(x(t)))
    return k.restate(theory, th, k.vectors(k.mean_vector(q, [t - 1], x(t)), x(t)), k.Range())


@without(
    "unfolding",
    "Means.fixed",
    "covered(states_of(e), given, self.rng)",
    "True",
    ("NotProved", "calc"),
)
@without("terms", "covered", "rng.before(b, d)", "True", ("NotProved", "calc"))
def mean_given_an_earlier_state(k):  # E[x_t | x_{t-1}] = x_t
    return k.calc(
        k.chain(0)[0], k.vector(k.mean_vector(q, [t - 1], x(t))), k.vector(x(t)), [], k.Range()
    )


@without("terms", "covered", "rng.before(c, a)", "True", ("NotProved", "calc"))
def mean_given_a_later_state(k):  # E[x_{t-1} | x_t] = x_{t-1}
    return k.calc(
        k.chain(0)[0], k.vector(k.mean_vector(q, [t], x(t - 1))), k.vector(x(t - 1)), [], k.Range()
    )


def mean_of_a_mean(k, process, given):
    """E_q[E[x_t | x_0]] = E_q[x_t], and the same of |x_t|^2."""
    X2 = k.Dot(x(t), x(t))
    return k.calc(
        k.chain(0, 1, k.chain(0)[0], "p")[0],
        k.scalar(k.mean(q, given, k.mean(process, [0], X2))),
        k.scalar(k.mean(q, given, X2)),
        [],
        k.Range(),
    )


@without("unfolding", "Means.joined", "q == process", "True", ("NotProved", "calc"))
def mean_under_two_processes(k):
    return mean_of_a_mean(k, p, [])  # p may have another mean than q


@without(
    "unfolding",
    "Means.joined",
    "covered(given, inner, self.rng)",
    "True",
    ("NotProved", "calc"),
)
def tower_the_wrong_way(k):
    return mean_of_a_mean(k, q, [T])  # x_T says more of x_t than x_0 does


@without("unfolding", "Means._mean_of", "self.fixed(u, given)", "True", ("NotProved", "calc"))
def product_of_two_means(k):  # E|x|^2 = <x, E x>
    right = k.dot(x(0), k.mean_vector(q, [], x(0)))
    return k.calc(
        k.chain(0)[0], k.scalar(k.mean(q, [], k.Dot(x(0), x(0)))), k.scalar(right), [], k.Range()
    )


@without("unfolding", "Means._mean_of", "self.fixed(x, given)", "True", ("NotProved", "calc"))
def exponential_of_a_mean(k):  # E exp|x|^2 = exp|x|^2
    X = k.Exp(k.Dot(x(0), x(0)))
    return k.calc(k.chain(0)[0], k.scalar(k.mean(q, [], X)), k.scalar(X), [], k.Range())


@without("unfolding", "Means.mean_vector", "not self.fixed(c, given)")
def random_factor(k):  # E[<x, h> x] = <x, h> E x
    factor = k.Dot(x(0), h)
    return k.calc(
        k.chain(0)[0],
        k.vector(k.mean_vector(q, [], factor * x(0))),
        k.vector(factor * k.mean_vector(q, [], x(0))),
        [],
        k.Range(),
    )


@without(
    "unfolding",
    "Chains.factorized.chained",
    "self.theory.process(q).markov",
    "True",
    ("NotProved", "calc"),
)
def factors_of_a_bridge(k):  # a bridge keeps x_0 in mind; three densities that a chain connects
    theory = k.letters().with_process("p", "bridge")
    right = k.log(p, 0, t - 1) + k.log(p, t - 1, t) - k.log(p, t - 1)
    return k.calc(theory, k.scalar(k.log(p, 0, t - 1, t)), k.scalar(right), [], k.Range(2))


@without(
    "unfolding", "Chains.ordered", "self.rng.before(x[1], y[0])", "True", ("NotProved", "calc")
)
def factors_in_any_order(k):  # false where j is not between i and t
    theory, (one, two, three) = k.chain(0)[0], k.given(i, j, t)
    right = k.M(q, one, two) + k.M(q, two, three) - k.M(q, two)
    return k.calc(theory, k.scalar(k.M(q, one, two, three)), k.scalar(right), [], k.Range())


@without(
    "unfolding",
    "Meanings.sequences",
    "n == 0 or (later(n) and known(n))",
    "n.is_nonnegative",
    ("NotProved", "calc"),
)
def sequence_at_T_minus_1(k):  # at T = 1, f_{T-1} is f_0 = 0
    return k.calc(k.seven()[0], k.scalar(f(T - 1)), k.scalar(7), [], k.Range()), {T: 1, f(0): 0}


@without(
    "terms", "states_of", "low if sp.diff(last, k) < 0 else high", "high", ("NotProved", "calc")
)
def states_from_both_ends(
    k,
):  # log q(x_1, ..., x_{t-1}) + log q(x_2, ..., x_{t-2}) is not fixed by x_1, ..., x_{t-2}
    sum_ = sp.Sum(k.M(q, k.span(k_, t - k_)), (k_, 1, 2))
    E = k.EE(q, sp.Tuple(k.span(1, t - 2)), sum_)
    return k.calc(
        k.chain(0)[0], k.scalar(E), k.scalar(sum_), [], k.Range(5)
    ), "a number that x_{t-1} moves"


@without(
    "signs",
    "Signs._sign",
    "if numbers == 0: return not strict",
    "pass",
    ("WrongRule", "substitute"),
    also=(VALUES,),
)
def zero_that_is_positive(k):  # σ := 0
    theory, _ = k.define(k.letters(), "1", sigma, k.scalar(0))
    return k.bound(theory, POLE, sigma), {sigma: 0}  # 1/0


@without(
    "signs",
    "Signs._sign",
    "self.nonzero(f)",
    "True",
    ("WrongRule", "substitute"),
    also=(VALUES,),
)
def square_that_may_vanish(k):
    return k.bound(k.letters(), POLE, L**2), {L: 0}  # 1/0


@without("signs", "Signs._by_coefficients", "c < 0", "False", ("WrongRule", "define"))
def negative_coefficient(k):  # c > 0, then c := g - 1/2: at g = 1/4, 1/4 = -1/4
    return root_of(k, g - sp.Rational(1, 2)), {g: sp.Rational(1, 4)}


@without(
    "signs",
    "Signs._by_coefficients",
    "any((n % 2 for (domain, _), n in zip(known, powers) if not domain))",
    "False",
    ("WrongRule", "define"),
)
def number_of_unknown_sign(k):
    return root_of(k, L + 1), {L: -3}  # 2 = -2


def root_of(k, value):
    theory = k.letters()
    th = k.calc(theory, k.scalar(sp.sqrt(c**2)), k.scalar(c), [], k.Range())
    theory, _ = k.define(theory, "1", c, k.scalar(value))
    return k.restate(theory, th, k.equal(sp.sqrt(value**2), value), k.Range())


@without(
    "signs",
    "Signs._by_coefficients",
    "any(c > 0 for c in alive)",
    "True",
    ("WrongRule", "substitute"),
)
def number_that_may_vanish(k):
    return k.bound(k.letters(), POLE, sigma), {sigma: 0}  # 1/0


@without(
    "signs",
    "with_length",
    "form.is_positive_semidefinite",
    "True",
    ("WrongRule", "substitute"),
)
def form_of_unknown_sign(k):  # 1 + |h|^2 + 5 <h, y> is -3 where h = 1, y = -1
    return k.bound(k.letters(), CUBIC, 1 + k.Dot(h, h) + 5 * k.Dot(h, y)), {h: 1, y: -1}


@without(
    "signs", "Signs.atom_sign", "atom.args[0] == atom.args[1]", "True", ("WrongRule", "substitute")
)
def inner_product_of_two_vectors(k):  # 1 + <h, y> is -3 where h = 1, y = -4
    return k.bound(k.letters(), CUBIC, 1 + k.Dot(h, y)), {h: 1, y: -4}


@without(
    "signs", "Signs.atom_sign", "self.rng.before(low, high)", "True", ("WrongRule", "substitute")
)
def empty_product(k):  # at t = 1 the product over 1..t-1 is 1, and 1 - 1 = 0 has no inverse
    return k.bound(k.letters(), POLE, 1 - sp.Product(a(k_), (k_, 1, t - 1)))


@without(
    "signs",
    "Signs.atom_sign",
    "self.rng.before(sp.S.Zero, atom.exp)",
    "True",
    ("WrongRule", "declare"),
)
def negative_power(k):  # at t = 1 the variance is 1 - 1/g < 0
    theory, th = k.chain(0, 1 - g ** (t - 2))
    E = k.mean(q, [t - 1], k.Dot(x(t), x(t)))
    return k.calc(theory, k.scalar(E), k.scalar(d * th.claim.variance), [th], k.Range())


@without("signs", "Signs._by_hypothesis", "self.rng.lo < fact.lo", "False", ("NotProved", "calc"))
@without(
    "zero",
    "Context.roots.root",
    "all(self._one_sign(f, False) for f, _ in factors)",
    "True",
    ("NotProved", "calc"),
)
def hypothesis_before_its_first_t(k):  # z_1 may be -1: 1 = -1
    theory = k.positive_from_2()
    return k.calc(theory, k.scalar(sp.sqrt(z(t) ** 2)), k.scalar(z(t)), [], k.Range()), {z(1): -1}


@without(
    "signs",
    "Signs._by_hypothesis",
    "strict and not fact.strict",
    "False",
    ("WrongRule", "substitute"),
)
def hypothesis_that_is_not_strict(k):  # L >= 0, and L may be 0: 1/0
    return k.bound(k.letters().with_hypothesis("H", L, False, 1), POLE, L), {L: 0}


@without("signs", "Signs._by_hypothesis", "quotient > 0", "True", ("WrongRule", "substitute"))
def hypothesis_with_the_other_sign(k):  # -L > 0, and L is said to be positive: at L = -3, 0 <= -16
    return k.bound(k.letters().with_hypothesis("H", -L, True, 1), CUBIC, L), {L: -3}


@without(
    "zero",
    "Context.logs.apart",
    "self._sign(f, True)",
    "True",
    ("NotProved", "calc"),
    also=(VALUES,),
)
def logarithm_of_a_square(k):  # log L^2 = 2 log L; at L = -1 the right side is no real number
    return k.calc(k.letters(), k.scalar(sp.log(L**2)), k.scalar(2 * sp.log(L)), [], k.Range()), {
        L: -1
    }


# --- Conditions that were once missing -----------------------------------------------------------


@without("terms", "letter_of", "len(one.limits) > 1")
def double_sum(k):  # T times the sum of the a_k is the sum of the a_k
    k1, k2 = sp.symbols("k1 k2", integer=True, cls=sp.Dummy)
    one = sp.Sum(a(k1), (k1, 1, T))
    return k.calc(k.letters(), k.scalar(sp.Sum(one, (k2, 1, T))), k.scalar(one), [], k.Range())


@without("terms", "letter_of", "len(one.limits) > 1")
def double_product(k):  # the same with a product
    k1, k2 = sp.symbols("k1 k2", integer=True, cls=sp.Dummy)
    one = sp.Product(a(k1), (k1, 1, T))
    return k.calc(k.letters(), k.scalar(sp.Product(one, (k2, 1, T))), k.scalar(one), [], k.Range())


@without(
    "definitions", "declare", "index_letters(e) - index_letters(law.of, process.id, *law.given)"
)
def start_law_that_moves(k):  # E x_0 = a_t h for every t, so a_t h = a_T h
    theory = k.letters().with_process("q", "forward")
    theory, th = k.declare(theory, "1", k.law(q, x(0), [], a(t) * h, 1), 1)
    first = k.calc(
        theory, k.vector(k.mean_vector(q, [], x(0))), k.vector(a(t) * h), [th], k.Range()
    )
    return k.transfer(
        theory, k.vectors(a(T) * h, a(t) * h), first, [k.at(theory, th, T)], k.Range()
    )


@without("relations", "convex", "context.used")
def convex_by_a_hypothesis(k):  # (u - 1)^2 (u - 2) is convex where 6 u > 8; at u = 1/2 it is -3/8
    theory = k.letters().with_hypothesis("H", 6 * u - 8, True, 1)
    return k.convex(theory, u, k.scalar(0), k.scalar((u - 1) ** 2 * (u - 2)), sp.S.One), {
        u: sp.Rational(1, 2)
    }


@without(
    "unfolding",
    "Meanings.meaning",
    "{known.number, *known.assumes}",
    "{known.number}",
    ("WrongRule", "open"),
    also=(VALUES,),
)
@without(
    "definitions",
    "define",
    "used & set(theory.hypotheses)",
    "set()",
    ("WrongRule", "open"),
    also=(VALUES,),
)
def domain_by_a_hypothesis(k):  # c := L - 1 is positive when L > 1; at L = 0, 1 = -1
    theory = k.letters().with_hypothesis("H", L - 1, True, 1)
    th = k.calc(theory, k.scalar(sp.sqrt(c**2)), k.scalar(c), [], k.Range())
    theory, _ = k.define(theory, "1", c, k.scalar(L - 1))
    th = k.restate(theory, th, k.equal(sp.sqrt((L - 1) ** 2), L - 1), k.Range())
    if "H" in th.assumes:
        raise k.WrongRule("open", "it says so itself")
    return th, {L: 0}


@without(
    "relations",
    "substitute",
    "named(u) in theory.names(*(h.expr for h in theory.hypotheses.values()))",
)
def letter_of_a_hypothesis(k):  # under L > 0, the bound holds; at L = -3 it is -16
    theory = k.letters().with_hypothesis("H", L, True, 1)
    return k.substitute(theory, k.bound(theory, CUBIC, L), L, k.scalar(-3), k.Range())


@without(
    "definitions",
    "declare_matrix",
    "letters(x.mean) | letters(x.covariance)",
    "letters(x.mean)",
    ("WrongRule", "declare"),
)
def covariance_with_the_second_column(k):  # p(X) = N(b, Y λ Y^T), and then Y given X
    theory, one, two = columns(k, (X, [], B0, Y * number * turned(k, Y)), (Y, [X], A * X, S))
    return k.mix_matrix(theory, one, two), k.column_law(Y, [], A * B0, S)


@without(
    "unfolding",
    "Meanings.meaning",
    "self.rng.before(sp.Integer(known.lo), n)",
    "True",
    ("NotProved", "calc"),
)
def meaning_before_its_first_t(k):  # z_t := 7 from t = 2; of z_1 nothing is said
    theory, _ = k.define(k.letters(), "1", z(t), k.scalar(7), 2)
    return k.calc(theory, k.scalar(z(1)), k.scalar(7), [], k.Range()), {z(1): 0}


@without(
    "theory",
    "Noise.independent_of",
    "rng.before(sp.Integer(self.lo), n)",
    "True",
    ("WrongRule", "combination"),
)
def noise_before_its_first_t(
    k,
):  # at t = 1 there is no law, so no noise: x_0 given x_0 and x_1 is fixed
    theory = k.letters().with_process("p", "bridge")
    theory, th = k.declare(theory, "1", k.law(p, x(t - 1), [0, t], h, 1), 2)
    theory, _ = k.innovation(theory, "2", th, e(t))
    return k.combination(theory, p, k.states(0, 1), h + e(1), k.Range()), "e_1 is no noise"


@without(
    "theory", "Noise.independent_of", "rng.before(n, T_)", "True", ("WrongRule", "combination")
)
def noise_after_the_last_t(k):
    return k.combination(noises(k), q, k.states(0), e(T + 1), k.Range()), "there is no x_{T+1}"


@without("unfolding", "Meanings.within", "not self.rng.before(low - 1, high)")
def sum_that_runs_backwards(k):  # the sum over t+2..t is minus the term at t+1: a negative variance
    theory = noises(k)
    th = k.combination(theory, q, k.states(0), sp.Sum(e(k_), (k_, t + 2, t)), k.Range(1, T - 1))
    return k.restate(theory, th, k.law(q, -e(t + 1), [0], 0, -1), k.Range(1, T - 1)), k.law(
        q, -e(t + 1), [0], 0, 1
    )


@without(
    "zero",
    "Context._numerator.stand_in",
    "self._sign(bottom, True)",
    "True",
    ("NotProved", "calc"),
    also=(VALUES,),
)
def half_powers_of_a_negative_number(
    k,
):  # (1/L)^(t/2) is no L^(-t/2): at L = -1, t = 1 the left side is -1
    half = t * sp.Rational(1, 2)
    return k.calc(k.letters(), k.scalar(L**half * (1 / L) ** half), k.scalar(1), [], k.Range()), {
        L: -1,
        t: 1,
    }


@without(
    "kernel",
    "_all_declared",
    "name not in theory.symbols",
)
def letter_that_is_declared_later(k):  # E v = v, and then v is x_0
    theory, there = k.chain(0)[0], sp.Symbol("→v")
    th = k.calc(theory, k.vector(k.mean_vector(q, [], there)), k.vector(there), [], k.Range())
    theory, _ = k.define(theory.with_symbol("→v", "random", "real"), "2", there, k.vector(x(0)))
    return k.restate(theory, th, k.vectors(k.mean_vector(q, [], x(0)), x(0)), k.Range())


@without("kernel", "_asked", GIVEN)
def side_that_changes(k):  # proved for 1 = 1, said of 2 = 1
    said = iter([sp.S.One] + [sp.Integer(2)] * 9)

    class Changing:
        kind, expr = "scalar", property(lambda self: next(said))

    return k.calc(k.letters(), Changing(), k.scalar(1), [], k.Range())


@without("kernel", "_asked", GIVEN)
def something_like_a_claim(k):  # it says a_t = 1; at another t, it says a_t = a_t
    class Said(SimpleNamespace):
        __hash__ = object.__hash__

    theory, same = k.letters(), k.equal(a(t), a(t))
    claim = Said(left=k.scalar(a(t)), right=k.scalar(1), map=same.map)
    _, token = k.suppose(theory, claim, 1, down=True)
    base = k.calc(theory, k.scalar(a(T)), k.scalar(a(T)), [], k.Range())
    made = k.calc(theory, k.scalar(a(t - 1)), k.scalar(a(t - 1)), [], k.Range(2))
    return k.induct(theory, token, base, made, down=True)


@without("kernel", "_theorem", "type(rng.lo) is not int")
def half_a_step(k):  # H: z_t > 0 from t = 3/2, so from 2; and at t = 3/2, whose whole part is 1
    theory = k.letters().with_hypothesis("H", z(t), True, 1.5)
    th = k.calc(theory, k.scalar(sp.sqrt(z(t) ** 2)), k.scalar(z(t)), [], k.Range(1.5))
    return k.at(theory, th, 1), {z(1): -1}


@without("kernel", "_all_declared", "name in _OWN")
def another_T(k):
    theory = k.letters().with_symbol("T", "scalar", "natural")
    return k.define(theory, "1", sp.Symbol("T"), k.scalar(4))[1], "T is any number of steps"


@without("kernel", "_all_fit", SAID)
def square_of_a_vector(k):
    left, right = k.Matrix((h + 1) ** 2), k.Matrix(h**2 + 2 * h + 1)
    return k.calc(k.letters(), left, right, [], k.Range()), "two vectors are not multiplied"


@without("relations", "convex", "not (isinstance(left, Term) and isinstance(right, Term))")
def bound_of_matrices(k):  # 3W - 2 <= W^3 for W = 1 + X^T A^2 X X^T X, which is -3
    theory, turned = k.letters(), sp.Symbol("Xᵀ", commutative=False)
    bound = k.convex(theory, u, k.Matrix(3 * u - 2), k.Matrix(u**3), sp.S.One)
    value = k.Matrix(1 + turned * A**2 * X * turned * X)
    th = k.substitute(theory, bound, u, value, k.Range())
    return th, "A a turn by 90 degrees, |X|^2 = 2"


@without(
    "statements",
    "_real",
    "_of_numbers(e) and context.positive(e.base, strict=not (e.exp.is_Rational and e.exp > 0))",
    "context.positive(e.base, strict=not (e.exp.is_Rational and e.exp > 0))",
    ("WrongRule", "calc"),
)
def root_of_a_matrix(k):
    root = k.Matrix((A * B - B * A) ** sp.Rational(1, 2), ("n", "n"))
    return k.calc(k.letters(), root, root, [], k.Range()), "AB - BA may be diag(1, -1)"


@without("kernel", "_all_fit", SAID)
def vector_said_to_be_a_number(k):
    return k.calc(k.letters(), k.scalar(h), k.scalar(h), [], k.Range()), "h is a vector"


@without("kernel", "_all_fit", SAID)
def number_for_the_mean_of_a_vector(k):
    law = k.Law(q, x(0), frozenset(), sp.S.One, sp.S.One)
    return k.declare(k.letters().with_process("q", "forward"), "1", law, 1)[1], "1 is no vector"


@without(
    "kernel", "_all_fit", "not all(alike(a, b) for a, b in zip(*cells) if isinstance(a, Matrix))"
)
def zero_of_two_shapes(k):
    theory = k.letters()
    th = k.calc(theory, k.matrix(0, "n", "1"), k.matrix(0, "any", "any"), [], k.Range())
    claim = k.Equal(k.matrix(0, "n", "1"), k.matrix(0, "1", "n"))
    return k.restate(theory, th, claim, k.Range()), "a column is no row"


@without("kernel", "_all_fit", "isinstance(x, Matrix | Blocks) and not words.fits(x)")
def matrices_as_numbers(k):  # S R would be its own transpose, which is R S
    return k.calc(
        k.letters(), k.matrix(S * S2, "1", "1"), k.matrix(S2 * S, "1", "1"), [], k.Range()
    )


@without(
    "kernel",
    "_all_fit",
    "(claim.mean.shape, claim.covariance.shape) != ((rows, one), (rows, rows))",
)
def number_for_a_mean(k):
    law = k.MatrixLaw(pair, X, frozenset(), k.matrix(L, "1", "1"), k.matrix(S))
    return k.declare_matrix(k.letters().with_process(pair, "pair"), "1", law)[1], "X has n rows"


@without("signs", "Signs.domain", "self.rng.before(first, n)", "True", ("NotProved", "calc"))
def domain_at_0(k):  # H: z_t > 0 from t = 1; b_t := z_t from t = 0, where z may be -1
    theory = k.letters().with_hypothesis("H", z(t), True, 1)
    th = k.calc(theory, k.scalar(sp.sqrt(b(0) ** 2)), k.scalar(b(0)), [], k.Range())
    theory, _ = k.define(theory, "1", b(t), k.scalar(z(t)), 0)
    return k.restate(theory, th, k.equal(sp.sqrt(z(0) ** 2), z(0)), k.Range()), {z(0): -1}


NO_VALUE = sp.sin(L) ** 2 + sp.cos(L) ** 2 - 1


@without(VALUES.file, VALUES.where, VALUES.code, VALUES.instead, ("WrongRule", "calc"))
def premise_without_a_value(k):  # 0 = 0/D, where D is 0 and not seen to be: so 0 is anything
    root = sp.sqrt(c + u + 2 * sp.sqrt(c * u))
    gap = root - sp.sqrt(c) - sp.sqrt(u)
    theory = k.letters()
    th = k.calc(theory, k.scalar(0), k.scalar(NO_VALUE / gap), [], k.Range())
    return k.restate(theory, th, k.equal(0, root + sp.sqrt(c) + sp.sqrt(u)), k.Range())


@without("statements", "_real", "_real(context, e.args[2])", "True", ("WrongRule", "calc"))
def mean_without_a_value(k):  # 1 is the mean of 0/0, and so is 2
    theory, _ = k.chain(0)
    mean = k.mean(q, [], NO_VALUE.subs(L, z(t)) / NO_VALUE)
    th = k.calc(theory, k.scalar(1), k.scalar(mean), [], k.Range())
    return k.restate(theory, th, k.equal(1, 2), k.Range())


@without(
    "statements",
    "have_values",
    "not _real(context, e.xreplace({x: sp.Dummy(positive=True) for x in definite}))",
)
def root_of_a_negative_number(k):  # L := sqrt(κ), and 1 + L^2 > 0: at κ = -5, 4 = -4
    theory, K = k.letters(), sp.Symbol("κ")
    th = k.calc(theory, k.scalar(sp.sqrt((1 + L**2) ** 2)), k.scalar(1 + L**2), [], k.Range())
    theory, _ = k.define(theory, "1", L, k.scalar(sp.sqrt(K)))
    return k.restate(theory, th, k.equal(sp.sqrt((1 + K) ** 2), 1 + K), k.Range()), {K: -5}


@without("kernel", "_theorem", "rng.hi.free_symbols - {T_}")
def end_that_moves(k):  # f_(T-t) = 1 up to T - s; at t + 1 it would be f_0 = 1 for T = 2
    theory, step_ = k.define_sequence(k.letters(), frozenset("12"), f(t), k.scalar(0), k.scalar(1))
    th = k.calc(theory, k.scalar(f(T - t)), k.scalar(1), [step_], k.Range(2, T - s))
    return k.at(theory, th, t + 1), "f_0 is 0"


@without("definitions", "define_sequence", "head.args != (t_,)")
def sequence_at_one_index(k):  # f_2 := f_{t-1} + 1 at every t: at t = 1 it is 1, and it is 2
    theory, th = k.define_sequence(
        k.letters(), frozenset({"1"}), f(2), k.scalar(0), k.scalar(f(t - 1) + 1)
    )
    return k.transfer(theory, k.equal(2, 1), k.at(theory, th, sp.S.One), [], k.Range(2))


@without(
    "unfolding", "Meanings.sequences", "self.rng.before(sp.S.One, n)", "True", ("NotProved", "calc")
)
def sequence_before_its_start(k):  # f_0 = 0, f_t = f_{t-1} + a_t from t = 1; not f_0 = f_{-1} + a_0
    theory, _ = k.define_sequence(
        k.letters(), frozenset({"1"}), f(t), k.scalar(0), k.scalar(f(t - 1) + a(t))
    )
    right = f(t - 2) + a(t - 1)
    return k.calc(theory, k.scalar(f(t - 1)), k.scalar(right), [], k.Range()), {f(0): 0}


@without(
    "terms",
    "Range.least",
    "(n - slope * letter).has(letter)",
    "False",
    ("NotProved", "calc"),
)
def index_that_is_not_linear(k):  # z_t := t from t = 4: z_1 + z_4 is not 1 + 4
    theory, _ = k.define(k.letters(), "1", z(t), k.scalar(t), 4)
    sum_ = k.scalar(sp.Sum(z(k_**2), (k_, 1, 2)))
    return k.calc(theory, sum_, k.scalar(5), [], k.Range(4)), {z(4): 4, T: 4}


@without("kernel", "_all_declared", SIGN, also=(VALUES,))
def integral_that_binds_a_positive_letter(k):  # of |u| from -1 to 1 is 1, and of u it is 0
    whole = lambda e: k.scalar(sp.Integral(e, (u, -1, 1)))
    return k.calc(k.letters(), whole(sp.sqrt(u**2)), whole(u), [], k.Range()), "1 is not 0"


@without("kernel", "_all_declared", SIGN, also=(VALUES,))
def rounded_number(k):  # (1 + t/10^20) L - L = t L/10^20; at t = 1 the machine finds 0 on the left
    tiny, theory = sp.Float("1e-20"), k.letters()
    th = k.calc(theory, k.scalar((1 + tiny * t) * L - L), k.scalar(tiny * t * L), [], k.Range())
    return k.at(theory, th, sp.S.One), {L: 10**20}


@without(
    "kernel",
    "_theorem",
    "isinstance(claim, Law) and (not all((rng.before(a, b) for a, b in claim.given)))",
    also=(Condition("statements", "_real", BACK, "True"),),
)
def interval_that_runs_backwards(
    k,
):  # of 1..t-n and t-n..0 the law knows x_{t-n}, their union does not
    theory, law = k.chain(x(t - 1))
    theory, _ = k.innovation(theory, "2", law, e(t))

    def after(n):
        given, mean = frozenset({sp.Tuple(1, t - n), sp.Tuple(t - n, 0)}), x(t - n)
        noisy = mean + sum(e(t - m) for m in range(n))
        th = k.combination(theory, q, given, noisy, k.Range(4))
        return k.restate(theory, th, k.Law(q, x(t), given, mean, sp.Integer(n)), k.Range(4))

    E = k.vector(k.EV(q, sp.Tuple(sp.Tuple(1, 0)), x(t)))
    th = k.calc(theory, E, k.vector(x(t - 2)), [after(2)], k.Range(4))
    return k.transfer(theory, k.vectors(x(t - 3), x(t - 2)), th, [after(3)], k.Range(4)), {T: 4}


@without("unfolding", "Meanings.meaning", "self.rng.before(n, T_)", "True", ("NotProved", "calc"))
def meaning_after_the_last_t(k):  # z_t := the root of 1 - g^(T-t+1): a square would be 1 - 1/g < 0
    theory, _ = k.define(k.letters(), "1", z(t), k.scalar(sp.sqrt(1 - g ** (T - t + 1))))
    return k.calc(theory, k.scalar(z(T + 2) ** 2), k.scalar(1 - 1 / g), [], k.Range())


@without(
    "unfolding",
    "Meanings.meaning",
    "self.rng.before(s_, n, 1)",
    "True",
    ("NotProved", "calc"),
)
def meaning_where_s_is_not_below(
    k,
):  # W(t, s) := the root of 1 - g^(t-s); s = t - 1
    theory, W = k.letters().with_symbol("W_t,s", "scalar", "real"), sp.Function("W_t,s")
    theory, _ = k.define(theory, "1", W(t, s), k.scalar(sp.sqrt(1 - g ** (t - s))))
    square = k.scalar(1 - g ** (t - s - 2))
    return k.calc(theory, k.scalar(W(t - 2, s) ** 2), square, [], k.Range(3))


@without(
    "signs",
    "Signs.domain",
    "self.rng.before(n, T_)",
    "True",
    ("NotProved", "calc"),
    also=(Condition("unfolding", "Meanings.sequences", "self.rng.before(n, T_)", "True"),),
)
def domain_after_the_last_t(
    k,
):  # y_t is not negative up to T; y_{T+1} is a product less the shorter one
    theory, y = k.letters().with_symbol("y_t", "sequence", "nonnegative"), sp.Function("y_t")
    upto = lambda n: sp.Product(a(k_), (k_, 1, n))
    last, root = upto(T + 1) - upto(T), lambda n: sp.sqrt(y(n) ** 2)
    sides = root(T + 1) + c * root(T), y(T + 1) + c * y(T)
    th = k.calc(theory, *map(k.scalar, sides), [], k.Range())
    theory, _ = k.define_sequence(
        theory, frozenset({"1"}), y(t), k.scalar(0), k.scalar(upto(t) - upto(T))
    )
    return k.transfer(theory, k.equal(sp.sqrt(last**2), last), th, [], k.Range())


# --- Letters, and what is put in their place -----------------------------------------------------


@without("kernel", "_all_declared", "letter.assumptions0 != t_.assumptions0", also=(VALUES,))
def even_letter_of_a_sum(k):  # with z_t := t, the sum of (-1)^z_k over k = 1 alone is 1
    even = sp.Dummy("k", even=True)
    theory, _ = k.define(k.letters(), "1", z(t), k.scalar(t))
    left, right = (k.scalar(sp.Sum(body, (even, 1, 1))) for body in ((-1) ** z(even), sp.S.One))
    return k.calc(theory, left, right, [], k.Range()), "the left side is -1"


@without(
    "kernel",
    "_all_declared",
    "a != plain and getattr(a, 'func', None) != sp.Function(named(a))",
)
def letter_of_the_same_name(k):  # 0 <= L + 1/L - 2 for a real L that SymPy takes for positive
    theory, other = k.letters(), sp.Symbol("L", positive=True)
    return k.bound(theory, POLE, other), {other: -1}


@without("kernel", "_asked", GIVEN)
def given_states_that_equal_all_others(k):  # declared for the step from x_{t-1}, said of nothing
    class Given(frozenset):
        __hash__ = frozenset.__hash__

        def __eq__(self, other):
            return True

        def __ne__(self, other):
            return False

    theory = k.letters().with_process("q", "forward")
    law = k.Law(q, x(t), Given(), h, sp.S.One)
    return k.declare(theory, "1", law, 1)[
        1
    ], "the law of x_t is that given x_{t-1}, and not given nothing"


@without("kernel", "_asked", GIVEN)
def range_that_says_yes(k):  # 0 <= u + 1/u - 2 at 1 - a_1 ... a_{t-1}
    class Yes(k.Range):
        def before(self, a, b, by=0):
            return True

    theory, kept = k.letters(), sp.Product(a(k_), (k_, 1, t - 1))
    th = k.convex(theory, u, k.scalar(0), k.scalar(POLE), sp.S.One)
    th = k.substitute(theory, th, u, k.scalar(1 - kept), Yes())
    return th, "there is no value at t = 1, where the product is 1"


@without(
    "unfolding",
    "Meanings.within",
    "letter in (t_, s_, i_, j_, T_, d_, *(k for k, *_ in self.rng.bound))",
    "False",
    ("WrongRule", "sum"),
)
def one_letter_for_two_sums(k):
    """E[x_1 + x_2 | x_k] is x_1 + x_2, if the x_k of the sum inside is taken for the given one."""
    theory, _ = k.chain(x(t - 1))
    inside = sp.Sum(x(k_), (k_, 1, 2))
    means = k.mean_vector(q, [k_], inside)
    left, right = (k.vector(sp.Sum(a(k_) * v, (k_, 1, 2))) for v in (means, inside))
    return k.calc(theory, left, right, [], k.Range()), "x_2 is not known from x_1"


@without(
    "relations",
    "_rewritten",
    "any(a.has(s_) for a in parts(th.claim))",
    "False",
    ("NotProved", "calc"),
)
def s_moved_with_t(k):
    """|a - b| + a - b is 0 for a = a_1 ... a_t and b = a_1 ... a_s, as s < t; at t - 3 it need not be."""
    theory, th = k.chain(x(t - 1))
    kept = lambda n: sp.Product(a(k_), (k_, 1, n))
    gap = lambda n: sp.sqrt(sp.expand((kept(n) - kept(s)) ** 2)) + kept(n) - kept(s)
    sides = lambda n: map(k.vector, (k.mean_vector(q, [n - 1], x(n)), x(n - 1) + gap(n) * h))
    odd = k.calc(theory, *sides(t), [th], k.Range())
    return k.calc(theory, *sides(t - 3), [odd], k.Range(4)), "at s = t - 1 there is more"


@without(
    "relations",
    "substitute",
    "named(u) in theory.names(*letters)",
)
def letter_behind_a_sequence(
    k,
):  # f_0 := u and f_t := f_{t-1}: then 2 <= f_t + 1/u is no bound in u alone
    theory, step_ = k.define_sequence(
        k.letters(), frozenset("12"), f(t), k.scalar(u), k.scalar(f(t - 1))
    )
    claim = k.equal(f(t), u)
    earlier, token = k.suppose(theory, claim, 0)
    base = k.calc(theory, k.scalar(f(0)), k.scalar(u), [], k.Range())
    made = k.calc(theory, k.scalar(f(t)), k.scalar(u), [earlier, step_], k.Range())
    is_u = k.induct(theory, token, base, made)
    th = k.convex(theory, u, k.scalar(0), k.scalar(POLE), sp.S.One)
    bound = lambda left, right: k.AtMost(k.scalar(left), k.scalar(right))
    th = k.transfer(theory, bound(2, f(t) + 1 / u), th, [is_u], k.Range())
    th = k.substitute(theory, th, u, k.scalar(10), k.Range())
    return k.transfer(theory, bound(2, u + sp.Rational(1, 10)), th, [is_u], k.Range())


@without("statements", "narrowed", "not rng.before(rng.hi, th.hi)")
def bound_after_the_last_t(
    k,
):  # |a - b| - (a - b) is 0 for a = a_1 ... a_t, b = a_1 ... a_{T-1}, t < T
    theory = k.letters()
    kept = lambda n: sp.Product(a(k_), (k_, 1, n))
    gap = sp.sqrt(sp.expand((kept(t) - kept(T - 1)) ** 2)) - kept(t) + kept(T - 1)
    th = k.convex(theory, u, k.scalar(0), k.scalar(POLE), sp.S.One)
    bound = k.AtMost(k.scalar(gap), k.scalar(POLE))
    th = k.transfer(theory, bound, th, [], k.Range(1, T - 1))
    return k.substitute(theory, th, u, k.scalar(1), k.Range()), "at t = T the left side is positive"


@without("statements", "_real", DENSITY, "True", ("WrongRule", "importance"))
def density_of_a_fixed_state(k):  # x_t = x_{t-1} has no density
    theory, _ = k.chain(x(t - 1), 0)
    theory, start = theory.with_process("r", "forward"), k.states(t)
    th = k.importance(theory, q, start, k.states(t - 1), r, frozenset(), k.Range())
    return th, "the density that is divided by does not exist"


def test_no_letter_gets_under_a_sum_that_is_not_its_own():  # two fences: put renames, within refuses
    twice = sp.Sum(t, (k_, 1, 2))
    assert REAL.put(twice, t, k_).doit() == 2 * k_
    theory, _ = REAL.define(REAL.letters(), "1", z(t), REAL.scalar(twice))
    value = lambda left, right: REAL.calc(
        theory, REAL.scalar(left), REAL.scalar(right), [], REAL.Range()
    )
    assert value(z(1), 2) and value(sp.Product(z(k_), (k_, 1, 1)), 2)
    with pytest.raises(ProofError):
        value(sp.Product(z(k_), (k_, 1, 1)), 3)


@pytest.mark.parametrize("name", ["F0", "F1", "k_", "_F0", "_k"])
def test_no_letter_is_one_that_the_program_makes_up(name):
    F, theory = sp.Function(name), REAL.letters().with_symbol(name, "scalar", "real")
    claim = REAL.scalar(sp.Sum(z(k_), (k_, 1, t))), REAL.scalar(F(t + 1) - F(1))
    with pytest.raises(ProofError):
        REAL.calc(theory, *claim, [], REAL.Range())
    with pytest.raises(ProofError):
        REAL.calc(theory, REAL.scalar(KEY), REAL.scalar(KEY), [], REAL.Range())


@without(
    "theory",
    "Theory.with_symbol",
    "MARKS.get(kind, '') != name[:len(name) - len(name.lstrip(STATE + VECTOR))]",
)
def vector_with_the_mark_of_a_state(k):
    other = sp.Function("•y_t")
    theory = k.letters().with_symbol("•y_t", "vector", "real").with_process("r", "forward")
    th = k.declare(theory, "1", k.law(r, other(t), [t - 1], other(t - 1), 1), 1)[1]
    return th, "y_t is a fixed vector"


@without("theory", "Theory.with_hypothesis", "not name.startswith('H')")
def hypothesis_with_the_number_of_a_definition(k):
    theory = k.letters().with_hypothesis("1", c - 1, True, 1)
    th = k.calc(theory, k.scalar(sp.sqrt((c - 1) ** 2)), k.scalar(c - 1), [], k.Range())
    return th, "nothing says that it needs c > 1"


@without("definitions", "declare_matrix", "theory.kind(law.of) != 'column'")
def law_of_a_symmetric_matrix(k):
    law = k.MatrixLaw(pair, S, frozenset(), k.matrix(A), k.matrix(S2))
    theory = k.letters().with_process(pair, "pair")
    return k.declare_matrix(theory, "1", law)[1], "A is any matrix, and S is symmetric"


@without("statements", "_real", DENSITY, "True", ("WrongRule", "instance"))
def density_of_a_chain_that_starts_at_a_point(k):
    theory = k.chain(0, 1, k.chain(0)[0], "p")[0]
    whole = frozenset({k.span(sp.S.Zero, T)})
    th = k.importance(theory, q, whole, frozenset(), p, frozenset(), k.Range())
    theory = theory.with_process("r", "forward", "q")
    theory, _ = k.declare(theory, "3", k.law(r, x(0), [], h, 0), 1)
    return k.instance(theory, th, "r"), "r starts at h, and has no density"


@without("kernel", "_all_declared", "is_vector(letter)")
def letter_of_a_sum_that_is_a_vector(k):
    letter = sp.Symbol("→k", integer=True)
    sums = [k.vector(sp.Sum(letter, (letter, 1, n))) for n in (2, 1)]
    th = k.calc(k.letters(), sums[0], sums[1].map(lambda e: 3 * e), [], k.Range())
    return th, "3 is no vector"


# --- Means that are not finite, and letters that a statement may not hold ---------------------------


def fast(k):
    """A number that grows faster than any power of x_0 and x_t: its mean over x_t is 0, whatever x_0 is,
    and over x_0 it is positive. With all states independent, N(0, I)."""
    one, two = k.Dot(x(0), h), k.Dot(x(t), h)
    bell_ = lambda e: k.Exp(-(e**2) / 2)
    gap = bell_(two - one) - bell_(two - one - 1)
    return gap / (1 + k.Exp(-one)) * k.Exp((one**2 + two**2) / 2)


@without("definitions", "declare", "grows_fast(context.unfold(law.mean))")
def law_whose_mean_has_no_mean(k):
    p_ = sp.Function("p")(t)
    theory = k.letters().with_process("p", "step")
    theory, _ = k.declare(theory, "1", k.law(p_, x(0), [], 0, 1), 1)
    theory, _ = k.declare(theory, "2", k.law(p_, x(t), [0], 0, 1), 1)
    _, law = k.declare(theory, "3", k.law(p_, x(t - 1), [0, t], fast(k) * h, 1), 2)
    return law, "over x_t, then x_0, the mean of <h,x_{t-1}> is 0, over x_0, then x_t, it is not"


@without("definitions", "define", "grows_fast(meaning) and name in theory.names(*laws)")
def law_whose_mean_gets_no_mean(k):
    p_ = sp.Function("p")(t)
    y = sp.Function("y")(x(0), x(t))
    theory = k.letters().with_process("p", "step").with_symbol("y", "scalar", "real")
    theory, _ = k.declare(theory, "1", k.law(p_, x(0), [], 0, 1), 1)
    theory, _ = k.declare(theory, "2", k.law(p_, x(t), [0], 0, 1), 1)
    theory, _ = k.declare(theory, "3", k.law(p_, x(t - 1), [0, t], y * h, 1), 2)
    return k.define(theory, "4", y, k.scalar(fast(k)), 2)[
        1
    ], "as with such a law declared afterwards"


OTHERS = "all((a.args[0] == process for a in body.atoms(EE, EV)))"


@without("unfolding", "Means.joined", OTHERS, "True", ("NotProved", "calc"))
def tower_over_the_mean_of_another_process(k):  # which may be any function of x_0 and x_t
    theory, _ = k.chain(0)
    theory = theory.with_process("p", "forward")
    other = k.dot(h, k.mean_vector(p, [0, t], x(t - 1)))
    twice = lambda n: k.scalar(k.mean(q, [], k.mean(q, [n], other)))
    th = k.calc(theory, twice(0), twice(t), [], k.Range(2))
    return th, "of a function with no finite mean under q they may differ"


@without("kernel", "_all_declared", "is_state(a) and [n.is_integer for n in a.args] != [True]")
def state_with_two_indices(k):
    two = sp.Function("•x_t")(t, 5)
    return k.calc(k.letters(), k.vector(two), k.vector(two), [], k.Range()), "a state has one index"


def test_a_sum_whose_index_is_no_whole_number_is_not_shifted():
    half, gamma = sp.Rational(1, 2), sp.Function("γ")
    body = gamma(k_ + half) * sp.cos(2 * sp.pi * T ** ((k_ + half) ** 2))
    sums = [REAL.scalar(sp.Sum(e, (k_, 1, t))) for e in (body, gamma(k_ + half))]
    with pytest.raises(ProofError):
        REAL.calc(REAL.letters(), *sums, [], REAL.Range())


def test_a_sum_of_one_term_moves_with_its_state():
    one = sp.Sum(REAL.Dot(x(k_), h), (k_, t, t))
    with pytest.raises(ProofError):
        REAL.along(REAL.letters(), one, x(t))


@pytest.mark.parametrize("name", ["", "γ'", "•q", "→q"])
def test_a_process_has_a_plain_name(name):
    with pytest.raises(ProofError):
        REAL.letters().with_process(name, "forward")


def test_only_a_process_goes_by_the_name_of_one():
    class Rounded(sp.Float):
        name = "q"

    theory = REAL.letters().with_process("q", "forward")
    below = REAL.scalar(sp.expand((u - 1) ** 2 - sp.Rational(1, 10**20)))
    with pytest.raises(ProofError):
        REAL.convex(theory, u, REAL.scalar(0), below, Rounded(1))


# --- Every condition has a case, or a reason ---------------------------------------------------------

CRASH = "only a clearer message: without it, the next lines fail"
FENCE = "a second fence: what comes out ends before T, and induct asks for the whole range"
AGAIN = "for the reader: the kernel looks at the shapes of every statement again"
COUNTED = "for the reader: the kernel counts the vectors in every statement again"
EXEMPT = {
    ("kernel", "_all_declared", "not _is_process(theory, claim.process)"): CRASH,
    ("kernel", "_all_declared", "not _is_process(theory, x.args[0])"): CRASH,
    ("gaussians", "markov", "not all((rng.before(a, b) for a, b in extra))"): "_theorem asks again",
    ("definitions", "define", "matches(head, head) != t_"): "the value has no t then",
    (
        "derivatives",
        "chain_rule",
        "not isinstance(part, (sp.Add, sp.Mul, sp.Pow, sp.log, Exp, sp.cos, sp.sin))",
    ): "a derivative that is left has no meaning: _all_declared",
    ("relations", "suppose", "isinstance(claim, MatrixLaw)"): "induct asks again",
    ("relations", "suppose", "any((a.has(s_) for a in parts(claim)))"): "induct asks again",
    ("relations", "monotone", "not isinstance(th.claim, AtMost)"): "E x_t is no vector: _all_fit",
    (
        "kernel",
        "_all_declared",
        "letter in own",
    ): "a second fence: nothing is unfolded within such a sum",
    (
        "kernel",
        "_theorem",
        "not rng.before(rng.hi, T_)",
    ): "no rule concludes anything from what is said of a t after T",
    (
        "statements",
        "common_range",
        "any((p.open for p in premises)) and len({p.hi for p in premises}) > 1",
    ): FENCE,
    ("statements", "law_in", "not isinstance(th.claim, Law)"): CRASH
    + ", other statements have no variance",
    ("definitions", "declare", "wanted is None"): CRASH + ", None has no parts",
    (
        "definitions",
        "declare",
        "states_of(context.unfold(law.variance))",
    ): "a law whose variance depends on what is given is a true law; mix and condition ask again",
    (
        "definitions",
        "define",
        "lo < 0",
    ): "for the reader: before t = 0 a letter has no domain, and nothing contradicts a meaning there",
    (
        "definitions",
        "define",
        "domain != 'real' and lo > 1",
    ): "a second fence: before its first t a letter stays a number of its domain, and no meaning is put in",
    ("gaussians", "instance", "name not in theory.processes"): CRASH + ", there is no such entry",
    ("gaussians", "instance", "not (like := theory.processes[name].like)"): CRASH
    + ", no process has an empty name",
    (
        "gaussians",
        "instance",
        "th.open",
    ): "a claim on the process is supposed for every start, so for this one as well",
    ("gaussians", "markov", "len(q.given) != 1"): CRASH + ", there is not one state to unpack",
    ("relations", "at", "not k.is_Integer"): CRASH + ", it makes a whole number of it",
    ("statements", "narrowed", "th.open and rng.hi != th.hi"): FENCE,
    (
        "gaussians",
        "linked",
        "not apart([y], p.given, rng)",
    ): "a true law of a state given itself has no variance, and what is mixed or conditioned of it is true",
    (
        "gaussians",
        "linked",
        "hides(theory, e)",
    ): "a law with a letter that may be random comes from no rule but suppose and numeric, which mark it",
    (
        "gaussians",
        "mix",
        "not apart([span(q.of.args[0])], p.given, rng)",
    ): "what is mixed of true laws is true, even of a state given itself",
    (
        "gaussians",
        "condition",
        "not apart([x], [*p.given, span(p.of.args[0])], rng)",
    ): "a state given itself has no variance, and the variances are asked to be positive",
    (
        "relations",
        "induct",
        "not any((a.has(t_) for a in parts(token.claim)))",
    ): "without t in the claim, the base is the claim itself",
    (
        "relations",
        "transfer",
        "not isinstance(known.claim, (Equal, AtMost))",
    ): "the next condition refuses it as well",
    ("definitions", "innovation", "q.process is None"): CRASH + ", no process has no name",
    ("relations", "transfer", "not isinstance(claim, (Equal, AtMost))"): CRASH
    + ", a law has no left side",
    (
        "relations",
        "transfer",
        "claim.left.kind != known.claim.left.kind",
    ): "a difference of numbers, and of the same multiples of I, say the same; of vectors, only 0 is the same",
    (
        "relations",
        "convex",
        "theory.domain(u) != 'positive'",
    ): "on a smaller domain the bound holds as well; on a larger one no logarithm has a value, and no root a positive base",
    (
        "relations",
        "convex",
        "gap.free_symbols != {u}",
    ): "the gap is convex in u for every value of the other letters",
    (
        "relations",
        "convex",
        "gap.atoms(sp.Function) - gap.atoms(sp.log)",
    ): "the derivative of another function of u is a symbol without sign, and the slope is not proved to rise",
    (
        "relations",
        "substitute",
        "theory.kind(u) != 'scalar'",
    ): "a bound in a letter that is not declared was proved for all numbers",
    (
        "relations",
        "substitute",
        "named(u) in theory.definitions",
    ): "a letter with a meaning is replaced by that before",
    (
        "relations",
        "substitute",
        "not u.is_Symbol",
    ): "the value of a family at one index is a number like another",
    (
        "relations",
        "substitute",
        "not isinstance(th.claim, AtMost)",
    ): "an equation of numbers holds for every number, too",
    ("relations", "substitute", "th.open"): "what is supposed holds for every value of the letter",
    ("relations", "induct", "isinstance(token.claim, MatrixLaw)"): "the base of a law at another "
    "time would have to come from at",
    ("relations", "monotone", "th.open"): "what is supposed holds for all states",
    (
        "definitions",
        "innovation",
        "named(head) in theory.names(q.mean, q.variance)",
    ): "the meaning of such a noise would have no end, and nothing that holds it is compared",
    (
        "derivatives",
        "slope.of_vector",
        "theory.kind(a) != 'path'",
    ): "the derivative of a letter that is no path was not declared, and no theorem is made",
    (
        "definitions",
        "declare_matrix",
        "process.shape != 'pair'",
    ): "columns beside a chain: nothing connects them with its states",
    (
        "definitions",
        "declare_matrix",
        "len(before) > 1",
    ): "a third column given the two before it is a true law",
    (
        "gaussians",
        "mix_matrix",
        "not (isinstance(p, MatrixLaw) and isinstance(q, MatrixLaw))",
    ): CRASH + ", other means have no words",
    (
        "gaussians",
        "mix_matrix",
        "p.given",
    ): "a pair has no law given its second column that could follow",
    ("theory", "Theory.free_head", "name not in self.symbols"): CRASH
    + ", define looks the letter up",
    (
        "theory",
        "Theory.with_symbol",
        "not (kind in whole and known.kind in whole) and _clash(name, other)",
    ): "for the reader: to the rules, v_1 and v_t at 1 are two letters",
    (
        "definitions",
        "define",
        "value.expr != 0 and value.kind != ('vector' if is_vector(head) else 'scalar')",
    ): COUNTED,
    (
        "theory",
        "Theory.with_symbol",
        "domain == 'symmetric' and (kind != 'matrix' or len({*shape}) != 1)",
    ): "for the reader: a product has another shape than its transpose",
    ("matrices", "Words.add", "len(shapes) > 1"): AGAIN,
    (
        "matrices",
        "Words.add",
        "shape[0] != shape[1] and any((ANY in x.shape and x.expr != 0 for x in terms))",
    ): AGAIN,
    ("matrices", "Words._product", "x.shape[1] != y.shape[0]"): AGAIN,
    (
        "theory",
        "Theory.with_symbol",
        "name.lstrip(STATE + VECTOR) in _INDICES",
    ): "for the reader: to the rules, an index and a letter of its name are two symbols",
    ("theory", "Theory.with_process", "name in _INDICES"): "the same",
    ("matrices", "Words.mul", "isinstance(x, Blocks)"): CRASH + ", blocks have no shape",
    ("matrices", "Words.mul", "isinstance(y, Blocks)"): CRASH + ", blocks have no shape",
}
FILES = (
    "theory",
    "matrices",
    "statements",
    "derivatives",
    "definitions",
    "gaussians",
    "relations",
    "kernel",
)
ALL = [x for file in FILES for x in conditions(file)]
REAL = Kernel()


def as_claim(result):
    """The theorem of a derivation; what is true instead, or why it has no meaning; and numbers."""
    th, *more = result if isinstance(result, tuple) else (result,)
    return (
        th,
        next((x for x in more if not isinstance(x, dict)), None),
        next((x for x in more if isinstance(x, dict)), {}),
    )


def is_false(k, th, truth, numbers) -> bool:
    claim, numbers = th.claim, {**numbers, "from": th.lo}
    if isinstance(truth, str):
        return True
    if isinstance(claim, k.MatrixLaw):
        return any(
            sp.expand(getattr(claim, part).expr - getattr(truth, part).expr) != 0
            for part in ("mean", "covariance")
        )
    if isinstance(claim, k.Law):
        assert (claim.process, claim.given) == (truth.process, truth.given)
        return any(
            differ(getattr(claim, part), getattr(truth, part), dict(numbers))
            for part in ("mean", "variance")
        )
    if isinstance(truth, sp.Basic):  # what the derivative on the left is
        return differ(claim.left.expr, truth, numbers)
    if isinstance(claim.left, k.Matrix):
        return sp.expand(claim.left.expr - claim.right.expr) != 0
    if claim.left.kind != claim.right.kind:
        return True
    return differ(claim.left.expr, claim.right.expr, numbers, isinstance(claim, k.AtMost))


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.derivation.__name__}-{case.condition}"
)
def test_the_condition_is_needed(case):
    k = Kernel(case.condition, *case.also)
    th, truth, numbers = as_claim(case.derivation(k))
    assert isinstance(th, k.Theorem) and not th.open and th.strength == "derived"
    assert is_false(k, th, truth, numbers)
    with pytest.raises(ProofError) as refused:
        case.derivation(REAL)
    error, raised = refused.value, case.condition.refusal
    if case.refused is None:
        last = refused.traceback[-1]
        assert last.path.stem == case.condition.file and last.lineno + 1 == raised.lineno, str(
            error
        )
    else:
        assert (
            type(error).__name__,
            getattr(error, "rule", ""),
        ) == case.refused


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.derivation.__name__)
def test_what_is_false_is_refused(case):  # wherever it is: also where a changed module stands
    with pytest.raises(ProofError):
        case.derivation(REAL)


def test_every_condition_is_covered_or_exempt():
    asked = {(c.file, c.where, ast.unparse(c.node)) for c in (case.condition for case in CASES)}
    assert len(set(ALL)) == len(ALL)
    assert [x for x in ALL if x not in asked and x not in EXEMPT] == []
    assert [x for x in EXEMPT if x in asked or x not in ALL] == []
