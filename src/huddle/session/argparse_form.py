"""The form that a program has by itself: the options that its source declares to argparse, with their help.

Only literal values count, and nothing of the program is run: a source that makes its options otherwise, or
has commands of their own (`add_subparsers`), has no form. Pure.
"""

import ast
from collections.abc import Iterator

from huddle.session.form_input import LONGEST, MOST_INPUTS, OPTION, FormInput

_TYPES = {"int": "integer", "float": "decimal", "Decimal": "decimal", "Path": "file", "pathlib.Path": "file"}
_MEANT = ("required", "default", "type", "choices", "help", "metavar", "dest")  # what keeps one value a value


def declared(source: str) -> tuple[str, tuple[FormInput, ...]]:
    """What the program is for, by its docstring's first paragraph, and the options that can be asked for."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "", ()
    text = (ast.get_docstring(tree) or "").split("\n\n", 1)[0].replace("\n", " ")
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    if any(_method(call) == "add_subparsers" for call in calls):
        return _plain(text), ()
    found = {one.option: one for call in calls if (one := _option(call)) is not None}
    return _plain(text), tuple(found.values())[:MOST_INPUTS]


def _option(call: ast.Call) -> FormInput | None:
    said = {keyword.arg or "**": keyword.value for keyword in call.keywords}
    names = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    option = next((name for name in names if OPTION.match(name)), None)
    if _method(call) != "add_argument" or option is None or not set(said) <= set(_MEANT):
        return None
    usual = next(_texts(said.get("default")), "")
    text = "".join(_texts(said.get("help"))).replace("%(default)s", usual).replace("%%", "%")
    if usual and usual not in text:
        text = f"{text}, usually {usual}" if text else f"usually {usual}"
    choices = tuple(_texts(said.get("choices")))
    return FormInput(
        option=option,
        label=option[2:].replace("-", " ").replace("_", " ").capitalize(),
        kind="choice" if choices else _kind(option, said.get("type")),
        help=_plain(text),
        choices=choices,
        required=isinstance(must := said.get("required"), ast.Constant) and must.value is True,
    )


def _kind(option: str, type_: ast.AST | None) -> str:
    written = "" if type_ is None else ast.unparse(type_)
    kind = "file" if "FileType(" in written else _TYPES.get(written, "text")
    return "text" if kind == "file" and "out" in option else kind  # one that it writes is not there yet


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _plain(text: str) -> str:
    return text[:LONGEST] if text.isprintable() else ""


def _texts(node: ast.AST | None) -> Iterator[str]:
    """The literal texts and numbers in a node: of a constant, a list or a tuple."""
    match node:
        case ast.Constant(value=str() | int() | float() as value) if not isinstance(value, bool):
            yield str(value)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _texts(part)
