"""Runs that the package carries, each named after its profile: samples without training."""

from pathlib import Path

import ddpm_course
from ddpm_course.checks import check_path

TRAINED = Path(ddpm_course.__file__).with_name("trained")


def trained_names() -> list[str]:
    """The names of these runs."""
    return sorted(path.parent.name for path in TRAINED.glob("*/config.json"))


def find_run(folder: Path | str) -> Path:
    """The folder; where there is none, that of the run of this name in the package."""
    folder = check_path("run", "folder", folder)
    return TRAINED / folder if str(folder) in trained_names() and not folder.exists() else folder


def beside(folder: Path, name: str) -> Path:
    """Where a new file about a run belongs: into its folder.

    About a run of the package it belongs where one is, with the run's name before its own.
    """
    packaged = folder.resolve().parent == TRAINED.resolve()
    return Path(f"{folder.resolve().name}-{name}") if packaged else folder / name
