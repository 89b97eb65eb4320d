"""All texts that people read in the terminal, as the sources have them: to read as a whole, and to translate.

    scripts/texts.py            a template for translators on standard output (gettext's .pot)
    scripts/texts.py de         the entries that src/huddle/texts/de.po lacks, to be appended to it

Found are `t("…")` and `tn("…", "…")`, and what is made as English below: messages and hints of Huddle's
errors, notices, checks of the doctor, reasons of endings, what functions named in `PHRASES` return, and the
values of tables named in `TABLES`. A text that is put into a variable first is followed to it, within its
function or to a constant of its module. A value in an f-string becomes a place: `f"{peer.name} left."` is
`{name} left.`. What only says what somebody did (`MessageFault("revealed twice")`) becomes the sentence that
is made of it, by `SENTENCES`.
"""

import ast
import json
import re
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
        "_too_much",
    ),
    *("Missing", "Check", "LeftBehind"),
    *("Stopped", "Notice", "Ended", "CeremonyNotice", "notice", "_notice", "_emit_notice"),
}
PHRASES = {
    *("reason_of", "advice_on", "problem", "parting", "_objection", "_untimely", "_why"),
    *("unwelcome", "unfit", "_unfit", "_same_name"),
}
SENTENCES = {  # who is called with the end of a sentence, and the sentence
    "MessageFault": "{name} {what}",
    "_fault": "{name} {what}",
    "_broken": "{name} {what}.",
    "_dishonest": "The rendezvous {what}.",
    "_odd": "The Headscale {host} {what}.",
    "_cannot": "This machine can't {what}: {value}.",
    "_failed": "{what}",
    "_impostor": "whoever answered to this code {what}",
    "parting": "{name} {what}",
}
# Dictionaries of which a screen shows one value, translated.
TABLES = {"_STANDINGS", "_KEPT", "_MEANING", "_OUTCOMES"}


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
        for node, reader in _nodes(ast.parse(path.read_bytes())):
            for text, plural, shown in reader.texts(node):
                if _WORD.search(_PLACE.sub("", text)) and text not in SENTENCES.values():
                    yield Found(text, plural, path.relative_to(folder).as_posix(), node.lineno, shown)  # type: ignore[attr-defined]


_WORD = re.compile(r"[A-Za-z]")
_PLACE = re.compile(r"\{\w+\}")
type Assigned = dict[str, list[ast.expr]]  # what is put into each name


def _nodes(tree: ast.AST, within: "_Reader | None" = None) -> Iterator[tuple[ast.AST, "_Reader"]]:
    """All nodes below one, each with a reader that knows the variables there."""
    reader = within or _Reader(_assigned(tree))
    for node in ast.iter_child_nodes(tree):
        yield node, reader
        inside = reader
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = _Reader(reader.assigned | _assigned(node))
        yield from _nodes(node, inside)


def _assigned(scope: ast.AST) -> Assigned:
    """The names that a module or function puts something into, but for what functions within do."""
    names: Assigned = {}
    queue = [*ast.iter_child_nodes(scope)]
    for node in queue:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.setdefault(node.targets[0].id, []).append(node.value)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            queue += ast.iter_child_nodes(node)
    return names


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads the texts of a node, where these names are known."""

    assigned: Assigned

    def texts(self, node: ast.AST) -> Iterator[tuple[str, str, bool]]:
        """The texts that a node makes: each with its plural, and whether a screen asks for it."""
        if isinstance(node, ast.Call):
            yield from self._called(node)
        elif isinstance(node, ast.Assign) and _name(node.targets[0]) in TABLES:
            if isinstance(node.value, ast.Dict):
                for value in node.value.values:
                    yield from ((text, "", False) for text in self._literals(value))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in PHRASES:
            inside = _Reader(self.assigned | _assigned(node))
            sentence = SENTENCES.get(node.name, "{what}")
            for one in ast.walk(node):
                if isinstance(one, ast.Return) and one.value is not None:
                    for text in inside._literals(one.value):
                        yield sentence.replace("{what}", text), "", False

    def _called(self, node: ast.Call) -> Iterator[tuple[str, str, bool]]:
        name = _name(node.func)
        if name == "t" and node.args:
            yield from ((text, "", True) for text in self._literals(node.args[0]))
        elif name == "tn" and len(node.args) > 1:
            pairs = zip(self._literals(node.args[0]), self._literals(node.args[1]), strict=True)
            yield from ((one, other, True) for one, other in pairs)
        elif sentence := SENTENCES.get(name):
            for given in node.args:
                yield from ((sentence.replace("{what}", text), "", False) for text in self._literals(given))
        made = node.args if name in MADE else []
        hints = [word.value for word in node.keywords if word.arg in ("hint", "text")]
        for given in (*made, *hints):
            yield from ((text, "", False) for text in self._literals(given) if " " in text)

    def _literals(self, node: ast.expr) -> Iterator[str]:
        """The texts that an expression may be, as templates."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from self._literals(node.body)
            yield from self._literals(node.orelse)
        elif isinstance(node, ast.JoinedStr):
            yield self._template(node)
        elif isinstance(node, ast.Name):
            inner = _Reader({name: put for name, put in self.assigned.items() if name != node.id})
            for one in self.assigned.get(node.id, []):
                yield from inner._literals(one)

    def _template(self, node: ast.JoinedStr) -> str:
        parts: list[str] = []
        names: dict[str, str] = {}
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if constant := self._constant(part.value):
                    parts.append(constant)
                    continue
                name = _name(part.value).strip("_").lower() or "value"
                taken = [*names.values()]
                numbered = (name, *(f"{name}{number}" for number in range(2, 99)))
                free = next(one for one in numbered if one not in taken)
                parts.append(f"{{{names.setdefault(ast.unparse(part.value), free)}}}")
            elif isinstance(part, ast.Constant):
                parts.append(str(part.value))
        return "".join(parts)

    def _constant(self, node: ast.expr) -> str:
        """The text of a name in capitals that this module has put one text into."""
        if (
            isinstance(node, ast.Name)
            and node.id.isupper()
            and len(put := self.assigned.get(node.id, [])) == 1
        ):
            return put[0].value if isinstance(put[0], ast.Constant) and isinstance(put[0].value, str) else ""
        return ""


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


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
