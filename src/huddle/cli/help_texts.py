"""Help in the person's language: click's own words, and what commands and options say of themselves.

In a list of commands each has its whole first sentence, which click would cut off at the end of the line.

Click looks its words up by the `_` and `ngettext` of each of its modules, which are those of the standard
library; these wait for compiled files (.mo) that nobody here would read. They are put aside for the catalogue
instead. What commands say is English in their docstrings and options, a paragraph a text.
"""

import gettext
import sys
from collections.abc import Iterator

import click

from huddle import texts
from huddle.texts import language, translated


def speak() -> None:
    """Let click speak the language of whoever started this process."""
    if language() == "en":
        return
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] == "click":
            if getattr(module, "_", None) is gettext.gettext:
                module.__dict__["_"] = texts.gettext
            if getattr(module, "ngettext", None) is gettext.ngettext:
                module.__dict__["ngettext"] = texts.ngettext


def translate(command: click.Command) -> None:
    """Say in the person's language what a command and its options are for; once."""
    if command in _TRANSLATED:
        return
    _TRANSLATED.add(command)
    parts = [translated(part) for part in _paragraphs(command.help or "")]
    if parts:
        command.help = "\n\n".join(parts)
        command.short_help = command.short_help or parts[0].split(". ")[0].removesuffix(".")
    for option in _options(command):
        option.help = translated(_line(option.help or ""))
    if isinstance(command, click.Group):
        for below in command.commands.values():
            translate(below)


_TRANSLATED = set[click.Command]()


def said(command: click.Command) -> Iterator[str]:
    """What a command, its options and the commands below it say of themselves, in English."""
    yield from _paragraphs(command.help or "")
    yield from (_line(option.help or "") for option in _options(command))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (below := command.get_command(context, name)) is not None:
                yield from said(below)


def _options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and one.help]


def _paragraphs(text: str) -> list[str]:
    return [_line(part) for part in text.split("\f")[0].split("\n\n") if part.strip()]


def _line(text: str) -> str:
    return text.strip() if "\b" in text else " ".join(text.split())
