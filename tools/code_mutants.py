"""Break the code on purpose, one place at a time, and see whether the tests notice.

A seeded sample of small changes to the modules of the derivation, one of changes to the loop, the
checkpoints and the measures of a run, and one of changes to the prover.
For each one a process is forked from a parent that has imported the libraries, but not the package;
it imports the changed module in the place of the right one, and runs the tests of that module until
one fails. What survives in the prover is tried once more: notebooks that prove are run, and their
outputs compared, in a copy of the course in which that module is changed. First comes the control:
every module as it is must be imported so, and pass its tests; so must the notebooks, unchanged.

From the top of the repository: python tools/code_mutants.py > bench/code_mutants.md
With names behind it, it breaks those modules alone, and --seed takes another sample, as in:
python tools/code_mutants.py proofs --seed 2 --size 100
"""

import argparse
import ast
import contextlib
import copy
import hashlib
import importlib
import importlib.abc
import importlib.util
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from notebooks import NBS, ROOT

TESTS = {
    "schedule": ["schedule", "oracle", "flow_matching", "bad_inputs", "any_argument"],
    "forward": ["forward", "oracle", "bad_inputs", "any_argument"],
    "posterior": ["posterior", "oracle", "bad_inputs", "any_argument"],
    "objective": ["objective", "oracle", "bad_inputs", "any_argument"],
    "prediction": ["prediction", "oracle", "bad_inputs", "any_argument"],
    "sampling": ["sampling", "bad_inputs", "any_argument"],
    "mixture": ["mixture", "any_argument"],
    "probability_flow": ["probability_flow", "any_argument"],
    "guidance": ["guidance", "any_argument"],
    "flow_matching": ["flow_matching", "any_argument"],
    "unet": ["unet", "any_argument"],
}
RUNS = {
    "runs.loop": ["loop", "resume"],
    "runs.checkpoint": ["checkpoint", "resume"],
    "runs.training": ["training", "resume"],
    "runs.measures": ["measures"],
    "runs.evaluation": ["evaluation"],
}
# The second opinion, and what proves; then tests of all that stands on both. The rest of
# test_kernel_conditions breaks the kernel itself, and reads it from its file, where no other module
# stands in its place.
SECOND = {
    *("arithmetic", "chains", "checks", "grids", "laws"),
    *("normals", "oracle", "slopes", "spelling", "worlds"),
}
JUDGES = ["proofs_edges", "proofs_oracle", "attacks", "reading_mutants"]
PROVES = [
    "proofs_edges",
    "kernel_conditions.py::test_what_is_false_is_refused",
    "proofs",
    "mutants",
    "attacks",
    "proof_mutants",
    "equations",
    "workbook",
]
PROOFS = {
    f"proofs.{path.stem}": [
        *(JUDGES if path.stem in SECOND else PROVES),
        *("refusals", "exercises", "near_misses"),
    ]
    for path in sorted((ROOT / "ddpm_course/proofs").glob("[a-z]*.py"))
}
SIZES, SECONDS = {"the derivation": 200, "runs": 60, "the prover": 120}, 600
SEED = 3  # tests were written for what survived of the samples with seeds 0, 1 and 2

# --- Changes -------------------------------------------------------------------------------------

ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.MatMult: ast.Mult,
}
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """The small changes of one node, each a new node."""

    def other(**fields) -> ast.AST:
        new = copy.copy(node)
        vars(new).update(fields)
        return new

    match node:
        case ast.BinOp(op=op) if type(op) in ARITHMETIC:
            yield other(op=ARITHMETIC[type(op)]())
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            yield other(ops=[COMPARISONS[type(op)]()])
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert()):
            yield node.operand
        case ast.BoolOp(op=op):
            yield other(op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.Constant(value=bool(value)):
            yield other(value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield other(value=value + 1)
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.If():
            yield other(test=ast.Constant(False))
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Return(value=ast.Call(func=ast.Attribute(value=value))):
            yield other(value=value)


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every node, with its parent, the parent's field, and its place in a field that is a list."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST):
                    yield parent, field, place, node


def left_out(tree: ast.AST) -> set[int]:
    """The nodes inside annotations, decorators and errors that are raised."""
    found = set()
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        parts += getattr(node, "decorator_list", [])
        if isinstance(node, ast.Raise):
            parts.append(node)
        found |= {id(inner) for part in parts if part for inner in ast.walk(part)}
    return found


@dataclass(frozen=True)
class Mutant:
    """One change: the module, the line, and what stood there and what stands there now."""

    module: str
    line: int
    before: str
    after: str
    source: str  # of the whole module
    tests: tuple[str, ...]  # files of tests, or single tests, that should notice it


def mutants(module: str, size: int | None = None, seed: int = SEED) -> list[Mutant]:
    """All mutants of a module, or a sample of this size by a fixed seed."""
    tree, places_ = parsed(module)
    names = (TESTS | RUNS | PROOFS)[module]
    tests = tuple(f"tests/test_{name}" + ".py" * ("::" not in name) for name in names)
    draw = random.Random(f"{module}{seed}")
    chosen = places_ if size is None else draw.sample(places_, min(size, len(places_)))
    return [
        Mutant(
            module,
            node.lineno,
            ast.unparse(node).splitlines()[0],
            ast.unparse(new).splitlines()[0],
            source_with(tree, (parent, field, place), new),
            tests,
        )
        for parent, field, place, node, new in chosen
    ]


def parsed(module: str) -> tuple[ast.AST, list[tuple]]:
    """The tree of a module, and every place in it, with the node there and a node to put instead."""
    tree = ast.parse(source(module))
    kept = left_out(tree)
    return tree, [
        (parent, field, place, node, new)
        for parent, field, place, node in places(tree)
        if id(node) not in kept
        for new in changed(node)
    ]


def source(module: str) -> str:
    return (ROOT / f"ddpm_course/{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def source_with(tree: ast.AST, at: tuple, new: ast.AST) -> str:
    """The source of a tree with a node in another's place; the tree stays as it was."""
    parent, field, place = at

    def put(value):
        if place is None:
            setattr(parent, field, value)
        else:
            getattr(parent, field)[place] = value

    old = getattr(parent, field) if place is None else getattr(parent, field)[place]
    put(ast.copy_location(new, old))
    made = ast.unparse(ast.fix_missing_locations(tree))
    put(old)
    return made


# --- Trying one ----------------------------------------------------------------------------------


class Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module of the package from another source."""

    def __init__(self, mutant: Mutant):
        self.mutant = mutant

    def find_spec(self, name, path=None, target=None):
        if name == f"ddpm_course.{self.mutant.module}":
            return importlib.util.spec_from_loader(name, self)

    def exec_module(self, module):
        exec(compile(self.mutant.source, f"{self.mutant.module}.py", "exec"), vars(module))


NO_IMPORT = 10  # the exit code of a child whose changed module cannot be imported


def run_tests(mutant: Mutant) -> int:
    """Import the changed module and run its tests, if it has any; pytest's exit code, in a forked
    child."""
    import pytest

    sys.meta_path.insert(0, Instead(mutant))
    try:
        importlib.import_module(f"ddpm_course.{mutant.module}")
    except Exception:
        return NO_IMPORT
    if not mutant.tests:
        return 0
    plugins = [
        "no:cacheprovider",
        "no:nbval",
        "no:anyio",
        "no:unraisableexception",
    ]  # starts faster
    return pytest.main(
        [
            "-x",
            "-q",
            "--noconftest",
            "-m",
            "not slow",
            *(f"-p{plugin}" for plugin in plugins),
            *(str(ROOT / test) for test in mutant.tests),
        ]
    )


def started(mutant: Mutant) -> int:
    """Run the tests in a new process, a copy of this one, and return its number."""
    if child := os.fork():
        return child
    os.setsid()
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        try:
            code = int(run_tests(mutant))
        except BaseException:
            code = 9
    os._exit(code)


def outcomes(chosen: list[Mutant]) -> list[tuple[Mutant, str]]:
    """Each mutant with what happened, as many at a time as there are cores.

    It survived, or was killed by a test, or not collected: the tests could not even be read. It ran
    into the timeout, or pytest crashed. Or it does not import: then no test has noticed anything.
    """
    waiting, running, found = list(chosen), {}, []
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            mutant = waiting.pop()
            running[started(mutant)] = mutant, time.monotonic()
        time.sleep(0.02)
        for child, (mutant, start) in list(running.items()):
            late = time.monotonic() - start > SECONDS
            if late:
                os.killpg(child, signal.SIGKILL)
            done, status = os.waitpid(child, 0 if late else os.WNOHANG)
            if done:
                del running[child]
                code = os.waitstatus_to_exitcode(status)
                names = {
                    0: "survived",
                    1: "killed",
                    2: "not collected",
                    NO_IMPORT: "does not import",
                }
                found.append((mutant, "timeout" if late else names.get(code, "crashed")))
                print(f"{len(found)} of {len(chosen)}", file=sys.stderr, flush=True)
    return found


def with_proofs() -> list[Path]:
    """Notebooks that prove and that train nothing: chapters, the prover's own, and the errata."""
    return sorted(path for name in ("0[0-5]*", "[56]*", "90*") for path in NBS.glob(name))


def another_output(mutant: Mutant, notebooks: list[Path]) -> bool:
    """Whether one of the notebooks gives another output with the changed module."""
    with tempfile.TemporaryDirectory() as room:
        copied = Path(room) / "course"
        shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns(".*", "build", "node_modules"))
        (copied / f"ddpm_course/{mutant.module.replace('.', '/')}.py").write_text(mutant.source)
        options = "-x -q -p no:cacheprovider --nbval --nbval-current-env --nbval-sanitize-with"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options.split(), "tests/sanitize.cfg"]
            + [str(path.relative_to(ROOT)) for path in notebooks],
            cwd=copied,
            env={**os.environ, "PYTHONPATH": str(copied)},
            capture_output=True,
        )
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return done.returncode == 1


def tried_by_notebooks(results: dict[Mutant, str]) -> dict[Mutant, str]:
    """The same results, where what survived the tests is tried by the notebooks, too."""
    left = [mutant for mutant, got in results.items() if got == "survived"]
    notebooks = with_proofs()
    for mutant in left[:1]:
        if another_output(replace(mutant, source=source(mutant.module)), notebooks):
            sys.exit("unchanged, the notebooks give another output. First store it: make outputs")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = dict(zip(left, pool.map(lambda mutant: another_output(mutant, notebooks), left)))
    return {
        mutant: "killed by a notebook" if seen.get(mutant) else got
        for mutant, got in results.items()
    }


def warm() -> None:
    """Import what the tests import, but for the package."""
    import hypothesis  # noqa: F401
    import jaxtyping  # noqa: F401
    import lark  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import mpmath  # noqa: F401
    import nbformat  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401
    import scipy.linalg  # noqa: F401
    import sklearn.datasets  # noqa: F401
    import sympy  # noqa: F401
    import torch
    import torchmetrics  # noqa: F401
    import torchvision  # noqa: F401

    torch.set_num_threads(1)
    assert not any(name.startswith("ddpm_course") for name in sys.modules)


def tried(chosen: list[Mutant]) -> dict[Mutant, str]:
    """What happened to each mutant, from a process that forks safely: a new one."""
    program = (
        "import pickle, sys, code_mutants as tool; mutants = pickle.load(sys.stdin.buffer); "
        "tool.warm(); pickle.dump(tool.outcomes(mutants), sys.stdout.buffer)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "tools",
        check=True,
        input=pickle.dumps(chosen),
        stdout=subprocess.PIPE,
    )
    return dict(pickle.loads(done.stdout))


def control(modules: Iterable[str]) -> dict[str, str]:
    """What happens to each module as it is, written out in the same way: "survived", or no result
    can be trusted. Where modules share their tests, these are run once; the others are imported."""
    as_they_are, seen = [], set()
    for module in modules:
        some = mutants(module, 1)[0]
        tests = some.tests if some.tests not in seen else ()
        seen.add(some.tests)
        text = ast.unparse(ast.parse(source(module)))
        as_they_are.append(replace(some, before="", after="", source=text, tests=tests))
    return {mutant.module: got for mutant, got in tried(as_they_are).items()}


def fingerprint(modules: Iterable[str]) -> str:
    """Of the modules that are broken, so that a stored result says what it is a result of."""
    return hashlib.sha256("".join(map(source, modules)).encode()).hexdigest()[:16]


OUTCOMES = (
    "killed",
    "killed by a notebook",
    "survived",
    "timeout",
    "crashed",
    "does not import",
)


def table(results: dict[Mutant, str], modules: Iterable[str]) -> str:
    lines = [
        "| module | tried | " + " | ".join(OUTCOMES) + " |",
        "|---" * (len(OUTCOMES) + 2) + "|",
    ]
    for module in [*modules, "all"]:
        counts = Counter(
            "killed" if got == "not collected" else got
            for mutant, got in results.items()
            if module in (mutant.module, "all")
        )
        lines.append(
            f"| {module} | {counts.total()} | "
            + " | ".join(str(counts[name]) for name in OUTCOMES)
            + " |"
        )
    return "\n".join(lines)


def run(modules: list[str], size: int, seed: int) -> dict[Mutant, str]:
    """What happens to a sample of mutants of some modules, and what that took, in words."""
    for module, got in control(modules).items():
        if got != "survived":
            sys.exit(
                f"{module}.py, unchanged: {got}. First let its tests pass: {mutants(module, 1)[0].tests}"
            )
    start = time.perf_counter()
    places_ = [(module, place) for module in modules for place in range(len(parsed(module)[1]))]
    counts = Counter(
        module for module, _ in random.Random(seed).sample(places_, min(size, len(places_)))
    )
    chosen = [mutant for module in modules for mutant in mutants(module, counts[module], seed)]
    results = tried(chosen)
    if PROOFS.keys() >= {*modules}:
        results = tried_by_notebooks(results)
    print(table(results, modules))
    print(
        f"\nA sample of {len(results)} of {len(places_)} changes, "
        f"{(time.perf_counter() - start) / 60:.0f} minutes on {os.cpu_count()} cores; the modules' "
        f"SHA-256 begins with {fingerprint(modules)}. Unchanged, all pass.\n"
    )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="how the names of modules begin")
    parser.add_argument("--seed", type=int, default=SEED, help="of the sample")
    parser.add_argument("--size", type=int, help="of the sample of each part")
    options = parser.parse_args()
    known = {
        **dict.fromkeys(TESTS, "the derivation"),
        **dict.fromkeys(RUNS, "runs"),
        **dict.fromkeys(PROOFS, "the prover"),
    }
    chosen = [module for module in known if module.startswith(tuple(options.names or [""]))]
    print("# Code broken on purpose\n\n## Found\n")
    results = {}
    for part, size in SIZES.items():
        if modules := [module for module in chosen if known[module] == part]:
            print(f"Of {part}:\n")
            results |= run(modules, options.size or size, options.seed)
    print("## Not killed\n")
    for mutant, got in sorted(
        results.items(), key=lambda result: (result[0].module, result[0].line)
    ):
        if got not in ("killed", "not collected", "killed by a notebook"):
            print(
                f"- {got}: `{mutant.module}`, line {mutant.line}: `{mutant.before}` became "
                f"`{mutant.after}`"
            )
    print(
        "\n## Command\n\n`make mutants`, or `python tools/code_mutants.py > bench/code_mutants.md`"
    )


if __name__ == "__main__":
    import code_mutants  # by its own name: the process that tries mutants knows them by it

    code_mutants.main()
