"""The screen of a session: what of names, dids and a program's output reaches a terminal."""

import io

import pytest
from rich.console import Console

from huddle import events
from huddle.cli.terminal.board import Board
from huddle.cli.terminal.view import View

DID = "did:key:z6MkTest"


def screen(*, terminal: bool) -> tuple[View, io.StringIO]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=90, color_system=None)
    return View(console, Board(), qr=False, plain=not terminal), text


def test_a_did_is_shown_as_it_is_written() -> None:
    view, text = screen(terminal=False)
    view.show(events.Party("Ada :cat:", DID, "waiting"))
    assert f"Ada :cat: wants to come in: new to you, {DID}" in text.getvalue()


def test_a_line_that_the_program_has_begun_is_printed_as_it_is_or_waits_on_the_board() -> None:
    asked = [
        events.Output("stdout", "Three lines\nYour sal"),
        events.Output("stdout", "ary: "),
        events.Input(True),
    ]
    for plain in (True, False):
        view, text = screen(terminal=not plain)
        for event in (events.Run(1, "started"), *asked):
            view.show(event)
        assert text.getvalue().endswith("Your salary: " if plain else "Three lines\n")
        assert view.begun == ("" if plain else "Your salary: ")
        view.typed("3100")
        view.show(events.Input(False))
        view.show(events.Output("stdout", "The average is 3\n"))
        ended = "" if plain else "3100\n"  # which the terminal itself has shown to who typed it
        assert text.getvalue().endswith(f"Your salary: {ended}The average is 3\n")


def test_link_code_and_expiry_stand_below_the_picture_which_is_there_only_where_it_fits() -> None:
    url = "https://huddle.example.org/j#AT3yjtIbM_3b_HWw5WfptCnmrMwgexsllOkT8Atgo_C0jKw0"
    for width, height, there in ((100, 50, True), (100, 24, False), (30, 60, False)):
        text = io.StringIO()
        console = Console(file=text, force_terminal=True, width=width, height=height, color_system=None)
        view = View(console, Board(), planned=3, plain=False)
        view.show(events.Invitation(url, "1234-river-stone"))
        before, _, after = text.getvalue().partition("Send this link")
        assert ("█" in before) is there and "█" not in after
        assert "".join(after.split()).count("".join(url.split())) == 1
        assert "good for two hours" in " ".join(after.split()) and "1234-river-stone" in after
        if there:
            rows = text.getvalue().count("\n")
            assert rows < height, "the picture has scrolled away when the rest is there"


def test_the_counters_of_the_last_run_stand_at_the_end() -> None:
    view, text = screen(terminal=False)
    peer = {
        "name": "Bob", "pid": 1, "state": "idle", "network": "tls", "path": "direct", "rtt_ms": 0.4,
        "bytes_sent": 2048, "bytes_received": 100, "messages_sent": 3, "messages_received": 4,
        "queued": 0, "reconnects": 5,
    }  # fmt: skip
    view.show(events.Run(1, "started"))
    view.show(events.Stats(1, (peer,), rounds=7, seconds=1.0))
    view.show(events.Run(1, "finished", 1.0))
    view.show(events.Ended("The session has ended.", True))
    assert "2.0 KiB" in text.getvalue()
    assert "tls, direct" in text.getvalue()


def test_a_relayed_link_says_what_else_was_tried_and_a_direct_one_does_not() -> None:
    tried = ({"network": "tls", "outcome": "Bob cannot be reached: 192.0.2.1 port 4000: timed out"},)
    view, text = screen(terminal=False)
    view.show(events.Link("Bob", "relay", "relayed by huddle.example", tried=tried))
    assert "not tls: Bob cannot be reached: 192.0.2.1 port 4000: timed out" in text.getvalue()
    view, text = screen(terminal=False)
    view.show(events.Link("Bob", "webrtc", "direct, 192.0.2.1 port 5000", tried=tried))
    assert "not tls" not in text.getvalue()


def test_what_the_sandbox_lacks_and_its_limits_stand_beside_the_program() -> None:
    view, out = screen(terminal=False)
    view.show(
        events.Program("a.py", "d", (), (), True, weaker=("it may try the kernel",), limits=("open=99",))
    )
    view.show(events.Program("a.py", "d", (), (), False))
    strong, weak = out.getvalue().split("Program: ")[1:]
    assert "weaker than it should be: it may try the kernel." in strong
    assert "At most open=99 (--limit)." in strong
    assert "At most" not in weak
    assert "can read your files" in weak


def test_a_guest_who_was_refused_is_told_once_what_they_can_do_and_then_that_they_are_let_in() -> None:
    view, text = screen(terminal=False)
    for place in ("waiting", "refused", "refused", "admitted"):
        view.show(events.Lobby(place, ("Ada",), (), 3, False))
    shown = " ".join(text.getvalue().split())
    assert shown.count("Ada did not let you in, but can still call you back. Wait, or leave") == 1
    assert shown.endswith("You are let in.")


@pytest.mark.parametrize("state", ["refused", "left"])
def test_the_status_says_of_nobody_that_they_have_a_seat_which_they_lost(state: str) -> None:
    board = Board()
    view = View(Console(file=io.StringIO(), width=90), board)
    view.show(events.Invitation("https://huddle.example/j#x", ""))
    view.show(events.Party("Bob", DID, "seated", "new"))
    assert "Bob has a seat" in board.status
    view.show(events.Party("Bob", DID, state, "new"))
    assert board.status == "waiting for the others"


def test_the_host_s_status_does_not_wait_for_words_that_are_gone() -> None:
    board = Board()
    view = View(Console(file=io.StringIO(), width=90), board)
    view.show(events.Invitation("https://huddle.example/j#x", ""))
    view.show(events.Words(("a", "b", "c", "d")))
    view.show(events.Restarted(2, "Bob was refused"))
    assert board.status == "waiting for the others"


def test_why_somebody_left_is_said_once_and_always_once_it_has_begun() -> None:
    view, text = screen(terminal=False)
    for detail, said in (("", 0), ("tired", 1)):
        view.show(events.Party("Bob", DID, "admitted", "new", 1))
        view.show(events.Party("Bob", DID, "left", "new", None, detail))
        assert text.getvalue().count("Bob left the session") == said
    view.show(events.Sealed("d", ({"pid": 0, "name": "Ada", "did": DID},), 0))
    view.show(events.Party("Bob", DID, "connected", "new", 1))
    view.show(events.Party("Bob", DID, "left", "new", 1))
    assert text.getvalue().count("Bob left the session") == 2
