"""All texts that people read in the terminal, as the sources have them: to read as a whole, and to translate.

    scripts/texts.py            a template for translators on standard output (gettext's .pot)
    scripts/texts.py de         the entries that src/huddle/texts/de.po lacks, to be appended to it

Found are `t("…")` and `tn("…", "…")`, and what is made as English below: messages and hints of Huddle's
errors, notices, checks of the doctor, reasons of endings, what functions named in `PHRASES` return, and the
values of tables named in `TABLES`. A value in an f-string becomes a place: `f"{peer.name} left."` is
`{name} left.`.
"""

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MADE = {
    *(
        "LocalError",
        "ProgramError",
        "PeerError",
        "RendezvousError",
        "NetworkError",
        "UsageError",
        "ClientRefused",
    ),
    *("Check", "LeftBehind"),
    *("Stopped", "Notice", "Ended", "CeremonyNotice", "notice", "_notice", "_emit_notice"),
}
PHRASES = {"reason_of", "advice_on"}
TABLES = {"_STANDINGS", "_KEPT", "_MEANING"}  # dictionaries of which a screen shows one value, translated


@dataclass(frozen=True, slots=True)
class Found:
    """One text, and where; `plural` is empty where it has no number, `shown` where a screen asks for it."""

    text: str
    plural: str
    path: str
    line: int
    shown: bool


def found(folder: Path = ROOT / "src" / "huddle") -> Iterator[Found]:
    """The texts of all sources below a folder."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            for text, plural, shown in _texts(node):
                yield Found(text, plural, path.relative_to(folder).as_posix(), node.lineno, shown)  # type: ignore[attr-defined]


def _texts(node: ast.AST) -> Iterator[tuple[str, str, bool]]:
    if isinstance(node, ast.Call):
        name = _name(node.func)
        if name == "t" and node.args:
            yield from ((text, "", True) for text in _literals(node.args[0]))
        elif name == "tn" and len(node.args) > 1:
            pairs = zip(_literals(node.args[0]), _literals(node.args[1]), strict=True)
            yield from ((one, other, True) for one, other in pairs)
        made = node.args if name in MADE else []
        hints = [word.value for word in node.keywords if word.arg in ("hint", "text")]
        for given in (*made, *hints):
            yield from ((text, "", False) for text in _literals(given) if " " in text)
    elif (
        isinstance(node, ast.Assign) and _name(node.targets[0]) in TABLES and isinstance(node.value, ast.Dict)
    ):
        for value in node.value.values:
            yield from ((text, "", False) for text in _literals(value))
    elif isinstance(node, ast.FunctionDef) and node.name in PHRASES:
        for one in ast.walk(node):
            if isinstance(one, ast.Return) and one.value is not None:
                yield from ((text, "", False) for text in _literals(one.value))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _literals(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be, as templates."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield _template(node)


def _template(node: ast.JoinedStr) -> str:
    parts: list[str] = []
    names: dict[str, str] = {}
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            name = _name(part.value).strip("_").lower() or "value"
            taken = [*names.values()]
            free = (
                one for one in (name, *(f"{name}{number}" for number in range(2, 99))) if one not in taken
            )
            parts.append(f"{{{names.setdefault(ast.unparse(part.value), next(free))}}}")
        elif isinstance(part, ast.Constant):
            parts.append(str(part.value))
    return "".join(parts)


def missing(language: str) -> list[Found]:
    """What has no translation in this language."""
    from huddle.texts.catalogue import load

    catalogue = load(language)
    return [one for one in found() if one.text not in catalogue.texts and one.text not in catalogue.plurals]


def entries(texts: list[Found]) -> Iterator[str]:
    """The texts as entries of gettext, each once."""
    seen: set[str] = set()
    for one in texts:
        if one.text in seen:
            continue
        seen.add(one.text)
        quoted = json.dumps(one.text, ensure_ascii=False)
        yield f"\n#: {one.path}:{one.line}\nmsgid {quoted}"
        if one.plural:
            yield f'msgid_plural {json.dumps(one.plural, ensure_ascii=False)}\nmsgstr[0] ""\nmsgstr[1] ""'
        else:
            yield 'msgstr ""'


if __name__ == "__main__":
    print("\n".join(entries(missing(sys.argv[1]) if sys.argv[1:] else list(found()))))
