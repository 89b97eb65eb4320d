"""One person's way through a program's form: what is asked next, and what their answers become.

    filling = Filling(form, pid, shared, private, taken, find)
    while (one := filling.pending) is not None:
        problem = filling.answer(...)        an empty text: taken
    filling.shared, filling.private, filling.files

A shell asks in its own way; what can be an answer, and what it becomes, is decided here. Pure but for `find`.
"""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal

from huddle.session.form import Form
from huddle.session.form_input import FormInput


class Filling:
    """The questions of `form` to the party `pid`, but for what its arguments give already.

    `taken` are the paths that files of the program and of this person have in its directory; `find` gives the
    private file that a text means, or None. A host is asked for what all share and for its `own` things, or
    for one of both. Options that only argparse declares are shared where the host is asked for such.
    """

    def __init__(
        self,
        form: Form,
        pid: int,
        shared: tuple[str, ...],
        private: tuple[str, ...],
        taken: Collection[str],
        find: Callable[[str], Path | None],
        *,
        which: Literal["all", "shared", "own"] = "all",
    ) -> None:
        self.shared, self.private = shared, private
        self.files: tuple[tuple[str, Path], ...] = ()  # where the program finds it, and where it is
        self._form, self._find, self._taken = form, find, set(taken)
        for_all, given = pid == 0 and which != "own", (*shared, *private)
        if not form.written:
            form = replace(form, inputs=tuple(_of_argparse(one, shared=for_all) for one in form.inputs))
        everybody = form.wanted(pid, given, shared=True) if for_all else ()
        own = form.wanted(pid, given, shared=False) if which != "shared" else ()
        self._waiting = deque((*everybody, *own))

    @property
    def pending(self) -> FormInput | None:
        """What is to be asked next."""
        return self._waiting[0] if self._waiting else None

    @property
    def remaining(self) -> tuple[FormInput, ...]:
        """All that is still to be asked, in order."""
        return tuple(self._waiting)

    @property
    def optional(self) -> bool:
        """Whether all that is left can be passed over at once: nobody said that it is to be asked."""
        return not self._form.written and not any(one.required for one in self._waiting)

    def pass_over(self) -> None:
        """Nothing more is given; the defaults of what is left are taken, and what has none is left out."""
        while self._waiting:
            self._take(self._waiting.popleft(), "")

    def answer(self, text: str) -> str:
        """Take an answer to what is pending; else why it can't be one, in words for who gave it."""
        one, text = self._waiting[0], text.strip()
        if problem := self.problem(one, text):
            return problem
        self._take(self._waiting.popleft(), text)
        return ""

    def problem(self, one: FormInput, text: str) -> str:
        """Why this can't be the answer to that input; an empty text where it can."""
        if problem := one.problem(text):
            return problem
        if one.is_file and text and self._find(text) is None:
            return "There is no such file."
        return ""

    def _take(self, one: FormInput, text: str) -> None:
        text = text or one.default
        if text and one.is_file and (path := self._find(text)) is not None:
            text = self._place(path.name)
            self.files += ((text, path),)
        if one.shared:
            self.shared += one.argument(text)
        else:
            self.private += one.argument(text)

    def _place(self, name: str) -> str:
        """A name in the program's directory that nothing else has."""
        place, number = name, 1
        while place in self._taken:
            number += 1
            place = f"{number}-{name}"
        self._taken.add(place)
        return place


def _of_argparse(one: FormInput, *, shared: bool) -> FormInput:
    return replace(one, shared=shared and not one.is_file)
