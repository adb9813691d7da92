"""Options of the command line: what takes them, and one for each field of a profile.

The value of a profile's option is the text of a line in the settings file.
"""

import argparse
import inspect
import re
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

from ddpm_course.checks import BadValue
from ddpm_course.runs.profiles import Profile, profile_lines, profile_names

PROGRAM = "ddpm-course"
METAVARS = {int: "INT", float: "FLOAT", str: "NAME", Path: "FILE"}


class Parser(argparse.ArgumentParser):
    """A parser without abbreviations, whose complaint is a `BadInput`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise BadValue(
            self.prog.removeprefix(PROGRAM).strip() or "command",
            "arguments",
            got=f"some that do not fit ({message})",
            expected=str(self.usage),
            fix=f"see {self.prog} --help",
        )


def option(parser: Parser, flag: str, kind: Any, about: str, default: Any = None) -> None:
    """Give the parser an option; `kind` is a type, a list of one, or a Literal of the choices."""
    limits: dict[str, Any] = {"type": kind, "metavar": METAVARS.get(kind)}
    if get_origin(kind) is Literal:
        limits = {"choices": get_args(kind)}
    if get_origin(kind) is list:
        limits = {"type": get_args(kind)[0], "metavar": METAVARS[get_args(kind)[0]], "nargs": "+"}
    shown = "" if default is None else f" ({default})"
    parser.add_argument(flag, default=default, help=about + shown, **limits)


def add_hyperparameters(parser: Parser) -> None:
    """Give the parser an option for each field of a profile; its value is a line's text.

    The help is the field's comment, and what the package's profiles have.
    """
    comments = dict(re.findall(r"^ {4}(\w+): [^#]+  # (.+)$", inspect.getsource(Profile), re.M))
    profiles = {name: profile_lines(name) for name in profile_names()}
    group = parser.add_argument_group("the profile", "in brackets: what the package's have")
    for key, kind in get_type_hints(Profile).items():
        values = {name: lines[key] or "none" for name, lines in profiles.items()}
        differ = len(set(values.values())) > 1
        shown = "; ".join(map(": ".join, values.items())) if differ else values["laptop"]
        about = f"{comments[key]} ({shown})".replace("%", "%%")
        flag = "--" + key.replace("_", "-")
        if kind is bool:
            group.add_argument(flag, action="store_const", const="yes", help=about)
            no = flag.replace("--", "--no-")
            group.add_argument(no, dest=key, action="store_const", const="no", help="the contrary")
        elif get_origin(kind) is tuple:
            group.add_argument(flag, nargs="*", metavar="INT", help=about)
        else:
            choices = "{" + ",".join(map(str, get_args(kind))) + "}"
            group.add_argument(flag, metavar=METAVARS.get(kind, choices), help=about)
