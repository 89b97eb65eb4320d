"""The fresh directory in which a program runs.

Everybody, the host too, runs a copy of what the manifest names, never the files as they lie on the host's
disk. The manifest's paths were checked when it was read; they are checked again here, where they become
files.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from huddle.ceremony.manifest import check_path
from huddle.errors import LocalError, ProgramError
from huddle.running import output_files as results
from huddle.running.output_files import Result
from huddle.running.scratch import Scratch

Input = tuple[str, Path]  # where the program finds it, and where it is


class Snapshot:
    """A directory of one's own with these files (relative path with `/`: contents), until it is removed.

    `directory` is its absolute path. `folders` are empty ones. `inputs` are private files and directories, of
    which links are made in it. `carried` is a directory with what earlier runs left for this one.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        inputs: Iterable[Input] = (),
        *,
        folders: Iterable[str] = (),
        carried: Path | None = None,
    ) -> None:
        inputs, folders = tuple(inputs), tuple(folders)
        _check(files, folders, [target for target, _ in inputs])
        self._files = files
        self._scratch = Scratch("huddle-run-")
        self.directory = self._scratch.path
        self._carried: dict[str, bytes] = {}
        try:
            for path, data in files.items():
                target = self._make_room(path)
                fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
                with open(fd, "wb") as file:
                    file.write(data)
            for path in folders:
                (self.directory / path).mkdir(mode=0o700, parents=True, exist_ok=True)
            if carried is not None:
                self._carried = results.carry(carried, results.made(carried, files), self.directory)
            for path, source in inputs:
                self._make_room(path).symlink_to(source.absolute())
        except BaseException:
            self.remove()
            raise

    def _make_room(self, path: str) -> Path:
        target = self.directory / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return target

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def results(self, inputs: Iterable[str] = ()) -> tuple[Result, ...]:
        """What the program made or changed; `inputs` are the paths at which it found private files."""
        return results.made(self.directory, self._files, self._carried, tuple(inputs))

    def remove(self) -> None:
        """Remove it with all that the program left in it; raises LocalError where that can't be done."""
        if not self._scratch.remove():
            raise LocalError(
                f"the program's directory {self.directory} cannot be removed", hint="remove it by hand"
            )


def _check(files: Iterable[str], folders: Iterable[str], inputs: Iterable[str]) -> None:
    """Raise HuddleError unless these are plain names, none of which is two things on any system."""
    names: set[str] = set()
    directories: set[str] = set()
    for path in files:
        try:
            check_path(path)
        except ValueError as error:
            raise ProgramError(f"the program has a file with a forbidden path: {error}") from None
        if path.casefold() in names:
            raise ProgramError(f"the program has two files at the path {path!r}")
        names.add(path.casefold())
        directories.update(_above(path))
    for path in folders:
        try:
            check_path(path)
        except ValueError as error:
            raise ProgramError(f"the program has a folder with a forbidden path: {error}") from None
        directories.update((path.casefold(), *_above(path)))
    if both := names & directories:
        raise ProgramError(f"in the program {min(both)!r} is a file and a directory")
    given: set[str] = set()
    for path in inputs:
        try:
            check_path(path)
        except ValueError as error:
            raise LocalError(f"--input: {error}") from None
        if path.casefold() in names | directories:
            raise LocalError(f"the program has {path!r} itself", hint="give the --input file another name")
        if path.casefold() in given or given & set(_above(path)) or names & set(_above(path)):
            raise LocalError(
                f"there is something else at {path!r}", hint="give each --input a place of its own"
            )
        given.add(path.casefold())
        directories.update(_above(path))


def _above(path: str) -> list[str]:
    parts = path.casefold().split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
