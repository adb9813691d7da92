"""The course as a folder of a reader: its chapters, their solutions, and the settings file."""

import os
from pathlib import Path

from ddpm_course.checks import BadValue
from ddpm_course.runs.files import check_no_link, write_file
from ddpm_course.runs.profiles import SETTINGS


def course_files() -> dict[str, Path]:
    """What a reader takes away: where the package has it, by its path in the reader's folder."""
    package = Path(__file__).parent
    chapters = package / "notebooks"
    patterns = "[0-9]*.ipynb", "*.py", "solutions/*.ipynb", "images/*"
    found = [path for pattern in patterns for path in sorted(chapters.glob(pattern))]
    # nbdev takes a settings.ini for its own, of an older version, and stops there
    return {path.relative_to(chapters).as_posix(): path for path in found} | {
        "profiles.ini": SETTINGS,
        "LICENSE-text": package / "LICENSE-text",
    }


def write_course(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write what is missing in folder; return the new files, and those there that differ.

    Raises BadValue when folder is no folder, or cannot be read or written.
    """
    new, kept = [], []
    try:
        for name, source in course_files().items():
            path, data = folder / name, source.read_bytes()
            if not os.path.lexists(path):
                for inner in Path(name).parents[:-1]:
                    check_no_link(folder / inner)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_file(path, data)
                new.append(path)
            elif path.read_bytes() != data:
                kept.append(path)
    except OSError as error:
        raise BadValue(
            "notebooks",
            str(folder),
            got=str(error),
            expected="a folder that can be written",
            fix="name another one; what was written before is whole",
        ) from None
    return new, kept
