"""A program's output on its way to the screen: harmless, in whole lines while a status stands below, bounded.

A program may print without end and without a newline. What waits here for the end of its line is never more
than `LINE` characters, and each piece that comes is looked at once.
"""

import re
from collections.abc import Callable

LINE = 1 << 16  # characters; a longer line is cut, since a status below would hide that it goes on

# A control sequence, a control string, or another escape (ECMA-48), whole or cut off at the end.
_SEQUENCE = re.compile(
    "(\x1b(?:\\[[0-?]*[ -/]*(?:[@-~]|$)|[\\]PX^_][^\x1b\x07]*(?:\x1b\\\\|\x07|$)|[ -/]*(?:[0-~]|$)))"
)
_COLOUR = re.compile("\x1b\\[[0-9;:]*m")
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t\r"}


def painted(text: str) -> str:
    """What a program printed, with its colours and without all else that steers a terminal.

    Moves of the cursor, titles, the clipboard and the like are left out, so that a program writes where it
    is and nowhere else; colours end with the text, so that they hide nothing that Huddle prints behind it.
    """
    if "\x1b" not in text:
        return text.translate(_CONTROLS)
    kept = "".join(
        part if part.startswith("\x1b") else part.translate(_CONTROLS)
        for part in _SEQUENCE.split(text)
        if not part.startswith("\x1b") or _COLOUR.fullmatch(part)
    )
    return f"{kept}\x1b[0m" if "\x1b" in kept else kept


def unpainted(text: str) -> str:
    """The same without colours, for what is no terminal."""
    return (_SEQUENCE.sub("", text) if "\x1b" in text else text).translate(_CONTROLS)


class ProgramOutput:
    """The text of one program, between its pieces as they come and the screen.

    `harmless` is `painted` or `unpainted`. All that is given out has been through it.
    """

    def __init__(self, harmless: Callable[[str], str]) -> None:
        self._harmless = harmless
        self._begun: list[str] = []  # pieces of a line that has not ended
        self._size = 0

    def take(self, text: str) -> str:
        """Take what the program wrote; the lines that have ended by now, each with its newline."""
        whole, newline, begun = text.rpartition("\n")
        if newline or self._size + len(text) > LINE:
            ended = "".join((*self._begun, whole if newline else begun))
            self._begun, self._size = [], 0
            if newline:
                self._hold(begun)
            return self._harmless(ended) + "\n"
        self._hold(begun)
        return ""

    @property
    def begun(self) -> str:
        """The line that it has begun, which is still to come."""
        return self._harmless("".join(self._begun))

    def rest(self) -> str:
        """The line that it has begun, to be printed as it is."""
        begun = self._harmless("".join(self._begun))
        self._begun, self._size = [], 0
        return begun

    def _hold(self, text: str) -> None:
        self._begun.append(text)
        self._size += len(text)
