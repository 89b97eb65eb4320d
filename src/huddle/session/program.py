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
    """An MPyC program; `files` are its contents by relative path, the entry among them."""

    entry: str
    files: Mapping[str, bytes] = field(repr=False)
    args: tuple[str, ...] = ()

    def manifest(
        self, flags: Flags, versions: tuple[Software, ...], *, session: bytes = b"", run: int = 1
    ) -> Manifest:
        """The manifest of a run of it; LocalError where the other parties would refuse it."""
        try:
            return build(
                self.entry,
                self.files,
                args=self.args,
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
