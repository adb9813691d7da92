"""The command line: quick to answer, one line for a mistake, and a run from end to end."""

import contextlib
import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from notebooks import NBS, ROOT, paths

from ddpm_course import cli
from ddpm_course.cli import Train, main, parse, unframed
from ddpm_course.runs import files
from ddpm_course.runs.profiles import load_profile

COMMAND = Path(sys.executable).with_name("ddpm-course")


def test_options_start_from_the_chosen_profile():
    command = parse("train --profile smoke --num-steps 3 --no-clip-sample --seed 7".split())
    assert isinstance(command, Train) and command.seed == 7 and command.profile == "smoke"
    smoke = load_profile("smoke")
    changed = {
        key for key, value in vars(command.hyperparameters).items() if value != getattr(smoke, key)
    }
    assert changed == {"num_steps", "clip_sample"}


def test_every_hyperparameter_is_an_option(capsys):
    assert main(["train", "--help"]) == 0
    shown = capsys.readouterr().out
    options = ["--" + name.replace("_", "-") for name in vars(load_profile("laptop"))]
    assert [option for option in options if option not in shown] == []


MISTAKES = {
    "": "{train, resume, sample, evaluate, export, import, notebooks}",
    "trian": "Unrecognized options: trian",
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


def test_frames_of_every_terminal_are_removed():
    plain = "+- Error -----+\n| one         |\n| ----------- |\n| two.        |\n+-------------+\n"
    drawn = "╭─ Error ─╮\n│ \x1b[1mone\x1b[0m     │\n│ ─────── │\n│ two.    │\n╰─────────╯\n"
    assert unframed(plain) == unframed(drawn) == "one. two."


def test_help_imports_nothing_heavy():
    """The help answers at once because of this; the rest is Python's own start."""
    heavy = "{'torch', 'numpy', 'sympy', 'matplotlib', 'sklearn'}"
    program = (
        "import sys; from ddpm_course.cli import main; main(['train', '--help']); "
        f"print({heavy} & set(sys.modules), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stderr.strip() == "set()"


def test_the_installed_command_reports_mistakes_to_the_shell():
    result = subprocess.run([COMMAND, "train", "--seed", "-1"], capture_output=True, text=True)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("ddpm-course: train: seed: got -1")


def test_profiles_can_come_from_a_settings_file_of_the_readers(tmp_path):
    mine = tmp_path / "mine.ini"
    mine.write_text(
        (ROOT / "settings.ini").read_text().replace("num_steps = 20\n", "num_steps = 21\n")
    )
    command = parse(["train", "--settings", str(mine), "--profile", "smoke"])
    assert command.hyperparameters.num_steps == 21
    assert parse("train --profile smoke".split()).hyperparameters.num_steps == 20


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
    chapters = {path.relative_to(NBS).as_posix(): path for path in paths() if path.stem != "index"}
    helpers = {path.name: path for path in NBS.glob("*.py")}
    assert taken == {
        name: path.read_bytes()
        for name, path in (
            chapters
            | helpers
            | {
                "images/samples.png": NBS / "images/samples.png",
                "settings.ini": ROOT / "settings.ini",
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
    assert f"jupyter lab '{folder}'\n" in printed and f" '{folder}/settings.ini'\n" in printed
    edited, lost, own = (folder / name for name in ("07_ddim.ipynb", "settings.ini", "own.txt"))
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


def test_who_has_no_jupyterlab_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert main(["notebooks", str(tmp_path)]) == 0
    assert f": pip install jupyterlab, then jupyter lab {tmp_path}\n" in capsys.readouterr().out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which the smoke profile was trained as runs/first."""
    folder = tmp_path_factory.mktemp("cli")
    with contextlib.chdir(folder):
        assert main("train --profile smoke --seed 3 --name first".split()) == 0
        yield folder


def test_a_run_leaves_what_was_promised(folder):
    left = {path.suffix for path in (folder / "runs/first").iterdir()}
    assert {".json", ".jsonl", ".safetensors", ".png"} <= left


def test_training_says_where_the_pictures_are_and_how_good_they_are(folder, capsys):
    assert main("train --profile smoke --seed 3 --name second".split()) == 0
    *pictures, last = capsys.readouterr().out.splitlines()
    assert [(folder / line.split(": ")[1]).is_file() for line in pictures] == [True] * 4
    assert last.startswith("new samples: ") and "floors from held-out images" in last


def test_evaluation_prints_the_table_and_says_where_it_is_kept(folder, capsys):
    assert main("evaluate runs/first --steps 3 --eta 0.5 --spacing leading".split()) == 0
    printed = capsys.readouterr().out
    assert "samples " in printed and "held out " in printed and "memoriser " in printed
    kept = [folder / line.split(": ")[1] for line in printed.splitlines()[-2:]]
    assert [path.suffix for path in kept] == [".json", ".png"] and all(p.is_file() for p in kept)
    assert json.loads(kept[0].read_text())["sampler"] == {
        "sampling_steps": 3,
        "eta": 0.5,
        "spacing": "leading",
    }
    before = [path.read_bytes() for path in kept]
    assert main("evaluate runs/first --steps 3 --eta 0.5 --spacing leading".split()) == 2
    assert "exists" in capsys.readouterr().err
    assert [path.read_bytes() for path in kept] == before


def test_another_sampler_is_a_matter_of_options(folder, capsys):
    for line, name in (
        ("--steps 50 --eta 0 --spacing trailing", "-sampling_steps-50-eta-0.0-spacing-trailing"),
        ("--label 3", "-label-3"),
    ):
        assert main(f"sample runs/first --num 2 {line}".split()) == 0
        assert capsys.readouterr().out == f"samples: runs/first/samples-2-seed-1{name}.png\n"
    for line, said in (
        ("--steps 51", "sampling_steps: got 51"),
        ("--eta 2", "eta: got 2"),
        ("--steps 0", "sampling_steps: got 0"),
        ("--label 10", "label: got 10"),
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
