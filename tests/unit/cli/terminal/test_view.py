"""The screen of a session: what of names, dids and a program's output reaches a terminal."""

import io

from rich.console import Console

from huddle import events
from huddle.cli.terminal.view import View

DID = "did:key:z6MkTest"


def screen(*, terminal: bool) -> tuple[View, io.StringIO]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=90, color_system=None)
    return View(console, qr=False), text


def test_a_did_is_shown_as_it_is_written() -> None:
    view, text = screen(terminal=False)
    view.show(events.Party("Ada :cat:", DID, "waiting"))
    assert f"Ada :cat: wants to come in: new to you, {DID}" in text.getvalue()


def test_a_line_takes_the_place_of_the_status_and_the_status_moves_below() -> None:
    view, text = screen(terminal=True)
    view.wait("waiting for the others")
    view.line("Ada is in")
    view.tick()
    view.rest()
    before, after = text.getvalue().split("Ada is in")
    assert before.count("waiting for the others") == 1 and before.endswith("\r\x1b[2K")
    assert after.count("waiting for the others") == 3  # below the line, at the tick, and as it is wiped out


def test_a_prompt_stands_there_whole_when_the_person_is_to_answer() -> None:
    for first_the_prompt in (True, False):
        view, text = screen(terminal=True)
        view.show(events.Run(1, "started"))
        asked = [events.Output("stdout", "Three lines\nYour sal"), events.Output("stdout", "ary: ")]
        waits = [events.Input(True)]
        for event in (*asked, *waits) if first_the_prompt else (*waits, *asked):
            view.show(event)
        assert text.getvalue().endswith("Your salary: ")
        view.show(events.Input(False))
        view.show(events.Output("stdout", "The average is 3\n"))
        view.rest()
        assert text.getvalue().count("Your salary: ") == 1
        assert "The average is 3\n" in text.getvalue()


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
