"""What a notebook's person is shown and asked: people, words and program in one text, and one answer.

The answers are those of the terminal (`huddle.cli.terminal.answers`). Pure but for `input`, where nothing
else answers.
"""

from collections.abc import Callable, Mapping

from huddle import events
from huddle.cli.terminal import answers
from huddle.cli.text import clean_line, listing
from huddle.errors import LocalError, ProgramError
from huddle.session.form import Form, program_form

Answer = str | Callable[[str], str]

_AWAY = {"left", "refused", "gone"}
_TRIES = 20  # unclear answers, of a function that never gives another


class Table:
    """Who is here and what is proposed, as the session's events tell."""

    def __init__(self) -> None:
        self._parties: dict[str, events.Party] = {}
        self._words: tuple[str, ...] = ()
        self._program: events.Program | None = None

    def note(self, event: events.Event) -> None:
        """Note what happens."""
        match event:
            case events.Party():
                self._parties[event.did] = event
            case events.Words(words=words):
                self._words = words
            case events.Program():
                self._program = event

    @property
    def host(self) -> bool:
        """Whether this notebook hosts."""
        return any(one.standing == "self" and one.pid == 0 for one in self._parties.values())

    @property
    def people(self) -> list[answers.Person]:
        """The other parties of the roster, in their order."""
        others = [
            one
            for one in self._parties.values()
            if one.standing != "self" and one.pid is not None and one.state not in _AWAY
        ]
        return [
            answers.Person(one.pid or 0, one.name, one.did, one.standing == "verified")
            for one in sorted(others, key=lambda one: one.pid or 0)
        ]

    def shown(self, files: Mapping[str, bytes]) -> str:
        """What the person decides about."""
        with_whom = listing([f"{one.pid} {clean_line(one.name)}" for one in self.people])
        lines = [f"With: {with_whom}", f"Words: {' '.join(self._words)}", *self._about(files)]
        return "\n".join(lines)

    def question(self) -> str:
        """The one question, in one line."""
        if all(one.verified for one in self.people):
            return "Take part? [y/n/w: my words differ] "
        return "Whom did you hear say these words? [all, NAMES, nobody, n: no, w: my words differ] "

    def _about(self, files: Mapping[str, bytes]) -> list[str]:
        if self._program is None:
            return []
        entry, args = self._program.entry, " ".join(map(clean_line, self._program.args))
        try:
            form = program_form(entry, files)
        except ProgramError:
            form = Form()
        lines = [f"The others run: {clean_line(entry)} {args}".rstrip()]
        if form.learns:
            lines.append(f"In its own words: {clean_line(form.learns)}")
        return [*lines, "Nothing of it runs here: your part is what your cells do."]


def decided(table: Table, answer: Answer | None) -> answers.Decision:
    """What the person decides. Raises LocalError where nobody can answer, or not clearly."""
    prompt = table.question()
    for _ in range(_TRIES):
        line = _line(prompt, answer)
        decision = answers.decide(line, table.people, host=table.host)
        match decision:
            case answers.Unclear(why):
                if isinstance(answer, str):
                    raise LocalError(f"{clean_line(answer)} is no answer: {why}", hint=prompt.strip())
                prompt = f"{why} {table.question()}"
            case answers.ViewProgram():
                prompt = table.question()  # a notebook runs nothing of it
            case _:
                return decision
    raise LocalError("No clear answer was given.", hint=table.question().strip())


def _line(prompt: str, answer: Answer | None) -> str:
    if isinstance(answer, str):
        return answer
    try:
        return answer(prompt) if answer is not None else input(prompt)
    except (EOFError, RuntimeError) as error:  # of a kernel without anybody to type
        raise LocalError(
            "Nobody can be asked in this notebook.", hint='Give what you would type, as in answer="all".'
        ) from error
