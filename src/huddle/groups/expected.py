"""Who is expected: a list of names, and whether somebody who knocks is one of them.

    list = lines, each a name, or a name and a did; empty ones and those that begin with # count for nothing

A name is a claim, so a list lets nobody in by looks: who is called almost like somebody on it, who is on it
with another key, and a name that two people use are not expected, and each says why.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from huddle.errors import LocalError
from huddle.identity.did import public_from_did
from huddle.identity.names import alike, is_name

MAX_EXPECTED = 256  # a lecture; who waits for more has another tool
_MARK = "did:key:"


@dataclass(frozen=True, slots=True)
class Expected:
    """One line of a list; `did` is empty where any key will do."""

    name: str
    did: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedPeople:
    """A list, in its order."""

    people: tuple[Expected, ...]

    @classmethod
    def read(cls, text: str) -> "ExpectedPeople":
        """The list of a file's text; LocalError names the line that is wrong."""
        people: list[Expected] = []
        for number, line in enumerate(text.splitlines(), 1):
            one = _read(number, line)
            if one is None:
                continue
            if same := next((other for other in people if alike(other.name, one.name)), None):
                raise LocalError(
                    f"Line {number} of the list has {one.name!r}, and {same.name!r} stands there already.",
                    hint="Two people whose names look alike can't take part together: change one.",
                )
            people.append(one)
        if not people or len(people) > MAX_EXPECTED:
            raise LocalError(
                f"The list has {len(people)} names.", hint=f"Give it 1 to {MAX_EXPECTED}, one a line."
            )
        return cls(tuple(people))

    def problem(self, name: str, did: str, others: Iterable[tuple[str, str]] = ()) -> str:
        """Why this is nobody who is expected, as a sentence; empty where it is.

        `others` are the names and dids of all others who have knocked, also of those who left.
        """
        one = self._named(name)
        if one is None:
            like = next((one for one in self.people if alike(one.name, name)), None)
            if like is not None:
                return f"{name} looks like {like.name} on your list, and is not."
            return f"{name} is not on your list."
        if one.did:
            return "" if one.did == did else f"{name} is on your list with another key."
        if any(other != did and _folded(called) == _folded(name) for called, other in others):
            return f"Two people knocked as {name}: ask them which key is theirs."
        return ""

    @classmethod
    def named(cls, names: Iterable[str]) -> "ExpectedPeople":
        """A list of names alone."""
        return cls(tuple(Expected(name) for name in names))

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the list's order."""
        return tuple(one.name for one in self.people)

    def missing(self, here: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """The names of those who are expected and are not among these names and dids."""
        present = {one.name for name, did in here if (one := self._named(name)) and one.did in ("", did)}
        return tuple(one.name for one in self.people if one.name not in present)

    def rank(self, name: str) -> int:
        """The place of a name in the list; who is not on it comes after all who are."""
        one = self._named(name)
        return len(self.people) if one is None else self.people.index(one)

    def _named(self, name: str) -> Expected | None:
        return next((one for one in self.people if _folded(one.name) == _folded(name)), None)


def _read(number: int, line: str) -> Expected | None:
    text = unicodedata.normalize("NFC", line.removeprefix("\ufeff")).strip()
    if not text or text.startswith("#"):
        return None
    name, mark, rest = text.rpartition(_MARK)
    name, did = (name.rstrip(" \t,;"), mark + rest) if mark else (text, "")
    if not is_name(name):
        raise LocalError(
            f"Line {number} of the list is no name: {text!r}.",
            hint="One name a line, of at most 64 visible characters; a did may follow it.",
        )
    if did:
        try:
            public_from_did(did)
        except ValueError as error:
            raise LocalError(
                f"Line {number} of the list has a did that is none: {error}.", hint="Copy it again."
            ) from error
    return Expected(name, did)


def _folded(name: str) -> str:
    # Capitals and spaces are typed in many ways. All else that only looks the same is another name.
    return " ".join(name.casefold().split())
