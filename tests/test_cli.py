"""The command line: quick to answer, one line for a mistake, and a run from end to end."""

import contextlib
import dataclasses
import errno
import io
import json
import os
import re
import shlex
import subprocess
import sys
import warnings
from argparse import Namespace
from pathlib import Path
from typing import get_origin, get_type_hints

import pytest
import torch
from notebooks import NBS, ROOT, chapters

from ddpm_course import cli
from ddpm_course.checks import BadValue
from ddpm_course.cli import main
from ddpm_course.runs import evaluation, files, training
from ddpm_course.runs.loop import build_schedule
from ddpm_course.runs.profiles import Profile, load_profile

COMMAND = Path(sys.executable).with_name("ddpm-course")
WAYS = [[COMMAND], [sys.executable, "-m", "ddpm_course"], [sys.executable, "-m", "ddpm_course.cli"]]


@pytest.fixture
def trained(monkeypatch):
    """The profile that `train` is told, for a command that is given as one line."""

    def profile(line: str) -> Profile:
        told = []
        monkeypatch.setattr(training, "train", lambda profile, *_: told.append(profile))
        monkeypatch.setattr(cli, "show_run", lambda _: None)
        assert main(shlex.split(line)) == 0
        return told[0]

    return profile


def test_options_take_the_place_of_the_profile_s(trained):
    line = "train --profile smoke --num-steps 3 --no-clip-sample --seed 7 --attention-levels 0 1"
    assert trained(line) == dataclasses.replace(
        load_profile("smoke"), num_steps=3, clip_sample=False, attention_levels=(0, 1)
    )
    assert trained("train") == load_profile("laptop")
    assert trained("train --channel-multipliers 1 2 3") == trained(
        "train --channel-multipliers 1,2,3"
    )


def test_a_linear_chain_of_any_length_can_be_asked_for(trained):
    for length in "1", "20":
        words = f"--schedule linear --num-train-timesteps {length} --sampling-steps 1"
        profile = trained(f"train {words} --beta-start 0.01")
        assert build_schedule(profile, torch.device("cpu")).num_train_timesteps == int(length)


# of each field another value than laptop's
OTHER = load_profile(
    "gpu",
    changes={
        "flip": "yes",
        "tensorboard": "yes",
        "channels_last": "yes",
        "eta": "0",
        "solver": "heun",
    },
)


@pytest.mark.parametrize("key", get_type_hints(Profile))
def test_every_hyperparameter_is_an_option(key, trained, capsys):
    kind, value = get_type_hints(Profile)[key], getattr(OTHER, key)
    flag = "--" + key.replace("_", "-")
    if kind is bool:
        words = flag if value else flag.replace("--", "--no-")
    else:
        words = f"{flag} {' '.join(map(str, value)) if get_origin(kind) is tuple else repr(value)}"
    expected = {key: value}
    if key == "sampling_steps":
        words += " --num-train-timesteps 1000"
    if key == "solver":
        words, expected = words + " --eta 0", expected | {"eta": 0.0}
    assert trained(f"train {words}") == dataclasses.replace(load_profile("laptop"), **expected)
    assert main(["train", "--help"]) == 0
    assert re.search(rf"^  {flag}\b.*?\([^()]+\)$", capsys.readouterr().out, re.M | re.S)


MISTAKES = {
    "": "{train,resume,sample,evaluate,export,import,notebooks,assignment,grade}",
    "trian": "'trian'",
    "train lapto": "'lapto', which it does not know",
    "train --profile DEFAULT": "'DEFAULT'",
    "train --num_steps 3": "write --num-steps",
    "train --num_steps=3": "write --num-steps",
    "train --no_flip": "write --no-flip",
    "train --lr 3": "leave it out",
    "train --no-clip_sample": "write --no-clip-sample",
    "sample laptop --run_dir a": "leave it out",
    "notebooks new --fold y": "leave it out",
    "train --threads 1099511627776": "threads: got 1099511627776",
    "train --num-samples 100000000": "num_samples: got 100000000",
    "train --profile lapto": "write 'laptop'",
    "train --profile": "--profile",
    "train --settings": "--settings",
    "train --settings no-such.ini": "no-such.ini",
    "train --batch-size 0": "batch_size: got 0",
    "train --batch-size -1": "batch_size: got -1",
    "train --num-steps 12.5": "'12.5'",
    "train --num-steps 0": "num_steps: got 0",
    "train --num-train-timesteps 0": "num_train_timesteps: got 0",
    "train --learning-rate nan": "learning_rate: got nan",
    "train --learning_rat 0.1": "--learning-rate",
    "train --schedule lineal": "'lineal'",
    "train --prediction-type eps": "'eps'",
    "train --beta-end 1": "beta_end: got 1",
    "train --channel-multipliers": "channel_multipliers: got none",
    "train --attention-levels 5": "attention_levels: got (5,)",
    f"train --seed {2**64}": f"seed: got {2**64}",
    "train --seed 1.5": "--seed",
    "train --name ../elsewhere": "name: got '../elsewhere'",
    "train --name ..": "name: got '..'",
    "train --device tpu": "'tpu'",
    "sample": "RUN",
    "sample no-such-run": "no-such-run",
    "sample lapto": "the package has: fashion, laptop, poster",
    "sample no-such-run --num 0": "num: got 0",
    "sample no-such-run --num 2.5": "'2.5'",
    "sample no-such-run --seed -1": "seed: got -1",
    "sample no-such-run --device tpu": "'tpu'",
    "sample no-such-run --steps 2.5": "'2.5'",
    "sample no-such-run --spacing trailling": "trailing",
    "evaluate": "RUN",
    "evaluate no-such-run": "no-such-run",
    "evaluate no-such-run --seed -1": "seed: got -1",
    "notebooks": "DIR",
    "assignment": "DIR",
    "assignment new --chapters": "--chapters",
    "assignment new --chapters 8": "chapters: got 8",
    "grade": "DIR",
    "assignment new --chapters 1 10": "chapters: got 10",
    "grade none": "none, which is not there",
    "grade . --chapters 1.5": "'1.5'",
    "grade . --seconds 0": "seconds: got 0",
    "grade . --megabytes 1": "megabytes: got 1",
    "grade . --out none/new": "none/new, in a folder that is not there",
}


@pytest.mark.parametrize("words, named", MISTAKES.items())
def test_a_mistake_is_one_line_and_exit_code_2(words, named, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("ddpm-course: ") and named in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_imports_nothing_heavy():
    """The help answers at once because of this; the rest is Python's own start."""
    heavy = "{'torch', 'numpy', 'sympy', 'matplotlib', 'sklearn'}"
    program = (
        "import sys; from ddpm_course.cli import main; main(['train', '--help']); "
        f"print({heavy} & set(sys.modules), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stderr.strip() == "set()"


@pytest.mark.parametrize("way", WAYS, ids=["script", "package", "module"])
def test_the_installed_command_reports_mistakes_to_the_shell(way):
    result = subprocess.run([*way, "train", "--seed", "-1"], capture_output=True, text=True)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("ddpm-course: train: seed: got -1")


def test_profiles_can_come_from_a_settings_file_of_the_readers(tmp_path, trained):
    mine = tmp_path / "mine.ini"
    mine.write_text(
        (ROOT / "settings.ini").read_text().replace("num_steps = 20\n", "num_steps = 21\n")
    )
    assert trained(f"train --settings {shlex.quote(str(mine))} --profile smoke").num_steps == 21
    assert trained("train --profile smoke").num_steps == 20


@pytest.mark.parametrize("columns", [*"0 1 2 7 22 23 24".split(), "-3", "1.5", "", "9" * 40])
def test_a_terminal_of_any_width_gets_the_help(columns, monkeypatch, capsys):
    for words in ["--help"], ["train", "--help"], ["sample", "--help"]:
        with monkeypatch.context() as patch:  # pytest's own lines need the true width
            patch.setenv("COLUMNS", columns)
            assert main(words) == 0
        assert 500 < len(capsys.readouterr().out) < 10_000


def into(stdout, line, folder):
    """The exit code and the errors of the command, where it writes into stdout through a buffer."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [COMMAND, *line.split()],
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("line", ["--help", "train --help", "notebooks course"])
def test_who_reads_no_further_hears_no_complaint(line, tmp_path):
    """As after `| head -1`; there the pipe may still hold all that is written."""
    unread, pipe = os.pipe()
    os.close(unread)
    assert into(pipe, line, tmp_path) == (128 + 13, "")
    os.close(pipe)


def test_a_full_disk_is_not_taken_for_a_reader_who_has_left(tmp_path):
    with open("/dev/full", "w") as full:
        code, said = into(full, "--help", tmp_path)
    assert code == 2 and "No space left on device" in said


@pytest.mark.parametrize(
    ("line", "code"), [("--help", 0), ("notebooks course", 0), ("train --seed -1", 2)]
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_is_closed_stops_nothing(line, code, closed, tmp_path):
    command = f"exec {shlex.quote(str(COMMAND))} {line} {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == code and "Traceback" not in done.stderr + done.stdout


NASTY = "photo\x1b[31m\x07\r\n\u202e\udcff.png"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_no_name_steers_or_stops_the_terminal(encoding, monkeypatch):
    """In lines of results, of warnings, of errors of ours and of the system's."""
    faults = {
        "line": None,
        "ours": BadValue("w", NASTY, got="Fréchet", expected="e", fix="f"),
        "system's": OSError(errno.ENOENT, "No such file", NASTY),
        "stop": KeyboardInterrupt(NASTY),
    }

    def run(options):
        cli.say(f"Fréchet {NASTY}")
        sys.stderr.write(warnings.formatwarning(UserWarning(NASTY), UserWarning, "file", 1))
        if faults[options.fault]:
            raise faults[options.fault]

    for fault in faults:
        streams = [
            io.TextIOWrapper(io.BytesIO(), encoding, errors)
            for errors in ("strict", "backslashreplace")
        ]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        monkeypatch.setattr(cli, "parse", lambda words: Namespace(run=run, fault=fault))
        assert main([]) == (0 if fault == "line" else 130 if fault == "stop" else 2)
        for stream in streams:
            stream.flush()
            for line in stream.buffer.getvalue().decode(encoding).splitlines():
                assert line.isprintable() and r"photo\x1b[31m" in line


def test_an_interruption_is_said(monkeypatch, capsys):
    def run(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "parse", lambda words: Namespace(run=run))
    assert main([]) == 130 and capsys.readouterr().err == "ddpm-course: interrupted\n"


def test_the_command_leaves_warnings_as_they_were():
    before = warnings.formatwarning
    assert main(["trian"]) == 2
    assert warnings.formatwarning is before


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """The files that `notebooks` writes, by name."""
    folder = tmp_path_factory.mktemp("taken")
    assert main(["notebooks", str(folder)]) == 0
    return contents(folder)


def test_the_whole_course_is_taken_away(taken):
    notebooks = {path.relative_to(NBS).as_posix(): path for path in chapters()}
    helpers = {path.name: path for path in NBS.glob("*.py")}
    assert taken == {
        name: path.read_bytes()
        for name, path in (
            notebooks
            | helpers
            | {
                "images/poster.png": NBS / "images/poster.png",
                "profiles.ini": ROOT / "settings.ini",
                "LICENSE-text": ROOT / "LICENSE-text",
            }
        ).items()
    }


def test_links_between_the_notebooks_lead_to_what_was_taken(taken, tmp_path):
    links = [
        (name, link)
        for name, data in taken.items()
        if name.endswith(".ipynb")
        for link in re.findall(r"\]\(([\w./-]+\.\w+)\)", data.decode())
    ]
    assert len(links) > 50
    assert [
        (name, link)
        for name, link in links
        if (tmp_path / name).parent.joinpath(link).resolve()
        not in {tmp_path / other for other in taken}
    ] == []


def test_what_is_there_is_kept_and_named(tmp_path, taken, capsys):
    folder = tmp_path / "not there" / "my course"
    assert main(["notebooks", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert f"files written: {len(taken)}; there already: 0\n" in printed and "kept," not in printed
    assert f"jupyter lab '{folder}'\n" in printed and f" '{folder}/profiles.ini'\n" in printed
    edited, lost, own = (folder / name for name in ("07_ddim.ipynb", "profiles.ini", "own.txt"))
    edited.write_text("mine"), lost.unlink(), own.write_text("mine")
    assert main(["notebooks", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert f"files written: 1; there already: {len(taken) - 2}\n" in printed
    assert re.findall("kept, .*: (.*)", printed) == [str(edited)]
    assert contents(folder) == taken | {"07_ddim.ipynb": b"mine", "own.txt": b"mine"}


def test_a_write_that_fails_leaves_no_half_file(tmp_path, taken, capsys, monkeypatch):
    def full(path, data):
        path.write_bytes(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(files, "write_synced", full)
        assert main(["notebooks", str(tmp_path)]) == 2
    assert "No space left" in capsys.readouterr().err
    assert not contents(tmp_path).keys() & taken.keys()
    assert main(["notebooks", str(tmp_path)]) == 0
    assert contents(tmp_path) == taken


@pytest.mark.parametrize("name", ["file", "file/below", "taken"])
def test_a_folder_that_cannot_be_written_is_one_line(name, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "taken/00_gaussian_algebra.ipynb").mkdir(parents=True)
    assert main(["notebooks", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"ddpm-course: notebooks: {tmp_path / name}: got [Errno ")
    assert "expected a folder that can be written" in error and error.count("\n") == 1
    assert contents(tmp_path) == {"file": b"kept"}


def test_a_link_that_was_planted_in_the_folder_leads_nowhere(tmp_path, capsys):
    elsewhere, course = tmp_path / "elsewhere", tmp_path / "course"
    elsewhere.mkdir()
    course.mkdir()
    (course / "solutions").symlink_to(elsewhere)
    assert main(["notebooks", str(course)]) == 2
    assert "it is a link" in capsys.readouterr().err
    assert not any(elsewhere.iterdir())


def test_who_has_no_jupyterlab_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert main(["notebooks", str(tmp_path)]) == 0
    assert f": pip install jupyterlab, then jupyter lab {tmp_path}\n" in capsys.readouterr().out


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A folder in which the smoke profile was trained as runs/first, and what was printed."""
    folder, printed = tmp_path_factory.mktemp("cli"), io.StringIO()
    with contextlib.chdir(folder):
        with contextlib.redirect_stdout(printed):
            assert main("train --profile smoke --seed 3 --name first".split()) == 0
        yield folder, printed.getvalue()


@pytest.fixture(scope="module")
def folder(told):
    return told[0]


def test_a_run_leaves_what_was_promised(folder):
    left = {path.suffix for path in (folder / "runs/first").iterdir()}
    assert {".json", ".jsonl", ".safetensors", ".png"} <= left


def test_training_says_where_the_pictures_are_and_how_good_they_are(told):
    folder, printed = told
    *pictures, measured, unit, more = printed.splitlines()
    assert [(folder / line.split(": ")[1]).is_file() for line in pictures] == [True] * 4
    assert measured.startswith("new samples: ") and "floors from held-out images" in measured
    assert unit.startswith("a floor is ") and more == "to draw more: ddpm-course sample runs/first"


def test_a_table_can_be_printed_in_ascii(folder, monkeypatch):
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "ascii", write_through=True))
    assert main("evaluate runs/first --seed 9 --steps 2 --spacing leading".split()) == 0
    assert rb"Fr\xe9chet" in printed.getvalue() and b"evaluation-seed-9" in printed.getvalue()


def test_evaluation_prints_the_table_and_says_where_it_is_kept(folder, capsys):
    assert main("evaluate runs/first --steps 3 --eta 0.5 --spacing leading".split()) == 0
    printed = capsys.readouterr().out
    assert "samples " in printed and "held out " in printed and "memoriser " in printed
    kept = [folder / line.split(": ")[1] for line in printed.splitlines()[-2:]]
    assert [path.suffix for path in kept] == [".json", ".png"] and all(p.is_file() for p in kept)
    assert json.loads(kept[0].read_text())["sampler"] == {
        "steps": 3,
        "spacing": "leading",
        "eta": 0.5,
        "variance_type": "fixed_small",
        "clip_sample": True,
        "solver": "ddim",
        "guidance_scale": 1.0,
    }
    before = [path.read_bytes() for path in kept]
    assert main("evaluate runs/first --steps 3 --eta 0.5 --spacing leading".split()) == 2
    assert "exists" in capsys.readouterr().err
    assert [path.read_bytes() for path in kept] == before


def test_bits_per_dimension_are_printed_by_both_ways(folder, capsys, monkeypatch):
    asked = []

    def measured(run, seed, device):
        asked.append((run.folder.name, seed, device))
        return evaluation.Likelihood(3.25, 0.5, 2.125, 0.25, 128)

    monkeypatch.setattr(evaluation, "likelihood", measured)
    assert main("evaluate runs/first --likelihood --seed 4 --device cpu".split()) == 0
    assert asked == [("first", 4, "cpu")]
    what, bound, flow = capsys.readouterr().out.splitlines()
    assert "128 held-out images" in what
    assert bound == "by the bound: 3.250 ± 0.500" and flow == "by the flow:  2.125 ± 0.250"
    assert main("evaluate runs/first --likelihood --steps 3".split()) == 2
    assert "--likelihood with options of a sampler" in capsys.readouterr().err


def test_another_sampler_is_a_matter_of_options(folder, capsys):
    for line, name in (
        ("--steps 50 --eta 0 --spacing trailing", "-steps-50-eta-0.0"),
        ("--label 3", "-label-3"),
        ("--solver dpmpp_2m --steps 10", "-steps-10-eta-0.0-solver-dpmpp_2m"),
    ):
        assert main(f"sample runs/first --num 2 {line}".split()) == 0
        assert capsys.readouterr().out == f"samples: runs/first/samples-2-seed-1{name}.png\n"
    for line, said in (
        ("--steps 51", "steps: got 51"),
        ("--eta 2", "eta: got 2"),
        ("--steps 0", "steps: got 0"),
        ("--label 10", "label: got 10"),
        ("--solver heun --eta 1", "eta: got 1 with heun"),
        ("--solver dpm", "'dpmpp_2m'"),
    ):
        assert main(f"sample runs/first --num 2 {line}".split()) == 2
        assert said in capsys.readouterr().err


def test_an_existing_folder_is_refused_and_kept(folder, capsys):
    before = {path: path.read_bytes() for path in (folder / "runs/first").iterdir()}
    assert main("train --profile smoke --seed 4 --name first".split()) == 2
    assert "first" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in (folder / "runs/first").iterdir()}


def test_the_run_records_its_seed_and_profile(folder):
    texts = [json.loads(path.read_text()) for path in (folder / "runs/first").glob("*.json")]
    assert '"seed": 3' in json.dumps(texts) and '"num_steps": 20' in json.dumps(texts)


def test_the_same_seed_draws_the_same_samples(folder, capsys):
    drawn = []
    for seed, out in (5, "a.png"), (5, "b.png"), (6, "c.png"):
        assert main(f"sample runs/first --num 4 --seed {seed} --out {out}".split()) == 0
        assert capsys.readouterr().out == f"samples: {out}\n"
        drawn.append((folder / out).read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_existing_picture_is_refused(folder, capsys):
    (folder / "kept.png").write_text("kept")
    assert main("sample runs/first --num 4 --out kept.png".split()) == 2
    assert "kept.png" in capsys.readouterr().err
    assert (folder / "kept.png").read_text() == "kept"
