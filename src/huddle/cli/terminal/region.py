"""The lower end of a terminal: a picture that is painted anew, a line to type on; above it, lines that stay.

Built on prompt_toolkit, which reads keys as they are pressed: what is typed while nobody asks goes nowhere,
and no line of a conversation elsewhere becomes the answer to a question that is asked a moment later.
While a program runs, lines typed ahead are kept for its `input()`, and forgotten with the run.
"""

import asyncio
import io
import os
import sys
import termios
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TextIO

from prompt_toolkit.application import Application, in_terminal
from prompt_toolkit.application.current import set_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Size
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.input import Input
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, Window
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.output import Output
from prompt_toolkit.output.vt100 import Vt100_Output

from huddle.cli.terminal.reflow import WrappingRenderer, wraps_anew

Paint = Callable[[int, int], str]  # a picture for a width and a height


class Region:
    """One terminal's lower end, from `begin` to `end`.

    `paint` gives the picture; `prefix` what stands before the line that is typed; `interrupt` is Ctrl-C.
    """

    def __init__(
        self, out: TextIO, paint: Paint, prefix: Callable[[], str], interrupt: Callable[[], None]
    ) -> None:
        self._paint = paint
        self._prefix = prefix
        self._fd = sys.stdin.fileno()
        self._blocking = True
        self.input: Input = Vt100Input(sys.stdin)
        self.output: Output = Vt100_Output(
            out,
            lambda: _size(out),
            term=os.environ.get("TERM"),
            enable_bell=False,
            enable_cpr=False,  # a terminal's answer would be one more thing on standard input
        )
        self._answer: asyncio.Future[str | None] | None = None
        self._armed = False  # the question is being painted: what is typed from now on counts
        self._program: deque[str] | None = None  # lines typed ahead for the program, while one runs
        self._closed = False
        self._painted: ANSI | None = None  # on this occasion
        self._away: list[str] | None = None  # what was printed while another picture covers this one
        self._buffer = Buffer(multiline=False, accept_handler=self._accept)
        keys = KeyBindings()
        keys.add("c-c")(lambda _: interrupt())
        keys.add("c-d", filter=Condition(lambda: not self._buffer.text))(self._end_of_input)
        keys.add("c-z")(lambda event: event.app.suspend_to_background())
        keys.add("<any>", filter=Condition(lambda: not self._typing()))(lambda _: None)
        keys.add("enter", filter=Condition(lambda: not self._typing()))(lambda _: None)
        keys.add("<bracketed-paste>")(self._paste)
        self._above = Window(
            FormattedTextControl(self._picture, focusable=True, show_cursor=False),
            height=self._height,
            dont_extend_height=True,
        )
        self._line = Window(
            BufferControl(self._buffer, input_processors=[BeforeInput(lambda: ANSI(self._prefix()))]),
            dont_extend_height=True,
            wrap_lines=True,
        )
        shown = ConditionalContainer(self._line, Condition(self._asks))
        self._app: Application[None] = Application(
            layout=Layout(HSplit([self._above, shown]), focused_element=self._above),
            key_bindings=keys,
            input=self.input,
            output=self.output,
            erase_when_done=True,
            before_render=self._begin_picture,
        )
        if wraps_anew(os.environ):
            renderer = WrappingRenderer(self._app.renderer.style, self.output)
            renderer.window = lambda: self._app.layout.current_window
            self._app.renderer = renderer
        self._running: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Take the terminal; what was typed before is forgotten."""
        self._blocking = os.get_blocking(self._fd)
        self._forget()
        self._running = asyncio.create_task(self._run(), name="terminal")
        await asyncio.sleep(0)

    async def end(self) -> None:
        """Give the terminal back, as it was."""
        if self._running is not None:
            if self._app.is_running:
                self._app.exit()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
            os.set_blocking(self._fd, self._blocking)  # which the event loop has changed

    def print(self, text: str) -> None:
        """Text of whole lines that stays, above the picture."""
        if self._away is not None:
            self._away.append(text)
            return
        if self._app.is_running:
            self._app.renderer.erase()
        self.output.write_raw(text)
        self.output.flush()
        self._app.invalidate()

    def refresh(self) -> None:
        """Paint anew, soon."""
        self._app.invalidate()

    async def ask(self) -> str | None:
        """The line that is typed once the question stands in the picture; None where input is at its end."""
        if self._closed:
            return None
        self._armed = False
        self._answer = asyncio.get_running_loop().create_future()
        self._changed()
        try:
            return await self._answer
        finally:
            self._answer = None
            self._buffer.reset()
            self._changed()

    def program(self, runs: bool) -> None:
        """A program runs, or no longer does; what was typed for it is forgotten."""
        self._program = deque() if runs else None
        self._buffer.reset()
        self._changed()

    async def line(self) -> str | None:
        """The next line for the program."""
        if self._program:
            return self._program.popleft()
        if self._closed:
            return None
        self._answer = asyncio.get_running_loop().create_future()
        self._armed = True
        self._changed()
        try:
            return await self._answer
        finally:
            self._answer = None

    @asynccontextmanager
    async def covered(self) -> AsyncIterator[None]:
        """While another picture has the whole terminal."""
        self._away = []
        try:
            with set_app(self._app):
                async with in_terminal():
                    yield
        finally:
            kept, self._away = "".join(self._away), None
            if kept:
                self.print(kept)

    # --- inside

    async def _run(self) -> None:
        try:
            await self._app.run_async(handle_sigint=False, set_exception_handler=False)
        except EOFError:  # the terminal is gone
            self._closed = True
            self._settle(None)

    def _begin_picture(self, _app: "Application[None]") -> None:
        self._painted = None
        self._arm()  # not once it stands there: the person may be quick

    def _picture(self) -> ANSI:
        """The picture, which prompt_toolkit asks for several times on each occasion."""
        if self._painted is None:
            size = self.output.get_size()
            below = 1 + int(self._asks())  # the line to type on, and one that stays free
            self._painted = ANSI(self._paint(size.columns, max(1, size.rows - below)))
        return self._painted

    def _height(self) -> Dimension | None:
        """No line at all for an empty picture above what is typed; else as many as it has."""
        return Dimension.exact(0) if self._asks() and not self._picture().value else None

    def _typing(self) -> bool:
        return self._program is not None or (self._answer is not None and self._armed)

    def _asks(self) -> bool:
        return self._answer is not None or self._program is not None

    def _changed(self) -> None:
        self._app.layout.focus(self._line if self._asks() else self._above)
        self._app.invalidate()

    def _arm(self) -> None:
        if self._answer is not None and not self._armed:
            self._forget()
            self._armed = True

    def _forget(self) -> None:
        self._buffer.reset()
        with suppress(termios.error):
            termios.tcflush(self._fd, termios.TCIFLUSH)

    def _accept(self, buffer: Buffer) -> bool:
        text = buffer.text
        if self._answer is not None:
            self._settle(text)
        elif self._program is not None:
            self._program.append(text)
        return False

    def _settle(self, text: str | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(text)

    def _end_of_input(self, _event: KeyPressEvent) -> None:
        if self._typing():
            self._settle(None)

    def _paste(self, event: KeyPressEvent) -> None:
        if not self._typing():
            return
        *whole, last = event.data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if self._program is None:  # a question: nothing that is pasted answers it without Enter
            self._buffer.insert_text(" ".join([*whole, last]).strip())
            return
        for text in whole:
            self._buffer.insert_text(text)
            self._accept(self._buffer)
            self._buffer.reset()
        self._buffer.insert_text(last)


class Above(io.TextIOBase):
    """A stream whose text stays above a region; what does not end a line waits for the end of it."""

    def __init__(self, region: Region, encoding: str) -> None:
        self._region = region
        self._encoding = encoding
        self._begun = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in the base class
        """The terminal's."""
        return self._encoding

    def isatty(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Print what is whole of it."""
        whole, newline, self._begun = (self._begun + text).rpartition("\n")
        if newline:
            self._region.print(whole + newline)
        return len(text)


def _size(out: TextIO) -> Size:
    try:
        columns, rows = os.get_terminal_size(out.fileno())
    except OSError:
        columns, rows = 80, 24
    return Size(rows=rows or 24, columns=columns or 80)
