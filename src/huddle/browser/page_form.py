"""The page's forms: what it is to ask for a program, and what a person's answers there become.

What all share, the host is asked for beside the choice of a program; what is a person's own, with the
question whether they take part. The texts and files come from the page, and are checked here as everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from huddle.errors import LocalError
from huddle.session.filling import Filling
from huddle.session.form import Form, program_form
from huddle.session.form_input import FormInput

_NO_TEXT = ("parties",)  # of an input, what the page need not know


@dataclass(frozen=True, slots=True)
class PageForm:
    """What the page asks `pid` for: `which` part of `form`, beside the arguments that are given.

    `taken` are the paths of the program's files.
    """

    form: Form
    which: Literal["shared", "own"]
    pid: int = 0
    shared: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """As the page gets it: web/src/core/protocol.ts, `Form`."""
        filling = self._filling({}, ())
        return {
            "title": self.form.title,
            "learns": self.form.learns,
            "optional": filling.optional,
            "inputs": [_shown(one) for one in filling.remaining],
        }

    def problems(self, answers: Mapping[str, str]) -> dict[str, str]:
        """By option, why that can't be the answer, for those that can't. Files are not looked at."""
        filling = self._filling({text: Path(text) for text in answers.values()}, ())
        found = {one.option: filling.problem(one, answers.get(one.option, "")) for one in filling.remaining}
        return {option: problem for option, problem in found.items() if problem}

    def fill(self, answers: Mapping[str, str], files: Mapping[str, Path]) -> Filling:
        """The arguments and files that come of these answers, with private `files` by their names.

        Raises LocalError where an answer can't be one.
        """
        asked = [one for one in self._filling(files, ()).remaining if one.is_file]
        own = {answers.get(one.option, "") for one in asked}
        filling = self._filling(files, [name for name in files if name not in own])
        while (one := filling.pending) is not None:
            if problem := filling.answer(answers.get(one.option, "")):
                raise LocalError(f"{one.label}: {problem}", hint="Give something else there.")
        return filling

    def _filling(self, files: Mapping[str, Path], beside: list[str] | tuple[str, ...]) -> Filling:
        return Filling(
            self.form,
            self.pid,
            self.shared,
            self.private,
            (*self.taken, *beside),
            files.get,
            which=self.which,
        )


def shared_form(entry: str, files: Mapping[str, bytes], args: tuple[str, ...] = ()) -> PageForm:
    """What the host gives for all. Raises ProgramError where the author's block is wrong."""
    return PageForm(program_form(entry, files), "shared", shared=args, taken=tuple(files))


def _shown(one: FormInput) -> dict[str, Any]:
    values = {field.name: getattr(one, field.name) for field in fields(one) if field.name not in _NO_TEXT}
    return values | {"choices": list(one.choices)}
