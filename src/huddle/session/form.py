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

Each input is bound to an option of the program, and what a person gives is checked before anything starts.
Where there is no such block, the options that the source declares to argparse with literal values are the
form (`declared`); nothing of the program is run for it. Knows no terminal and no page.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from huddle.errors import ProgramError
from huddle.running.metadata import metadata

KINDS = ("integer", "decimal", "choice", "text", "date", "file", "table")
MOST_INPUTS = 32
LONGEST = 400  # characters of a text that a program says of itself
_OPTION = re.compile(r"--[a-zA-Z0-9][a-zA-Z0-9_-]*\Z")
_HINT = "Its author can mend the block; docs/programs.md says what may stand in it."


@dataclass(frozen=True, slots=True)
class FormInput:
    """One thing that a program wants of a party.

    `option` is the program's (`--salary`). A `shared` one is the host's to give and the same for all; any
    other is private and stays on its party's machine. `minimum` and `maximum` bound a number, or the length
    of a text; `parties` are the pids that are asked (none: all). A file or table is a private file.
    """

    option: str
    label: str
    kind: str = "text"
    help: str = ""
    unit: str = ""
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: tuple[str, ...] = ()
    default: str = ""
    required: bool = True
    shared: bool = False
    parties: tuple[int, ...] = ()

    @property
    def is_file(self) -> bool:
        return self.kind in ("file", "table")

    def problem(self, text: str) -> str:
        """Why this can't be the answer, in words for who gave it; empty where it can."""
        if not text:
            return "Something has to be given here." if self.required and not self.default else ""
        match self.kind:
            case "integer" | "decimal":
                return self._number_problem(text)
            case "choice":
                return "" if text in self.choices else f"Choose one of {', '.join(self.choices)}."
            case "date":
                try:
                    date.fromisoformat(text)
                except ValueError:
                    return "A date is written as in 2026-12-31."
            case "text" if self.maximum is not None and len(text) > self.maximum:
                return f"At most {self.maximum} characters."
            case "text" if self.minimum is not None and len(text) < self.minimum:
                return f"At least {self.minimum} characters."
        return ""

    def _number_problem(self, text: str) -> str:
        whole = self.kind == "integer"
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or (whole and (number % 1 or not re.fullmatch(r"[+-]?[0-9]+", text))):
            return "A whole number, please." if whole else "A number, please, as in 12.50."
        if self.minimum is not None and number < Decimal(str(self.minimum)):
            return f"At least {self.minimum}."
        if self.maximum is not None and number > Decimal(str(self.maximum)):
            return f"At most {self.maximum}."
        return ""

    def argument(self, text: str) -> tuple[str, ...]:
        """What the program gets on its command line; nothing where nothing was given."""
        return (f"{self.option}={text}",) if text else ()


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


def form_of(source: str) -> Form:
    """The form that a program's source brings, else the one that its argparse options make.

    Raises ProgramError where the author's block is wrong, saying where.
    """
    table = block(source)
    if table is None:
        return declared(source)
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
    if not _OPTION.match(made.option):
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


_TYPES = {"int": "integer", "float": "decimal", "Decimal": "decimal", "Path": "file"}


def declared(source: str) -> Form:
    """The form that the literal `add_argument` calls of a source make; empty where there are none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Form()
    found = {one.option: one for call in ast.walk(tree) if (one := _declared(call)) is not None}
    text = (ast.get_docstring(tree) or "").split("\n\n", 1)[0].replace("\n", " ")
    learns = text if text.isprintable() else ""
    return Form(learns=learns[:LONGEST], inputs=tuple(found.values())[:MOST_INPUTS])


def _declared(call: ast.AST) -> FormInput | None:
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return None
    if call.func.attr != "add_argument":
        return None
    names = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    option = next((name for name in names if _OPTION.match(name)), None)
    said = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    if option is None or "action" in said or "nargs" in said:
        return None
    help_text = "".join(_texts(said.get("help")))
    kind = _TYPES.get(ast.unparse(said["type"]), "text") if "type" in said else "text"
    choices = tuple(_texts(said.get("choices")))
    return FormInput(
        option=option,
        label=option[2:].replace("-", " ").replace("_", " ").capitalize(),
        kind="choice" if choices else kind,
        help=help_text[:LONGEST] if help_text.isprintable() else "",
        choices=choices,
        required=False,
    )


def _texts(node: ast.AST | None) -> Iterator[str]:
    """The literal texts and numbers in a node: of a constant, a list or a tuple."""
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            yield str(value)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _texts(part)
