"""The program's own questions: what it says that it does, and what it asks of this person alone."""

from huddle import events
from huddle.cli.forms import find_file, options, question
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.screens import Screen
from huddle.errors import ProgramError
from huddle.session.filling import Filling
from huddle.session.form import program_form
from huddle.session.party import Party

GUEST = 1  # the number of a guest that has none yet


class FormQuestions:
    """Asks them on a screen, and gives the party what was answered.

    The program is `entry` with the shared arguments `args`, and this party has the number `pid`, where it
    is known.
    """

    def __init__(self, party: Party, screen: Screen) -> None:
        self._party = party
        self._screen = screen
        self.entry = ""
        self.args: tuple[str, ...] = ()
        self.pid: int | None = None

    @property
    def options(self) -> str:
        """What may be given and need not be, for people; empty where there is nothing."""
        filling = self._filling()
        return options(filling) if filling is not None and filling.optional else ""

    def say_purpose(self) -> None:
        """What the program says that everybody learns; a host saw it before there was an invitation."""
        try:
            form = program_form(self.entry, self._party.files)
        except ProgramError:
            return  # it is said where it is asked for
        if form.written and form.learns:
            self._screen.show(events.Notice(f"In its own words, {form.title or self.entry}: {form.learns}"))

    async def fill_in(self, *, all_: bool) -> bool:
        """Ask for what has to be given, or for `all_` that can be; False where nothing more can be typed."""
        filling = self._filling()
        if filling is None:
            return True
        problem = ""
        while (one := filling.pending) is not None and (all_ or not filling.optional):
            if self._screen.script:
                break
            line = await self._screen.ask(Asked(question(one), (), problem))
            if line is None:
                return False
            problem = filling.answer(line)
        filling.pass_over()
        self._party.give(filling.private, (*self._party.inputs, *filling.files))
        return True

    def _filling(self) -> Filling | None:
        """What the program asks of this person alone; None where there is nothing, or it can't be known."""
        party = self._party
        try:
            form = program_form(self.entry, party.files)
        except ProgramError as error:
            self._screen.show(events.Notice(error.message))
            return None
        if not form.inputs:
            return None
        taken = (*party.files, *(place for place, _ in party.inputs))
        pid = GUEST if self.pid is None else self.pid
        filling = Filling(form, pid, self.args, party.private_args, taken, find_file, which="own")
        return filling if filling.pending is not None else None
