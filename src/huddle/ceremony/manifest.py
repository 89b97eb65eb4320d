"""The manifest of a run: the program, its arguments, flags and versions, named by one digest.

A manifest is made by one party and believed by none: `read` refuses every path that could name
anything but a new file under one directory, on any of the systems that Huddle runs on. It must not
know files on a disk: contents come and go as `dict[path, bytes]`.

    digest         = SHA-256 fields("huddle/1 manifest", session, manifest as sent)
    program digest = SHA-256 fields("huddle/1 program", encoding of entry, files, args, flags), which is
                     the same in every session and with every version of Python
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from huddle.ceremony.messages import MAX_MANIFEST, Software, is_line
from huddle.ceremony.sources import SourceError, check_name, check_sources
from huddle.codec import U8, U32, U64, DecodeError, Fixed, Limit, decode, encode
from huddle.identity.kdf import hash_fields

MAX_FILES = 256  # a program and what lies beside it; more is an archive, which is one file
MAX_FOLDERS = 64  # empty ones
MAX_PATH = 200  # bytes; Windows allows 260 characters with the directory, and paths stand on one line
MAX_PART = 100  # bytes of one name: file systems allow 255, an encrypted home 143
MAX_TOTAL = 1 << 30  # bytes; what a party may be made to receive by saying yes
MAX_CEREMONY = 1 << 20  # bytes of files that still travel through the room, before the one question
MAX_ARGS = 64  # more belong in a file
MAX_ARG = 1_024  # bytes; an argument is read by a person before they say yes

Path = Annotated[str, Limit(MAX_PATH)]
Arg = Annotated[str, Limit(MAX_ARG)]

# Names that open devices on Windows, with any extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[\\:*?"<>|]')


class ManifestError(ValueError):
    """A manifest that must not be run; the text says why."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of the program: its relative path, its size in bytes, and the SHA-256 of its contents."""

    path: Path
    size: U64
    sha256: Annotated[bytes, Fixed(32)]


@dataclass(frozen=True, slots=True)
class Flags:
    """MPyC's own flags, which all parties must share.

    `threshold` None leaves MPyC's default: the largest below half of the parties.
    """

    threshold: U8 | None = None
    no_prss: bool = False
    mix32_64bit: bool = False


@dataclass(frozen=True, slots=True)
class _Program:
    entry: Path
    files: Annotated[tuple[File, ...], Limit(MAX_FILES)]
    folders: Annotated[tuple[Path, ...], Limit(MAX_FOLDERS)]
    workdir: Path
    args: Annotated[tuple[Arg, ...], Limit(MAX_ARGS)]
    flags: Flags


@dataclass(frozen=True, slots=True)
class Manifest:
    """What runs. `session` is empty for the first run, whose digest covers it, else the session's digest.

    `folders` are there although nothing is in them; the program starts in the folder `workdir`, which is
    empty where that is the one that holds all others.
    """

    session: Annotated[bytes, Limit(32)]
    run: U32
    entry: Path
    files: Annotated[tuple[File, ...], Limit(MAX_FILES)]
    folders: Annotated[tuple[Path, ...], Limit(MAX_FOLDERS)]
    workdir: Path
    args: Annotated[tuple[Arg, ...], Limit(MAX_ARGS)]
    flags: Flags
    versions: Annotated[tuple[Software, ...], Limit(16)]

    @property
    def program_digest(self) -> bytes:
        """The 32 bytes that name the program wherever and whenever it runs."""
        program = _Program(self.entry, self.files, self.folders, self.workdir, self.args, self.flags)
        return hash_fields(b"huddle/1 program", encode(program))

    @property
    def digest(self) -> bytes:
        """The 32 bytes that name this run."""
        return hash_fields(b"huddle/1 manifest", self.session, encode(self))

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def version(self, name: str) -> str:
        """The version of that piece of software, or an empty text."""
        return next((one.version for one in self.versions if one.name == name), "")

    def for_run(self, session: bytes, run: int) -> "Manifest":
        """The same program as a later run of the session with this digest."""
        return replace(self, session=session, run=run)

    def check_files(self, contents: Mapping[str, bytes]) -> None:
        """Raise ManifestError unless these are exactly the manifest's files, with sources for all to read."""
        wanted = {file.path: file for file in self.files}
        for path in sorted(wanted.keys() ^ contents.keys()):
            raise ManifestError(f"{path} is {'missing' if path in wanted else 'not in the manifest'}")
        for path, file in wanted.items():
            if len(contents[path]) != file.size or hashlib.sha256(contents[path]).digest() != file.sha256:
                raise ManifestError(f"the contents of {path} are not those of the manifest")
        _readable(contents)


def build(  # noqa: PLR0913 - the fields of a manifest, by keyword
    entry: str,
    contents: Mapping[str, bytes],
    *,
    args: Iterable[str] = (),
    folders: Iterable[str] = (),
    workdir: str = "",
    flags: Flags | None = None,
    versions: Iterable[Software] = (),
    session: bytes = b"",
    run: int = 1,
) -> Manifest:
    """The manifest of these files; raises ManifestError where the other parties would refuse it."""
    files = tuple(
        File(path, len(data), hashlib.sha256(data).digest()) for path, data in sorted(contents.items())
    )
    made = Manifest(
        session,
        run,
        entry,
        files,
        tuple(sorted(folders)),
        workdir,
        tuple(args),
        flags or Flags(),
        tuple(versions),
    )
    _check(made)
    _readable(contents)
    try:
        size = len(encode(made))
    except ValueError as exc:
        raise ManifestError(f"it cannot be written: {exc}") from exc
    if size > MAX_MANIFEST:
        raise ManifestError(f"a manifest of {size} bytes; at most {MAX_MANIFEST} can be sent")
    return made


def read(data: bytes) -> Manifest:
    """The manifest that somebody sent; raises ManifestError where it is malformed or hostile."""
    try:
        manifest = decode(Manifest, data)
    except DecodeError as exc:
        raise ManifestError(f"malformed: {exc}") from exc
    _check(manifest)
    return manifest


def check_path(path: str) -> None:
    """Raise ManifestError unless the path names a file under one directory, the same on all systems."""
    if not path.isprintable() or not unicodedata.is_normalized("NFC", path):
        raise ManifestError(f"{path[:80]!r} holds characters that cannot be shown, or is not in NFC")
    if not path or len(path.encode()) > MAX_PATH:
        raise ManifestError(f"{path[:80]!r} is empty or longer than {MAX_PATH} bytes")
    if path.startswith("/") or _FORBIDDEN.search(path):
        raise ManifestError(f"{path!r} is absolute or holds a character that means more than a name")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise ManifestError(f"{path!r} climbs, or has an empty part")
        if len(part.encode()) > MAX_PART:
            raise ManifestError(f"{path!r} has a part longer than {MAX_PART} bytes")
        if part != part.strip() or part.endswith(".") or part.startswith(("~", "-")):
            raise ManifestError(f"{path!r} has a part that shells or systems take for something else")
        if _RESERVED.fullmatch(part):
            raise ManifestError(f"{path!r} names a device on Windows")


def differences(
    mine: Manifest, theirs: Manifest, *, args: bool = True, flags: bool = True
) -> tuple[str, ...]:
    """What differs between a guest's manifest (`mine`) and the host's, a phrase each; empty if nothing does.

    The phrases name host and guest, since both may read them. `args` and `flags` False leave these out, for
    who has the program and was not told them.
    """
    found = []
    if mine.entry != theirs.entry:
        found.append(f"the program is {theirs.entry}, this guest has {mine.entry}")
    ours, others = ({file.path: file for file in one.files} for one in (mine, theirs))
    for path in sorted(ours.keys() | others.keys()):
        if path not in ours:
            found.append(f"this guest has no {path}")
        elif path not in others:
            found.append(f"only this guest has {path}")
        elif ours[path] != others[path]:
            found.append(
                f"{path} has other contents ({others[path].size} bytes, this guest's {ours[path].size})"
            )
    for path in sorted({*mine.folders} ^ {*theirs.folders}):
        who = "this guest" if path in mine.folders else "the host"
        found.append(f"only {who} has the empty folder {path}")
    if mine.workdir != theirs.workdir:
        found.append(
            f"it starts in the folder {theirs.workdir or '.'}, this guest's in {mine.workdir or '.'}"
        )
    if args and mine.args != theirs.args:
        found.append(f"the arguments are {' '.join(theirs.args)!r}, this guest has {' '.join(mine.args)!r}")
    for name, my_flag, their_flag in (
        ("threshold", mine.flags.threshold, theirs.flags.threshold),
        ("no_prss", mine.flags.no_prss, theirs.flags.no_prss),
        ("mix32_64bit", mine.flags.mix32_64bit, theirs.flags.mix32_64bit),
    ):
        if flags and my_flag != their_flag:
            found.append(f"{name} is {their_flag}, this guest expects {my_flag}")
    return (*found, *version_differences(host=theirs.versions, guest=mine.versions))


def version_differences(host: Iterable[Software], guest: Iterable[Software]) -> tuple[str, ...]:
    """What of the software that must agree does not: MPyC, whose messages have no version.

    Both sides may read the phrases, so these say which of them has what.
    """
    hosts, guests = ({one.name: one.version for one in side} for side in (host, guest))
    return tuple(
        f"the host has {title} {hosts.get(name, '(none)')}, this guest {guests.get(name, '(none)')}"
        for name, title in (("mpyc", "MPyC"),)
        if hosts.get(name) != guests.get(name)
    )


def _check(manifest: Manifest) -> None:
    if len(manifest.session) not in (0, 32) or manifest.run < 1:
        raise ManifestError("of no session or run")
    if len(manifest.files) > MAX_FILES:
        raise ManifestError(f"{len(manifest.files)} files; at most {MAX_FILES}, so pack them into an archive")
    _check_paths(manifest)
    if list(manifest.files) != sorted(manifest.files, key=lambda file: file.path):
        raise ManifestError("its files are not in order")
    if manifest.entry not in {file.path for file in manifest.files} or not manifest.entry.endswith(".py"):
        raise ManifestError(f"its program {manifest.entry!r} is not one of its Python files")
    if manifest.size > MAX_TOTAL:
        raise ManifestError(f"{manifest.size} bytes of files; at most {MAX_TOTAL}")
    if any("\0" in arg for arg in manifest.args):
        raise ManifestError("an argument with a zero byte")
    names = [one.name for one in manifest.versions]
    texts = [*names, *(one.version for one in manifest.versions)]
    if len(set(names)) != len(names) or not all(is_line(part) for part in texts):
        raise ManifestError("its software is doubled or cannot be shown")


def _check_paths(manifest: Manifest) -> None:
    """That each path of a file and of a folder is one, is there once, and fits beside the others."""
    seen: set[str] = set()
    directories: set[str] = set()
    for file in manifest.files:
        check_path(file.path)
        try:
            check_name(file.path)
        except SourceError as exc:
            raise ManifestError(str(exc)) from exc
        folded = _folded(file.path)
        if folded in seen:
            raise ManifestError(f"{file.path!r} is there twice, or differs from another only in case")
        seen.add(folded)
        parts = folded.split("/")
        directories.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    for path in manifest.folders:
        check_path(path)
        folded = _folded(path)
        if folded in seen or folded in directories:
            raise ManifestError(f"the folder {path!r} is there twice, or is not empty")
        parts = folded.split("/")
        directories.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    if list(manifest.folders) != sorted(manifest.folders):
        raise ManifestError("its folders are not in order")
    if manifest.workdir:
        check_path(manifest.workdir)
        folders = {path.rpartition("/")[0] for path in (file.path for file in manifest.files)}
        held = (*folders, *manifest.folders)
        if not any(path == manifest.workdir or path.startswith(f"{manifest.workdir}/") for path in held):
            raise ManifestError(f"the folder {manifest.workdir!r} in which it starts is not there")
    for both in sorted(seen & directories):
        raise ManifestError(f"{both!r} is a file and a directory")


def _readable(contents: Mapping[str, bytes]) -> None:
    try:
        check_sources(contents)
    except SourceError as exc:
        raise ManifestError(str(exc)) from exc


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
