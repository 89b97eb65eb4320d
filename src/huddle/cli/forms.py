"""A program's form on a terminal: how its questions read, and a host's answers before the invitation."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from huddle.cli.confirm import typed
from huddle.cli.text import clean_line, listing
from huddle.errors import LocalError
from huddle.session.filling import Filling
from huddle.session.form import program_form
from huddle.session.form_input import FormInput
from huddle.session.program import Program
from huddle.texts import t, translated

# Places in the program's directory, and files.
Inputs = tuple[tuple[str, Path], ...]

_NAMED = 4  # options in one line


def asked(
    program: Program, private: tuple[str, ...], inputs: Inputs, *, ask: bool
) -> tuple[Program, tuple[str, ...], Inputs]:
    """The program with its shared arguments, the private ones and the private files, as the form has them.

    Only what the command line does not give is asked for, and what may be passed over is only named. Without
    `ask` the defaults are taken. Raises LocalError where the person gives nothing more, and ProgramError
    where the author's block is wrong.
    """
    mine = _filled(program, private, inputs, "all", ask=ask)
    return replace(program, args=mine.shared), mine.private, (*inputs, *mine.files)


def shared_only(program: Program, *, ask: bool) -> Program:
    """The program with its shared arguments alone, for who hosts it and takes no part."""
    return replace(program, args=_filled(program, (), (), "shared", ask=ask).shared)


def _filled(
    program: Program, private: tuple[str, ...], inputs: Inputs, which: Literal["all", "shared"], *, ask: bool
) -> Filling:
    form = program_form(program.entry, program.files)
    taken = (*program.files, *(place for place, _ in inputs))
    mine = Filling(form, 0, program.args, private, taken, find_file, which=which)
    if ask and form.written and (form.title or form.learns):
        click.echo(f"{clean_line(form.title)}: {clean_line(form.learns)}")
    if ask and mine.pending is not None and mine.optional:
        entry = clean_line(program.entry)
        click.echo(
            t(
                "It also takes {options}: behind {entry} for all, or later.",
                options=options(mine),
                entry=entry,
            )
        )
    if not ask:
        mine.pass_over()
    while (one := mine.pending) is not None and not mine.optional:
        if problem := mine.answer(_typed(question(one))):
            click.echo(translated(problem))
    mine.pass_over()
    return mine


def question(one: FormInput) -> str:
    """What a person reads before they give it."""
    more = [clean_line(text).removesuffix(".") for text in (one.unit, one.help) if text]
    if one.choices:
        more.append(", ".join(map(clean_line, one.choices)))
    if one.default:
        more.append(t("empty: {default}", default=clean_line(one.default)))
    elif not one.required:
        more.append(t("may be empty"))
    stays = t("seen by all") if one.shared else t("stays on this device")
    return f"{clean_line(one.label)} ({'; '.join([*more, stays])})"


def options(filling: Filling) -> str:
    """What can still be given, in one line."""
    names = [one.option for one in filling.remaining]
    if len(names) <= _NAMED:
        return ", ".join(names)
    return listing([*names[:_NAMED], t("{count} more", count=len(names) - _NAMED)])


def find_file(text: str) -> Path | None:
    """The file of this machine that a person means by a text, or None."""
    path = Path(text).expanduser().absolute()
    return path if path.is_file() else None


def _typed(text: str) -> str:
    try:
        return typed(text).strip()
    except click.Abort:
        raise LocalError("The program's form was not filled in.", hint="Start again.") from None
