"""A program on this machine's disk: its entry, what belongs to it and what was named, in memory."""

import ast
import os
import shlex
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from huddle.ceremony.manifest import MAX_TOTAL
from huddle.cli.text import clean, listing, size
from huddle.errors import LocalError
from huddle.running.metadata import lock_name, requirements
from huddle.session.belongings import Belongings, belongings, matching, notebook_source
from huddle.session.form import program_form
from huddle.session.program import Program
from huddle.session.samples import FOLDERS
from huddle.texts import t, tn

MAX_LISTED = 20_000  # files looked at below the program's root, so that a home directory ends the search
_SKIPPED = ("__pycache__", "node_modules")

Choose = Callable[[Belongings], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """A program as a person names it: the `path` of its entry, and the globs of what travels with it, or not.

    `root` None is the entry's own folder. Elsewhere the program starts in the folder where the person is, if
    that is inside the root, as it would with `python`; else in the root.
    """

    path: Path
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    root: Path | None = None


def load(source: Source, args: tuple[str, ...], choose: Choose) -> Program:
    """The program. `choose` says which of the files that belong to it by its own word travel as well.

    Raises LocalError where a file can't be read or a glob matches nothing.
    """
    root = (source.root or source.path.parent).resolve()
    path = source.path.resolve()
    if not path.is_relative_to(root):
        raise LocalError(f"{source.path} is not in {root}.", hint="--root must hold the program.")
    entry = path.relative_to(root).as_posix()
    workdir = ""
    if source.root is not None and Path.cwd().is_relative_to(root):
        workdir = Path.cwd().relative_to(root).as_posix().removeprefix(".")
    try:
        notebook = entry.endswith(".ipynb")
        program = path.read_bytes()
        if notebook:
            program = notebook_source(program, source.path.name)
        listing = _listing(root, required=bool(source.include or source.root))
        found = belongings(
            entry, listing, lambda one: program if one == entry else (root / one).read_bytes(), workdir
        )
        named = _named(entry, program, listing)
        found = Belongings(found.modules, tuple(sorted({*found.data, *named} - {*found.modules})))
        out = matching(source.exclude, listing, "--exclude") if source.exclude else set()
        chosen = matching(source.include, listing, "--include")
        if path.parent in FOLDERS:
            chosen |= named - out  # nothing of the person's
        left = Belongings(
            tuple(one for one in found.modules if one not in chosen | out),
            tuple(one for one in found.data if one not in chosen | out),
        )
        names = ((chosen | set(choose(left) if left.all else ())) - out) | {entry}
        lock = lock_name(entry)  # of the packages that it names, for everybody
        if (root / lock).is_file() and requirements(program.decode("utf-8", "replace")):
            names.add(lock)
        folders = {name.rstrip("/") for name in names if name.endswith("/")}
        names = {name for name in names if not name.endswith("/")}
        _weigh(root, names)
        files = {_nfc(name): (root / name).read_bytes() for name in sorted(names)}
    except OSError as exc:
        raise LocalError(f"{exc.filename} can't be read: {exc.strerror}.") from exc
    if notebook:
        del files[_nfc(entry)]
        entry = f"{entry.removesuffix('.ipynb')}.py"
    files[_nfc(entry)] = program
    for name in (entry, *(one for one in found.modules if one in names)):
        _compiles(name, files[_nfc(name)])
    if workdir and not any(one == workdir or one.startswith(f"{workdir}/") for one in (*files, *folders)):
        folders.add(workdir)
    optional = frozenset(_nfc(name) for name in left.all)
    return Program(_nfc(entry), files, args, tuple(sorted(map(_nfc, folders))), _nfc(workdir), optional)


def _named(entry: str, source: bytes, listing: Iterable[str]) -> set[str]:
    """The files that the author's block names; LocalError where one is not there."""
    there = set(listing)
    folder = entry.rpartition("/")[0]
    named = {f"{folder}/{one}" if folder else one for one in program_form(entry, {entry: source}).files}
    if missing := sorted(named - there):
        raise LocalError(
            f"The program says that {missing[0]} belongs to it, which is not there.",
            hint="Get it from the program's author, or take it out of `files` in the program's first lines.",
        )
    return named


def _compiles(path: str, source: bytes) -> None:
    """Raise LocalError where this is no Python, as far as the Python of Huddle knows it.

    Whoever runs it elsewhere has this Python or a newer one, and all would learn it only after they accepted.
    """
    try:
        ast.parse(source, path)
    except SyntaxError as error:
        where = f"{path}, line {error.lineno}" if error.lineno else path
        raise LocalError(
            f"Python can't read {where}: {error.msg}.", hint="Correct it, then try again."
        ) from error
    except (ValueError, RecursionError, MemoryError):
        return  # too deep for this check; Python itself has other limits


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _weigh(folder: Path, names: Iterable[str]) -> None:
    """Raise LocalError where the files are more than anybody may be sent, before they fill the memory."""
    total = sum((folder / name).stat().st_size for name in names)
    if total > MAX_TOTAL:
        raise LocalError(
            f"The files of the program have {size(total)}; at most {size(MAX_TOTAL)} can be sent.",
            hint="Leave out what only you need, and give it with --input.",
        )


def _listing(root: Path, *, required: bool) -> list[str]:
    """All files below the root, and the empty folders with `/` behind them; hidden ones are left out.

    Where there are too many, that is an error only if all are `required`.
    """
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [
            name
            for name in sorted(folders)
            if not name.startswith(".")
            and name not in _SKIPPED
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))  # False where one may not look
        ]
        here = Path(folder).relative_to(root)
        whole = [name for name in sorted(files) if os.path.isfile(os.path.join(folder, name))]  # no pipes
        found += [(here / name).as_posix() for name in whole]
        if not files and not folders and here.parts:
            found.append(f"{here.as_posix()}/")
        if len(found) > MAX_LISTED:
            if not required:
                return found[:MAX_LISTED]
            raise LocalError(
                f"There are over {MAX_LISTED} files in {root.name}/.",
                hint="Put the program into a directory of its own.",
            )
    return found


def told(program: Program, private_args: int, input_files: int) -> list[str]:
    """What everybody will see of the program, and what stays here, before anybody can be invited."""
    arguments = shlex.join(clean(word) for word in program.args)
    count = len(program.files)
    seen = [f"{clean(program.entry)} {arguments}".rstrip()]
    if count > 1:
        seen.append(tn("{count} more file", "{count} more files", count - 1))
    lines = [t("Everybody will see: {what}", what=listing(seen))]
    mine = []
    if private_args:
        mine.append(tn("{count} private argument", "{count} private arguments", private_args))
    if input_files:
        mine.append(tn("{count} private file", "{count} private files", input_files))
    if mine:
        lines.append(t("Stays with you: {what}", what=listing(mine)))
    return lines
