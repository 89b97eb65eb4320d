"""Terminals that wrap anew: which do, and how many rows a picture becomes; seen in test_screens."""

import pytest
from prompt_toolkit.data_structures import Point
from prompt_toolkit.layout.screen import Char, Screen

from huddle.cli.terminal.reflow import wrapped, wraps_anew


@pytest.mark.parametrize(
    ("environment", "wraps"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "tmux-256color"}, True),
        ({"TERM": "foot"}, True),
        ({"TERM": "linux"}, False),
        ({"TMUX": "/tmp/tmux-0/default,1,0", "XTERM_VERSION": "XTerm(390)"}, True),
        ({"VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": "7600", "XTERM_VERSION": "XTerm(390)"}, False),
        ({"VTE_VERSION": "7600", "STY": "1.screen"}, False),
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM_PROGRAM": "another"}, False),
    ],
)
def test_which_terminals_wrap_anew(environment: dict[str, str], wraps: bool) -> None:
    assert wraps_anew(environment) is wraps


def test_each_row_above_the_cursor_counts_by_what_stands_in_it() -> None:
    screen = Screen()
    for y, text in enumerate(("x" * 60, "x" * 61, "", "x" * 121, "x" * 200)):
        for x, letter in enumerate(text + "   "):
            screen.data_buffer[y][x] = Char(letter)
    assert wrapped(screen, Point(0, 0), 60) == 0
    assert wrapped(screen, Point(0, 2), 60) == 1
    assert wrapped(screen, Point(0, 4), 60) == 3
    assert wrapped(screen, Point(130, 4), 60) == 5  # the cursor's own row, up to it
    assert wrapped(screen, Point(0, 4), 200) == 0
