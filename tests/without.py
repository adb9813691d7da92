"""Copies of the trusted code in which one condition is missing, and whether a claim is false in numbers."""

import ast
import itertools
import sys
import types
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import sympy as sp
from sympy.core.function import AppliedUndef

from ddpm_course import proofs
from ddpm_course.proofs.terms import T_, d_, t_

FOLDER = Path(proofs.__file__).parent
FILES = (
    "errors",
    "reader",
    "terms",
    "theory",
    "unfolding",
    "signs",
    "zero",
    "matrices",
    "statements",
    "derivatives",
    "definitions",
    "gaussians",
    "relations",
    "kernel",
)  # each needs those before it
NUMBER = itertools.count()


def parsed(file: str) -> ast.Module:
    """A file of the trusted code, with imports from the package as imports from the copy that it is in."""
    tree = ast.parse((FOLDER / f"{file}.py").read_text(encoding="utf8"))
    for n in ast.walk(tree):
        if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("ddpm_course.proofs."):
            n.module, n.level = n.module.removeprefix("ddpm_course.proofs."), 1
    return tree


TREES = {file: parsed(file) for file in FILES}
CODE = {file: compile(tree, f"{file}.py", "exec") for file, tree in TREES.items()}
UP = {
    node: parent
    for tree in TREES.values()
    for parent in ast.walk(tree)
    for node in ast.iter_child_nodes(parent)
}


def places(node: ast.AST, path: str = "") -> dict[ast.AST, str]:
    """The functions and classes that every node stands in, as Class.method."""
    inner = (
        f"{path}.{node.name}".lstrip(".")
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        else path
    )
    found = {node: path}
    for child in ast.iter_child_nodes(node):
        found.update(places(child, inner))
    return found


PLACES = {file: places(tree) for file, tree in TREES.items()}


@dataclass(frozen=True)
class Condition:
    """A piece of code of the kernel, by its file, its function and its text, which stands there once; and
    what takes its place: `pass` for a statement, else what makes it ask for nothing."""

    file: str
    where: str
    code: str
    instead: str = ""

    def __str__(self):
        return f"{self.file}.{self.where}: {self.code}"

    @cached_property
    def node(self) -> ast.AST:
        (wanted,) = ast.parse(self.code).body
        if isinstance(wanted, ast.Expr):
            wanted = wanted.value
        found = [
            n
            for n, where in PLACES[self.file].items()
            if where == self.where and type(n) is type(wanted) and ast.dump(n) == ast.dump(wanted)
        ]
        assert len(found) == 1, f"{self} stands there {len(found)} times"
        return found[0]

    @property
    def refusal(self) -> ast.Raise | None:
        """The statement that refuses when this condition fails, if it is asked for right there."""
        node = self.node
        while not isinstance(node, ast.If | ast.Raise | ast.FunctionDef):
            node = UP[node]
        if isinstance(node, ast.If):
            node = next((x for x in node.body if isinstance(x, ast.Raise)), None)
        return node if isinstance(node, ast.Raise) else None

    @contextmanager
    def removed(self) -> Iterator[None]:
        """The tree of its file without it, for a while."""
        node, parent = self.node, UP[self.node]
        if self.instead:
            (new,) = ast.parse(self.instead).body
            if isinstance(node, ast.expr):
                new = new.value
        elif isinstance(node, ast.stmt):
            new = ast.Pass()
        else:
            new = ast.Constant(isinstance(parent, ast.BoolOp) and isinstance(parent.op, ast.And))
        for n in ast.walk(ast.copy_location(new, node)):
            ast.copy_location(n, node)
        put(parent, node, new)
        try:
            yield
        finally:
            put(parent, new, node)


def put(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Exchange a child of a node."""
    for name, value in ast.iter_fields(parent):
        if value is old:
            setattr(parent, name, new)
        elif isinstance(value, list) and old in value:
            value[value.index(old)] = new


def code_of(file: str, missing: tuple[Condition, ...]) -> types.CodeType:
    """The code of a file, without those of the conditions that stand in it."""
    own = [condition for condition in missing if condition.file == file]
    if not own:
        return CODE[file]
    with ExitStack() as stack:
        for condition in own:
            stack.enter_context(condition.removed())
        return compile(TREES[file], f"{file}.py", "exec")


class Code:
    """The names of the trusted code, of the package itself or of a copy without some conditions."""

    def __init__(self, *missing: Condition):
        package = f"without_{next(NUMBER)}"
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = []
        first = min((FILES.index(condition.file) for condition in missing), default=len(FILES))
        for name in FILES:
            module = sys.modules[f"ddpm_course.proofs.{name}"]
            if FILES.index(name) >= first:
                module = types.ModuleType(f"{package}.{name}")
                sys.modules[module.__name__] = module
                exec(code_of(name, missing), vars(module))
            sys.modules[f"{package}.{name}"] = module
            vars(self).update(vars(module))
        for name in FILES:
            del sys.modules[f"{package}.{name}"]


def conditions(file: str) -> list[tuple[str, str, str]]:
    """Everything that a file asks for before it refuses: each part of `if A or B: raise` is one condition."""
    found = []
    for n in ast.walk(TREES[file]):
        if not isinstance(n, ast.Raise):
            continue
        parent = UP[n]
        if not isinstance(parent, ast.If) or n not in parent.body:
            asked = [n]
        elif isinstance(parent.test, ast.BoolOp) and isinstance(parent.test.op, ast.Or):
            asked = parent.test.values
        else:
            asked = [parent.test]
        found += [(file, PLACES[file][n], ast.unparse(part)) for part in asked]
    return found


# --- In numbers ----------------------------------------------------------------------------------


def value(e: sp.Expr, at: dict) -> complex:
    """With vectors of one entry, d = 2, T = 3 unless `at` says so, and numbers between 0 and 1 for what it does not name."""
    table = {}

    def number(atom):
        if atom in at:
            return sp.sympify(at[atom])
        return table.setdefault(
            str(atom), sp.Rational(zlib.crc32(str(atom).encode()) % 797 + 100, 1000)
        )

    def walk(e):
        name = type(e).__name__
        if name == "Dot":
            return walk(e.args[0]) * walk(e.args[1])
        if name == "Exp":
            return sp.exp(walk(e.args[0]))
        if name in ("EE", "EV", "M") or isinstance(e, AppliedUndef) or e.is_Symbol:
            return number(e)
        return e.func(*map(walk, e.args)) if e.args else e

    e = sp.sympify(e).subs(
        {**{x: n for x, n in at.items() if x.is_Symbol and x.is_integer}, T_: at.get(T_, 3), d_: 2}
    )
    e = e.replace(lambda x: isinstance(x, sp.Sum | sp.Product), lambda x: x.doit())
    return complex(walk(e))


def differ(left, right, at: dict, at_most: bool = False) -> bool:
    """Whether a relation fails somewhere, for t from at["from"] to T: two numbers differ, or one is none."""
    first, found = at.pop("from"), []
    for n in range(first, int(at.get(T_, 3)) + 1):
        if at.get(t_, n) != n:
            continue
        try:
            x, y = (value(e, {**at, t_: sp.Integer(n)}) for e in (left, right))
        except (TypeError, ZeroDivisionError):
            return True
        gap = x - y
        found.append(
            gap != gap or abs(gap.imag) > 1e-9 or (gap.real if at_most else abs(gap.real)) > 1e-9
        )
    return any(found)
