"""Whatever peers, a program's files and its manifest say, the screen shows it and does nothing of it."""

import io
import re
import sys
from dataclasses import fields
from types import FrameType
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from huddle import events
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.board import Board
from huddle.cli.terminal.view import View

EVIL = "\x1b[2J\x1b]0;x\x07 \r\n[bold red]Sealed[/] by you\u202e\u2028[/]\\ :cat: [link=file:///etc]x"
KINDS = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind.event not in ("", "output")
]
PEER = {
    "name": EVIL, "pid": 1, "state": EVIL, "network": EVIL, "path": EVIL, "rtt_ms": 0.4, "bytes_sent": 1,
    "bytes_received": 1, "messages_sent": 1, "messages_received": 1, "queued": 0, "reconnects": 0,
}  # fmt: skip
OBJECTS: dict[str, Any] = {
    "files": ({"path": EVIL, "size": 3, "kept": EVIL, "sha256": "a" * 64},),
    "parties": ({"pid": 0, "name": EVIL, "did": "did:key:x"},),
    "members": ({"name": EVIL, "did": "did:key:x", "state": "in"},),
    "peers": (PEER,),
}
STATES = {
    "state": (
        "waiting",
        "admitted",
        "seated",
        "refused",
        "accepted",
        "silent",
        "gone",
        "left",
        "lost",
        "restored",
        "failed",
    ),
    "digest": ("ab" * 32,),
    "did": ("did:key:z6MkpFBWEgiNjDBnJSdoGbGMarddUuaTWuVP1By2gHnLdqjA",),
    "standing": ("new", "alarm"),
}


def screen(*, terminal: bool = False) -> tuple[View, io.StringIO]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=400, color_system=None)
    return View(console, Board(), qr=False), text


def hostile(kind: type[events.Event], state: int) -> events.Event:
    values: dict[str, Any] = {}
    for field in fields(kind):
        hint = str(get_type_hints(kind)[field.name])
        name = field.name
        if name in OBJECTS:
            values[name] = OBJECTS[name]
        elif name in STATES:
            values[name] = STATES[name][state % len(STATES[name])]
        elif hint.startswith("tuple"):
            values[name] = (EVIL,)
        elif "str" in hint:
            values[name] = EVIL
        else:
            values[name] = True if "bool" in hint else 1
    return kind(**values)


@pytest.mark.parametrize("state", range(10))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.event)
def test_no_event_reaches_the_terminal_raw(kind: type[events.Event], state: int) -> None:
    view, text = screen()
    view.show(hostile(kind, state))
    shown = text.getvalue()
    harmless(shown)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.event)
@pytest.mark.parametrize("width", [200, 400])
def test_no_event_reaches_the_board_raw(kind: type[events.Event], width: int) -> None:
    board = Board(color_system=None)
    for state in range(10):
        board.take(events.Party(EVIL, f"did:{state}", "admitted", "new", state))
        board.take(hostile(kind, state))
        board.asked = Asked(f"Let {EVIL} in?", (("y", EVIL),), EVIL)
        harmless(board.render(width, 100))


def harmless(shown: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028]", shown), repr(shown)
    assert not any(line.lstrip().startswith("Sealed by you") for line in shown.split("\n")), "a forged line"
    assert "\N{CAT}" not in shown, "a picture"
    if "\\x1b[2J" in shown:
        assert "[bold red]Sealed" in shown, "markup was obeyed"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_name_and_reason_can_be_shown(text: str) -> None:
    view, out = screen()
    view.show(events.Party(text, "did:key:x", "left", detail=text))
    view.show(events.Chat(text, text))
    view.show(events.Error("peer", text, text, text))
    assert out.getvalue().count("\n") == (4 if text else 2)  # no reason, no hint: they were told before


def test_a_programs_files_are_shown_with_nothing_hidden() -> None:
    view, out = screen()
    data = "[bold]x[/] :cat:\x1b[2J\u202e\n".encode()
    shown = "".join(view.files({"a.py": data}))
    view.print(shown)
    assert "    1 [bold]x[/] :cat:\\x1b[2J\\u202e\n" in shown and out.getvalue() == shown


def test_the_output_of_the_own_program_is_printed_as_it_comes_on_a_terminal_only() -> None:
    for terminal in (True, False):
        view, out = screen(terminal=terminal)
        view.show(events.Output("stdout", "\x1b[1mbold\x1b[0m [red]\n"))
        assert ("\x1b[1m" in out.getvalue()) is terminal and "[red]" in out.getvalue()


@pytest.mark.parametrize("line", ["\n", "a\n", "\r\n", "x" * 79 + "\n"])
@pytest.mark.parametrize("plain", [False, True])
def test_a_flood_of_lines_costs_no_work_for_each_of_them(line: str, plain: bool) -> None:
    """Counted in calls, since a clock tells of other programs as well; each piece is handled in one go."""
    text = io.StringIO()
    view = View(Console(file=text, force_terminal=True), Board(), plain=plain)
    piece = line * (32_768 // len(line))
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        view.show(events.Output("stdout", piece))
    finally:
        sys.setprofile(before)
    assert calls < 200
    assert text.getvalue() == piece.replace("\r", "")
