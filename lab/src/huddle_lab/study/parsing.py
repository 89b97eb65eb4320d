"""Tables of a TOML file, read strictly: what is missing, unknown or of another kind is said with its place.

table = Table(tomllib.loads(text), "study.toml")
name = table.text("name")
table.end()                 LocalError where something was never asked for
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huddle.errors import LocalError

_NEEDED: Any = object()


def wrong(place: str, what: str, hint: str = "") -> LocalError:
    """The error of a file; `place` says where."""
    return LocalError(f"{place}: {what}", hint=hint)


def load(path: Path) -> "Table":
    """The table of a file; LocalError where it can't be read or is no TOML."""
    try:
        return Table(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    except OSError as exc:
        raise LocalError(f"{path} can't be read: {exc.strerror}") from exc
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise wrong(path.name, f"this is no TOML: {exc}") from exc


class Table:
    """One table; `place` is how messages call it."""

    def __init__(self, content: Mapping[str, Any], place: str) -> None:
        self.place = place
        self._left = dict(content)

    def keys(self) -> list[str]:
        """What has not been asked for yet."""
        return list(self._left)

    def end(self) -> None:
        """Nothing may be left."""
        if self._left:
            names = ", ".join(sorted(self._left))
            raise wrong(self.place, f"there is no setting {names}", "docs/lab.md has those there are.")

    def _take(self, name: str, default: Any) -> Any:
        if name in self._left:
            return self._left.pop(name)
        if default is _NEEDED:
            raise wrong(self.place, f"{name} is missing")
        return default

    def _bad(self, name: str, wanted: str, value: Any) -> LocalError:
        return wrong(self.place, f"{name} must be {wanted}, not {value!r}")

    def text(self, name: str, default: Any = _NEEDED) -> str:
        """A string that is not empty."""
        value = self._take(name, default)
        if not isinstance(value, str) or not (value or value == default):
            raise self._bad(name, "a text", value)
        return value

    def number(self, name: str, least: float, most: float, default: Any = _NEEDED) -> float:
        """A number between these."""
        value = self._take(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise self._bad(name, f"a number between {least:g} and {most:g}", value)
        return float(value)

    def count(self, name: str, least: int, most: int, default: Any = _NEEDED) -> int:
        """A whole number between these."""
        value = self._take(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._bad(name, f"a whole number between {least} and {most}", value)
        return value

    def counts(self, name: str, least: int, most: int) -> tuple[int, ...]:
        """A list of different whole numbers between these."""
        value = self._take(name, _NEEDED)
        good = isinstance(value, list) and value
        if not good or any(type(one) is not int or not least <= one <= most for one in value):
            raise self._bad(name, f"a list of whole numbers between {least} and {most}", value)
        return tuple(self._different(name, value))

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers."""
        value = self._take(name, _NEEDED)
        if not isinstance(value, list) or any(type(one) not in (int, float) for one in value):
            raise self._bad(name, "a list of numbers", value)
        return tuple(float(one) for one in value)

    def texts(self, name: str, *, empty: bool = False, different: bool = True) -> tuple[str, ...]:
        """A list of strings, all different unless said otherwise."""
        value = self._take(name, [] if empty else _NEEDED)
        good = isinstance(value, list) and (value or empty)
        if not good or any(not isinstance(one, str) for one in value):
            raise self._bad(name, "a list of texts", value)
        return tuple(self._different(name, value) if different else value)

    def _different(self, name: str, value: list[Any]) -> list[Any]:
        if len(set(value)) != len(value):
            raise self._bad(name, "a list without repetitions", value)
        return value

    def table(self, name: str, *, optional: bool = False) -> "Table":
        """A table below this one."""
        value = self._take(name, {} if optional else _NEEDED)
        if not isinstance(value, dict):
            raise self._bad(name, "a table", value)
        return Table(value, f"{self.place} [{name}]")

    def flag(self, name: str) -> bool | None:
        """true or false; None where it is left out."""
        value = self._take(name, None)
        if value is not None and not isinstance(value, bool):
            raise self._bad(name, "true or false", value)
        return value

    def tables(self, name: str, *, optional: bool = False) -> "list[Table]":
        """A list of tables, at least one unless it may be left out."""
        value = self._take(name, [] if optional else _NEEDED)
        good = isinstance(value, list) and (value or optional)
        if not good or any(not isinstance(one, dict) for one in value):
            raise self._bad(name, "at least one table", value)
        return [Table(one, f"{self.place} [[{name}]] {number}") for number, one in enumerate(value, start=1)]
