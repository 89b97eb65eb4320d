"""The host's answers to what its program asks for by a form, before there is an invitation."""

from dataclasses import replace
from pathlib import Path

import click

from huddle.cli.text import clean_line
from huddle.errors import LocalError
from huddle.session.form import Form, FormInput, form_of
from huddle.session.program import Program

# Places in the program's directory, empty for the file's own name, and files.
Inputs = tuple[tuple[str, Path], ...]


def form_for(program: Program) -> Form:
    """The form of a program. Raises ProgramError where its author's block is wrong."""
    return form_of(program.files[program.entry].decode("utf-8", "replace"))


def asked(
    program: Program, private: tuple[str, ...], inputs: Inputs, *, ask: bool
) -> tuple[Program, tuple[str, ...], Inputs]:
    """The program with its shared arguments, the private ones and the private files, as the form has them.

    Only what the command line does not give is asked for, and only where the author wrote the form. Without
    `ask` the defaults are taken. Raises LocalError where the person gives nothing more.
    """
    form = form_for(program)
    if not form.written:
        return program, private, inputs
    program = shared_only(program, ask=ask)
    for one in form.wanted(0, private, shared=False):
        text = _answer(one) if ask else one.default
        if text and one.is_file:
            inputs += (("", whole(text)),)
            text = Path(text).name
        private += one.argument(text)
    return program, private, inputs


def shared_only(program: Program, *, ask: bool) -> Program:
    """The program with its shared arguments alone, for who hosts it and takes no part."""
    form = form_for(program)
    if not form.written:
        return program
    if ask and (form.title or form.learns):
        click.echo(f"{clean_line(form.title)}: {clean_line(form.learns)}")
    shared = program.args
    for one in form.wanted(0, shared, shared=True):
        shared += one.argument(_answer(one) if ask else one.default)
    return replace(program, args=shared)


def question(one: FormInput) -> str:
    """What a person reads before they give it."""
    more = [clean_line(text) for text in (one.unit, one.help) if text]
    if one.choices:
        more.append(", ".join(map(clean_line, one.choices)))
    if one.default:
        more.append(f"empty: {clean_line(one.default)}")
    stays = "seen by all" if one.shared else "stays on this device"
    return f"{clean_line(one.label)} ({'; '.join([*more, stays])})"


def whole(text: str) -> Path:
    """The path that a person means by this text."""
    return Path(text).expanduser().absolute()


def file_problem(one: FormInput, text: str) -> str:
    """Why this is no file that can be given; empty where it is, or where none is meant."""
    if not one.is_file or not text or whole(text).is_file():
        return ""
    return f"There is no file {clean_line(text)}."


def _answer(one: FormInput) -> str:
    while True:
        try:
            text = click.prompt(question(one), default="", show_default=False, prompt_suffix=": ").strip()
        except click.Abort:
            raise LocalError("The program's form was not filled in.", hint="Start again.") from None
        if not (problem := one.problem(text) or file_problem(one, text)):
            return text or one.default
        click.echo(problem)
