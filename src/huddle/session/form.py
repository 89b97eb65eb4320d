"""What a program says of itself and wants of each party, so that people who do not program can take part.

A program may have a comment block as PEP 723 defines it, with a table `[tool.huddle]` in its TOML:

    # /// script
    # [tool.huddle]
    # title = "Average salary"
    # learns = "The average of your salaries. Nobody's salary."
    #
    # [[tool.huddle.inputs]]
    # option = "--salary"
    # label = "Your salary"
    # kind = "decimal"
    # ///

Each input is bound to an option of the program, and what a person gives is checked before anything starts
(`filling.py`). Where there is no such block, the options that the source declares to argparse are the form
(`argparse_form.py`); nothing of the program is run for it. Knows no terminal and no page.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from huddle.errors import ProgramError
from huddle.running.metadata import metadata
from huddle.session.argparse_form import declared
from huddle.session.form_input import KINDS, LONGEST, MOST_INPUTS, OPTION, FormInput

_HINT = "Its author can mend the block; docs/programs.md says what may stand in it."


@dataclass(frozen=True, slots=True)
class Form:
    """A program's face: a title, what each party learns by it, and its inputs.

    `files` lie beside the program and travel with it, by their relative paths. `written` says that the author
    wrote it; otherwise it was read off the source, and nothing in it has to be answered.
    """

    title: str = ""
    learns: str = ""
    inputs: tuple[FormInput, ...] = ()
    files: tuple[str, ...] = ()
    written: bool = False

    def wanted(self, pid: int, given: tuple[str, ...], *, shared: bool) -> tuple[FormInput, ...]:
        """The inputs to ask this party for, but for those that its arguments give already."""
        return tuple(
            one
            for one in self.inputs
            if one.shared == shared
            and (not one.parties or pid in one.parties)
            and not any(arg == one.option or arg.startswith(one.option + "=") for arg in given)
        )


def program_form(entry: str, files: Mapping[str, bytes]) -> Form:
    """The form of the program with these files. Raises ProgramError where its author's block is wrong."""
    return form_of(files.get(entry, b"").decode("utf-8", "replace"))


def form_of(source: str) -> Form:
    """The form that a program's source brings, else the one that its argparse options make.

    Raises ProgramError where the author's block is wrong, saying where.
    """
    table = block(source)
    if table is None:
        learns, inputs = declared(source)
        return Form(learns=learns, inputs=inputs)
    return Form(
        **_checked(Form, table, "[tool.huddle]", "inputs", "written"), inputs=_inputs(table), written=True
    )


def block(source: str) -> Mapping[str, Any] | None:
    """The table `[tool.huddle]` of a source, or None. Raises ProgramError where it is wrong."""
    tool = metadata(source).get("tool", {})
    table = tool.get("huddle") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ProgramError("In the program's metadata [tool.huddle] is no table.", hint=_HINT)
    return table


def _inputs(table: Mapping[str, Any]) -> tuple[FormInput, ...]:
    listed = table.get("inputs", [])
    if not isinstance(listed, list) or len(listed) > MOST_INPUTS:
        raise _wrong("[tool.huddle]", f"inputs is a list of at most {MOST_INPUTS} tables")
    made = []
    for number, one in enumerate(listed, start=1):
        where = f"[[tool.huddle.inputs]] number {number}"
        if not isinstance(one, dict):
            raise _wrong(where, "it is a table")
        made.append(_input(one, where))
    options = [one.option for one in made]
    if len(set(options)) < len(options):
        raise _wrong("[[tool.huddle.inputs]]", "two of them have the same option")
    return tuple(made)


def _input(table: Mapping[str, Any], where: str) -> FormInput:
    made = FormInput(**_checked(FormInput, table, where))
    if not OPTION.match(made.option):
        raise _wrong(where, "option is one of the program's, as in --salary")
    if made.kind not in KINDS:
        raise _wrong(where, f"kind is one of {', '.join(KINDS)}")
    if (made.kind == "choice") != bool(made.choices):
        raise _wrong(where, "choices belong to the kind choice, and that needs some")
    if made.is_file and (made.shared or made.default):
        raise _wrong(where, "a file is private, and has no default")
    if made.default and (problem := made.problem(made.default)):
        raise _wrong(where, f"its default is none of its values: {problem}")
    return made


def _checked(cls: type, table: Mapping[str, Any], where: str, *apart: str) -> dict[str, Any]:
    """The table's values, each of the type that the class says: strangers wrote them."""
    known = {one.name: one for one in fields(cls) if one.name not in apart}
    if strange := sorted(set(table) - set(known) - set(apart)):
        raise _wrong(where, f"there is no {strange[0]!r}")
    if missing := [name for name, one in known.items() if one.default is MISSING and name not in table]:
        raise _wrong(where, f"{missing[0]} is missing")
    return {
        name: _value(known[name].type, value, name, where) for name, value in table.items() if name in known
    }


def _value(kind: Any, value: Any, name: str, where: str) -> Any:
    match kind, value:
        case _, str() if kind is str and len(value) <= LONGEST and (value.isprintable() or not value):
            return value
        case _, bool() if kind is bool:
            return value
        case _, int() | float() if kind == int | float | None and not isinstance(value, bool):
            return value
        case _, list() if kind == tuple[str, ...] and len(value) <= LONGEST:
            return tuple(_value(str, one, name, where) for one in value)
        case _, list() if kind == tuple[int, ...] and all(type(one) is int for one in value):
            return tuple(value)
    raise _wrong(where, f"{name} can't be {str(value)[:40]!r}")


def _wrong(where: str, what: str) -> ProgramError:
    return ProgramError(f"In the program's metadata, {where}: {what}.", hint=_HINT)
