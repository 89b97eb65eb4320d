"""Terminals that wrap their lines anew when they become narrower, and how a picture is erased there.

A renderer erases its picture by going up as many rows as it painted. Where the terminal has wrapped them,
they are more by now, and the first of them would stay above the new picture. Which terminals do that can't
be asked, but told by the variables that they set; of one that is not known, a few rows may stand twice.
"""

from collections.abc import Callable, Mapping
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.layout.screen import Screen
from prompt_toolkit.renderer import Renderer

_VARIABLES = {
    "ALACRITTY_WINDOW_ID",
    "GHOSTTY_RESOURCES_DIR",
    "KITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "VTE_VERSION",  # GNOME's terminal and its relatives
    "WEZTERM_PANE",
    "WT_SESSION",
}
_PROGRAMS = {"Apple_Terminal", "WezTerm", "ghostty", "iTerm.app", "vscode"}
_TERMS = ("alacritty", "foot", "tmux", "xterm-ghostty", "xterm-kitty")


def wraps_anew(environment: Mapping[str, str]) -> bool:
    """Whether the terminal of this environment does; `TMUX` counts before what it runs in."""
    if environment.get("TMUX"):
        return True
    if environment.get("XTERM_VERSION") or environment.get("STY"):  # neither xterm nor GNU Screen does
        return False
    return (
        any(environment.get(name) for name in _VARIABLES)
        or environment.get("TERM_PROGRAM") in _PROGRAMS
        or environment.get("TERM", "").startswith(_TERMS)
    )


def wrapped(screen: Screen, cursor: Point, columns: int) -> int:
    """How many rows more there are now from the top of a picture to its cursor, at so many columns."""
    more = cursor.x // columns
    for y in range(cursor.y):
        row = screen.data_buffer[y]
        length = max((x + cell.width for x, cell in row.items() if cell.char != " "), default=0)
        more += max(0, -(-length // columns) - 1)
    return more


class WrappingRenderer(Renderer):
    """Prompt_toolkit's renderer on such a terminal; `window` is the one with the cursor."""

    window: Callable[[], Window]
    _columns = 0  # at which the picture was painted

    def render(self, app: Application[Any], layout: Layout, is_done: bool = False) -> None:
        """Paint, and note how wide."""
        super().render(app, layout, is_done)
        self._columns = self.output.get_size().columns

    def erase(self, leave_alternate_screen: bool = True) -> None:
        """Go to the top of what the picture has become, and erase from there."""
        screen, columns = self.last_rendered_screen, self.output.get_size().columns
        if screen is not None and columns < self._columns:
            self.output.cursor_up(wrapped(screen, screen.get_cursor_position(self.window()), columns))
        super().erase(leave_alternate_screen)
