"""What a person gives a program on the command line: `--input [TARGET=]SOURCE` and `--env NAME[=VALUE]`."""

import os
import re
from pathlib import Path
from typing import Any

import click

from huddle.ceremony.manifest import check_path

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class InputType(click.ParamType[tuple[str, Path]]):
    """A private file or directory, and where the program finds it: by its own name, or a given path."""

    name = "[TARGET=]PATH"
    exists = True  # it must; only the documents' tests do without

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Path]:
        target, equals, source = str(value).partition("=")
        if not equals or Path(str(value)).exists():  # a name may have = in it
            target, source = "", str(value)
        path = Path(source).expanduser()
        if self.exists and not path.is_file() and not path.is_dir():
            self.fail(f"There is no file or directory {source!r}.", param, ctx)
        target = Path(target).as_posix().removesuffix("/") if target else path.resolve().name
        try:
            check_path(target)
        except ValueError as error:
            self.fail(f"The program can't find it there: {error}.", param, ctx)
        return target, path


class VariableType(click.ParamType[tuple[str, str]]):
    """A variable of the environment: its name, and its value; without one that of one's own."""

    name = "NAME[=VALUE]"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        name, equals, text = str(value).partition("=")
        if not _NAME.fullmatch(name):
            self.fail(f"{name!r} is no name of a variable.", param, ctx)
        if not equals:
            if name not in os.environ:
                self.fail(f"You have no variable {name}; give it a value: {name}=…", param, ctx)
            text = os.environ[name]
        if "\0" in text:
            self.fail(f"The value of {name} has a zero byte.", param, ctx)
        return name, text
