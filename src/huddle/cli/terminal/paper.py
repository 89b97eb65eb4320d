"""From rich's renderables to lines of a picture, and the few of them of which the board is made."""

import io
from collections.abc import Iterable
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from huddle.cli.text import clean_line


class Paper:
    """Makes lines of so many columns of renderables, with colours as `color_system` of rich has them."""

    def __init__(self, width: int, color_system: str | None) -> None:
        self._text = io.StringIO()
        self._console = Console(
            file=self._text,
            width=width,
            force_terminal=True,
            color_system=color_system,  # type: ignore[arg-type]  # rich has a Literal of its own
            legacy_windows=False,
        )

    def lines(self, renderable: RenderableType | None) -> list[str]:
        """The lines of one; none of None."""
        if renderable is None:
            return []
        self._text.seek(0)
        self._text.truncate()
        self._console.print(renderable, highlight=False, emoji=False)
        return self._text.getvalue().rstrip("\n").split("\n")


def text(markup: str, **style: Any) -> Text:
    """One line of markup."""
    return Text.from_markup(markup, emoji=False, **style)  # else the :key: of a did is a picture


def stack(*parts: RenderableType | None) -> RenderableType | None:
    """These below one another; None of none."""
    found = [part for part in parts if part is not None]
    grid = Table.grid()
    grid.add_column(overflow="fold")
    for part in found:
        grid.add_row(part)
    return grid if found else None


def packed(choices: Iterable[tuple[str, str]], width: int) -> list[Text]:
    """As many choices on a line as go there whole."""
    lines: list[Text] = []
    for key, meaning in choices:
        choice = Text.assemble("  ", (clean_line(key), "bold cyan"), f": {clean_line(meaning)}")
        if lines and lines[-1].cell_len + choice.cell_len + 1 <= width:
            lines[-1] = Text.assemble(lines[-1], " ", choice)
        else:
            lines.append(choice)
    return lines
