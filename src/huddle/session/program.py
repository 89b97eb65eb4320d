"""A program as a person names it: its entry, its files, the arguments that all parties share.

Where the files come from is the shell's business; from here on a program is bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from huddle.ceremony.manifest import Flags, Manifest, ManifestError, build
from huddle.ceremony.messages import Software
from huddle.errors import LocalError


@dataclass(frozen=True, slots=True)
class Program:
    """An MPyC program; `files` are its contents by relative path, the entry among them.

    `folders` are empty ones; `workdir` is the folder in which it starts, an empty text for the one of all.
    Where it is only compared with another's, `optional` files may be missing there.
    """

    entry: str
    files: Mapping[str, bytes] = field(repr=False)
    args: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    workdir: str = ""
    optional: frozenset[str] = frozenset()

    def manifest(
        self, flags: Flags, versions: tuple[Software, ...], *, session: bytes = b"", run: int = 1
    ) -> Manifest:
        """The manifest of a run of it; LocalError where the other parties would refuse it."""
        try:
            return build(
                self.entry,
                self.files,
                args=self.args,
                folders=self.folders,
                workdir=self.workdir,
                flags=flags,
                versions=versions,
                session=session,
                run=run,
            )
        except ManifestError as exc:
            raise LocalError(
                f"The program can't be proposed: {exc}.",
                hint="Rename or leave out what others could not store.",
            ) from exc
