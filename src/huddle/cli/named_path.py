"""An argument that is a file, or the name of one that comes with the installation."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click


class NamedPath(click.Path):
    """A file that is there; else one that is known by name, where the argument has no folder and no ending.

    `what` says what such a file is, `known` gives those that there are.
    """

    def __init__(self, what: str, known: Callable[[], Mapping[str, Path]]) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)
        self._what = what
        self._known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; a usage error that lists the names where there is none."""
        if isinstance(value, str) and self.exists and not Path(value).exists():
            known = self._known()
            if value in known:
                return known[value]
            if Path(value).name == value and not Path(value).suffix:
                names = ", ".join(known) or "none"
                reason = f"There is no file {value!r}, and no {self._what} of that name ({names})."
                self.fail(reason, param, ctx)
        return super().convert(value, param, ctx)
