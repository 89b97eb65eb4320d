"""A catalogue of translations: gettext's .po format, as much of it as catalogues of Huddle use.

    #: comment                          skipped, as is the entry "" (the header)
    msgid "{count} file"                strings are JSON's; those on lines below are appended
    msgid_plural "{count} files"        languages here have two forms, chosen as in English
    msgstr[0] "{count} Datei"
    msgstr[1] "{count} Dateien"

An entry marked `fuzzy` counts as missing, and so does an empty one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

_LINE = re.compile(r'(msgid_plural|msgid|msgstr(?:\[[01]\])?)\s+(".*")')
_PLACE = re.compile(r"\{(\w+)\}")
_NUMBERS = ("count", "number")  # places that only a number has
_NUMBER = r"\d[\d.,]*"
_ENOUGH = 9  # letters of its own that a part of a sentence must have to be known again
_JOINT = re.compile(r"(?<=[.?]) |: ")
_DEEPEST = 3  # texts within texts that are looked for


@dataclass(frozen=True)
class Catalogue:
    """The translations of one language: `texts` by the English, `plurals` by the English singular."""

    texts: dict[str, str] = field(default_factory=dict)
    plurals: dict[str, tuple[str, str]] = field(default_factory=dict)
    _patterns: list[tuple[re.Pattern[str], str, str]] = field(default_factory=list, repr=False)

    def text(self, english: str) -> str:
        """The translation, or the English."""
        return self.texts.get(english, english)

    def plural(self, one: str, other: str, count: int) -> str:
        """The form for that number."""
        return self.plurals.get(one, (one, other))[count != 1]

    def recognized(self, english: str, depth: int = 0) -> str:
        """The translation of a text with its values in it, or the English.

        Where several patterns fit, the one with the most words of its own is meant.
        """
        if known := self.texts.get(english):
            return known
        if depth == _DEEPEST or not self.texts:  # in English there is nothing to look for
            return english
        return self._as_whole(english, depth) or self._in_parts(english, depth) or english

    def _as_whole(self, english: str, depth: int) -> str:
        """The translation by the pattern that fits; empty where none does."""
        for pattern, literal, translation in self._found():
            if literal in english and (found := pattern.fullmatch(english)):
                inside = {
                    name: self.recognized(value, depth + 1) for name, value in found.groupdict().items()
                }
                return _filled(translation, inside)
        return ""

    def _in_parts(self, english: str, depth: int) -> str:
        """The translation of two sentences, or of what stands before and after a colon; empty if unknown."""
        for joint in _JOINT.finditer(english):
            before, after = english[: joint.start()], english[joint.end() :]
            if (known := self.recognized(before, depth + 1)) != before:
                return f"{known}{joint[0]}{self.recognized(after, depth + 1)}"
        return ""

    def _found(self) -> list[tuple[re.Pattern[str], str, str]]:
        if not self._patterns:
            longest = sorted(self.texts, key=lambda text: -len(_PLACE.sub("", text)))
            self._patterns.extend(
                (pattern(text), max(_PLACE.sub("\0", text).split("\0"), key=len), self.texts[text])
                for text in longest
                if _PLACE.search(text) and _says_enough(text)
            )
        return self._patterns


def _says_enough(text: str) -> bool:
    """Whether a text can be known again by its own words; `{names} and {last}` would fit many another."""
    return text.endswith((".", "?")) or sum(map(str.isalpha, _PLACE.sub("", text))) >= _ENOUGH


def _filled(translation: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), translation)


def pattern(text: str) -> re.Pattern[str]:
    """What a text looks like with its values: a name that stands there twice has the same value twice."""
    parts, seen = [], set[str]()
    for part in re.split(r"(\{\w+\})", text):
        place = _PLACE.fullmatch(part)
        if place is None:
            parts.append(re.escape(part))
        elif place[1] in seen:
            parts.append(f"(?P={place[1]})")
        else:
            seen.add(place[1])
            parts.append(f"(?P<{place[1]}>{_NUMBER if place[1] in _NUMBERS else '.+?'})")
    return re.compile("".join(parts), re.DOTALL)


def parse(text: str) -> Catalogue:
    """The catalogue of a file's text; ValueError where it has a line that no catalogue has."""
    found = Catalogue()
    for entry in _entries(text):
        english, other = entry.get("msgid", ""), entry.get("msgid_plural")
        if other is not None and entry.get("msgstr[0]") and entry.get("msgstr[1]"):
            found.plurals[english] = entry["msgstr[0]"], entry["msgstr[1]"]
        elif english and entry.get("msgstr"):
            found.texts[english] = entry["msgstr"]
    return found


def _entries(text: str) -> Iterator[dict[str, str]]:
    entry: dict[str, str] = {}
    last, fuzzy = "", False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("#"):
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
        elif line.startswith('"') and last:
            entry[last] += json.loads(line)
        elif found := _LINE.fullmatch(line):
            last = found[1]
            if last == "msgid" and entry:
                raise ValueError(f"line {number}: an empty line belongs before each entry")
            entry[last] = json.loads(found[2])
        elif line:
            raise ValueError(f"line {number} is none of a catalogue")
        elif entry:
            if not fuzzy:
                yield entry
            entry, last, fuzzy = {}, "", False
    if entry and not fuzzy:
        yield entry


@cache
def load(language: str) -> Catalogue:
    """The catalogue of a language that comes with Huddle; empty for English."""
    if language == "en":
        return Catalogue()
    return parse(resources.files(__package__).joinpath(f"{language}.po").read_text(encoding="utf-8"))
