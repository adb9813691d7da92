"""The course away from its repository: what the wheel holds, and that every notebook runs."""

import re
import subprocess
import sys
import sysconfig
import zipfile

import pytest
from notebooks import NBS, ROOT, chapters
from test_repository import MACHINE_PATH, copied, modules

from ddpm_course.course import course_files

TAKEN = [path.relative_to(NBS).as_posix() for path in chapters()]
METADATA = {
    "METADATA",
    "RECORD",
    "WHEEL",
    "entry_points.txt",
    "top_level.txt",
    "licenses/LICENSE",
    "licenses/LICENSE-text",
}
# What a reader does not have who installs the wheel and jupyterlab.
ABSENT = ["nbdev", "nbval", "pytest", "hypothesis", "tensorboard", "diffusers"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The wheel built from a used working copy, and the one built from its sdist."""
    copy = copied(tmp_path_factory.mktemp("build") / "project")
    for cache in (
        "nbs/.ipynb_checkpoints/00_copy.ipynb",
        "nbs/__pycache__/helper.pyc",
        "ddpm_course/__pycache__/cli.pyc",
    ):
        (copy / cache).parent.mkdir(exist_ok=True)
        (copy / cache).touch()
    for kind, arguments in {"direct": ["--wheel"], "by_sdist": []}.items():
        build = [sys.executable, "-m", "uv", "build", "--offline", "--no-build-isolation"]
        subprocess.run([*build, *arguments, "--out-dir", copy.parent / kind, copy], check=True)
    return [next((copy.parent / kind).glob("*.whl")) for kind in ("direct", "by_sdist")]


@pytest.fixture(scope="module")
def python(wheels, tmp_path_factory):
    """The Python of an environment that has the wheel, beside the torch that is there already."""
    room = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", room], check=True)
    site = next(room.glob("lib/python*/site-packages"))
    hide = f"import sys; sys.modules.update(dict.fromkeys({ABSENT}))"
    site.joinpath("libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n{hide}\n")
    install = [room / "bin/python", "-m", "pip", "install", "--no-index", wheels[1]]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONPATH", raising=False)  # it would lead past the wheel
        subprocess.run(install, check=True)
        yield room / "bin/python"


@pytest.fixture(scope="module")
def folder(python, tmp_path_factory):
    """The course as a reader takes it."""
    folder = tmp_path_factory.mktemp("reader") / "course"
    subprocess.run([python.with_name("ddpm-course"), "notebooks", folder], check=True)
    return folder


def test_a_wheel_holds_the_package_and_the_course_as_they_are(wheels):
    code = {path.relative_to(ROOT).as_posix() for path in modules()}
    data = {path.resolve() for path in course_files().values()} | {
        ROOT / "bench/fashion.md",
        ROOT / "bench/flow.md",
        ROOT / "bench/guidance.md",
        ROOT / "bench/poster.md",
        ROOT / "bench/quality.md",
        ROOT / "bench/solvers.md",
        ROOT / "bench/variants.md",
        ROOT / "ddpm_course/course.mplstyle",
        ROOT / "ddpm_course/py.typed",
        *ROOT.glob("ddpm_course/*.safetensors"),
        *ROOT.glob("ddpm_course/trained/*/*"),
    }
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            about, held = (
                {name for name in wheel.namelist() if (".dist-info/" in name) is which}
                for which in (True, False)
            )
            assert {name.split("/", 1)[1] for name in about} == METADATA
            assert code <= held
            assert {(ROOT / name).resolve() for name in held - code} == data
            assert all(wheel.read(name) == (ROOT / name).read_bytes() for name in held)


def test_nothing_of_a_machine_is_in_a_wheel(wheels):
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                if not name.endswith((".png", ".safetensors")):
                    text = re.sub(r'"image/png": "[^"]*"', "", wheel.read(name).decode())
                    assert not MACHINE_PATH.findall(text), name


def test_any_torch_will_do(wheels):
    with zipfile.ZipFile(wheels[0]) as wheel:
        about = next(name for name in wheel.namelist() if name.endswith("METADATA"))
        needed = re.findall("^Requires-Dist: ([^;\n]+)$", wheel.read(about).decode(), re.M)
    assert "torch" in needed and all(re.fullmatch(r"[\w-]+", name) for name in needed)


def test_the_installed_package_is_the_wheel(python, folder):
    where = "import ddpm_course, torch; print(ddpm_course.__file__, torch.__file__, sep='\\n')"
    done = subprocess.run(
        [python, "-c", where], cwd=folder, check=True, capture_output=True, text=True
    )
    package, torch = done.stdout.splitlines()
    assert package.startswith(str(python.parent.parent))
    assert torch.startswith(sysconfig.get_path("purelib"))


def test_a_clone_and_the_wheel_give_the_same_course(folder):
    taken = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert taken == {name: path.read_bytes() for name, path in course_files().items()}


@pytest.mark.parametrize("name", TAKEN)
def test_a_notebook_runs_where_it_was_taken(python, folder, name):
    run = [python, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", name]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
