"""The host's program as it lies on the disk now, read again for each attempt, or another one in its place.

Of the files that belong to it only those travel that did at first: nothing new is sent unasked.
"""

import shlex
from dataclasses import replace
from pathlib import Path

from huddle.cli.program_files import Source, load
from huddle.cli.text import clean_line, listing
from huddle.errors import LocalError
from huddle.session.belongings import Belongings
from huddle.session.program import Program
from huddle.session.samples import named
from huddle.texts import t


class ProgramSource:
    """Where the program that is proposed comes from. Made where the person is: root is elsewhere later."""

    def __init__(self, source: Source, program: Program) -> None:
        self.program = program
        self._source = source
        self._folder = Path.cwd()

    def again(self) -> Program:
        """The program as it is now, with the arguments that it has; LocalError where it can't be read."""
        known = {*self.program.files, *(f"{folder}/" for folder in self.program.folders)}

        def same(found: Belongings) -> tuple[str, ...]:
            return tuple(one for one in found.all if one in known)

        return load(self._source, self.program.args, same)

    def other(self, line: str) -> Program:
        """The program that a line names, which becomes the one of this session: a file, then its arguments.

        Only that file travels. Raises LocalError where there is none.
        """
        try:
            words = shlex.split(line)
        except ValueError as exc:
            raise LocalError(f"This can't be read: {exc}.", hint="Quotes come in pairs.") from exc
        there = self._folder / words[0]
        path = there if there.is_file() else named(words[0])
        if not path.is_file():
            raise LocalError(f"{clean_line(words[0])} is no file here.", hint="Name a Python file.")
        self._source = Source(path)
        return load(self._source, tuple(words[1:]), lambda found: ())

    def with_arguments(self, line: str) -> Program:
        """The program with other arguments, which all see; LocalError where the line can't be read."""
        try:
            return replace(self.again(), args=tuple(shlex.split(line)))
        except ValueError as exc:
            raise LocalError(f"This can't be read: {exc}.", hint="Quotes come in pairs.") from exc

    def take(self, program: Program) -> str:
        """Make this the program of the session; what has changed, for the person, empty where nothing has."""
        before, self.program = self.program, program
        return difference(before, program)


def difference(before: Program, after: Program) -> str:
    """What is different between two programs, in words; empty where nothing is."""
    if before.entry != after.entry:
        return t("{new} in place of {old}", new=clean_line(after.entry), old=clean_line(before.entry))
    changed = [path for path, data in after.files.items() if before.files.get(path) != data]
    gone = [path for path in before.files if path not in after.files]
    parts = [t("{names} changed", names=listing(list(map(clean_line, changed))))] if changed else []
    if gone:
        parts.append(t("{names} gone", names=listing(list(map(clean_line, gone)))))
    if before.args != after.args:
        now = clean_line(shlex.join(after.args)) or t("none")
        parts.append(t("arguments now {arguments}", arguments=now))
    return "; ".join(parts)
