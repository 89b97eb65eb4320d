"""What people read, in their language: English texts as they stand in the source, and their translations.

    t("{name} accepts.", name=name)              a text of a screen, in the person's language
    tn("{count} file", "{count} files", 3)       one with a number
    translated("The program is stopped.")        a text that was made below: an error, a notice, an ending

English is the key, as in gettext, and is shown where a catalogue lacks a text: whoever adds one need do
nothing else. The catalogues are `<language>.po` beside this file, in gettext's format, read by `catalogue`.

Errors and notices are made as English sentences, deep below, by who knows nothing of languages: they also
go to scripts (`--json`), over the wire and into records, which are never translated. `translated` finds such
a text by its pattern, so that `The rendezvous {url} can't be reached: {reason}.` is one entry. What stands
for a place is a stranger's, and stays as it is unless it is a known text itself.

Must not know what is shown where.
"""

import os
from collections.abc import Mapping
from functools import cache

from huddle.texts.catalogue import Catalogue, load

LANGUAGES = ("en", "de", "nl")
_VARIABLES = ("HUDDLE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides


def language_of(environment: Mapping[str, str]) -> str:
    """The language of a person with this environment; English where there is no catalogue for theirs."""
    chosen = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    short = chosen.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return short if short in LANGUAGES else "en"


@cache
def language() -> str:
    """The language of whoever started this process."""
    return language_of(os.environ)


def t(text: str, /, **values: object) -> str:
    """The text in the person's language, with its values."""
    return _catalogue().text(text).format(**values)


def tn(one: str, other: str, count: int, /, **values: object) -> str:
    """The form of a text that fits the number; both may name `{count}`."""
    return _catalogue().plural(one, other, count).format(count=count, **values)


def translated(text: str) -> str:
    """A whole text that was made in English, in the person's language as far as it is known there."""
    return _catalogue().recognized(text)


def gettext(text: str) -> str:
    """A text of a library that asks as it would ask the standard library's gettext."""
    return _catalogue().text(text)


def ngettext(one: str, other: str, count: int) -> str:
    """Such a text with a number, which the library puts in."""
    return _catalogue().plural(one, other, count)


def _catalogue() -> Catalogue:
    return load(language())
