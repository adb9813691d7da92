"""Pack what proves in a reader's browser, for the site: Python for browsers, and the prover.

The package holds the sources that the tests import, from this repository and from the environment
that they ran in, and of the notebooks the code. It is the same to the bit for the same sources.
From the top of the repository: make book
"""

import gzip
import hashlib
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import files, version
from pathlib import Path

from notebooks import ROOT, chapters

RUNTIME = ROOT / "book/node_modules/pyodide"
OUT = ROOT / "build/prover"  # what is put into the folder of the site, as it is
LOADED = [
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
]
LIBRARIES = ["sympy", "mpmath", "lark"]
MISSING = f"""
{"*" * 78}
The site is built WITHOUT its prover: nothing on it can be checked in the browser.
{RUNTIME.relative_to(ROOT)} is not there. To get it, install Node.js, which
brings npm, and run make book again.
{"*" * 78}"""


def ours() -> Iterator[tuple[str, bytes]]:
    """The prover, what it says, and the statements of the course."""
    package = ROOT / "ddpm_course"
    modules = [package / "__init__.py", package / "checks.py", *(package / "proofs").rglob("*.py")]
    for path in sorted(modules):
        yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    for name in ("statements.py", "judge.py"):
        yield name, (ROOT / "tools" / name).read_bytes()
    for path in chapters():
        name = path.relative_to(ROOT / "nbs").as_posix()
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [
            {"cell_type": "code", "source": cell["source"]}
            for cell in cells
            if cell["cell_type"] == "code"
        ]
        yield f"ddpm_course/notebooks/{name}", json.dumps({"cells": code}).encode()


def libraries() -> Iterator[tuple[str, bytes]]:
    """Modules, grammars and licences of what the prover imports; no tests."""
    for library in LIBRARIES:
        for path in sorted(files(library) or []):
            module = path.parts[0] == library and path.suffix in (".py", ".lark")
            if (module and "tests" not in path.parts) or "LICENSE" in path.name:
                yield path.as_posix(), path.read_binary()


def packed() -> bytes:
    """The package, as a ZIP file whose bytes depend on the sources alone."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in [*ours(), *libraries()]:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def about(folder: Path) -> dict[str, str]:
    """What the pages say of it: what is loaded, its size as it is and compressed, the package's hash."""
    loaded = [path.read_bytes() for path in sorted(folder.iterdir())]
    runtime = json.loads((RUNTIME / "package.json").read_text(encoding="utf-8"))["version"]
    return {
        "bytes": str(sum(map(len, loaded))),
        "compressed": str(sum(len(gzip.compress(data)) for data in loaded)),
        "hash": hashlib.sha256((folder / "package.zip").read_bytes()).hexdigest(),
        "holds": ", ".join(
            [f"Pyodide {runtime}", *(f"{name} {version(name)}" for name in LIBRARIES)]
        ),
    }


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    if not RUNTIME.exists():
        print(MISSING, file=sys.stderr)
        sys.exit()
    folder = OUT / "prover"
    folder.mkdir(parents=True)
    for name in LOADED:
        shutil.copy(RUNTIME / name, folder)
    (folder / "package.zip").write_bytes(packed())
    (folder / "about.json").write_text(json.dumps(about(folder), indent=1), encoding="utf-8")
