"""What a person is told where something is wrong from the start: at once, rightly, and with what to do.

Each as somebody would meet it, with real commands; on a terminal where a terminal matters.
"""

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mpyc
import pytest

from huddle.ceremony.invitation import Invitation
from huddle.rendezvous.server.site import find_site
from tests.e2e.harness import LOCAL, PEER, RENDEZVOUS, Huddle, Lab
from tests.e2e.interpreters import with_mpyc
from tests.e2e.terminal import Terminal
from tests.e2e.test_lobby import program
from tests.ports import free_port

__all__ = ["program"]

Sit = Callable[..., Terminal]
ENDED = "The session has ended"


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Sit]:
    """Sits a person down at a terminal with a command."""
    taken: list[Terminal] = []

    def one(name: str, command: str, *args: str, **environment: str) -> Terminal:
        taken.append(Terminal(tmp_path, name, command, *args, **environment))
        return taken[-1]

    yield one
    for terminal in taken:
        terminal.close()


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of a rendezvous that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def invited(host: Terminal) -> str:
    return host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]


# --- the rendezvous


@pytest.mark.parametrize("how", ["host", "link", "code"])
def test_one_that_does_not_answer_is_told_while_it_is_tried(
    people: Lab, sit: Sit, url: str, mute: str, programs: Path, how: str
) -> None:
    program = str(programs / "total.py")
    if how == "host":
        waits = sit("Ada", "host", "--parties", "2", "--rendezvous", mute, program)
    elif how == "code":
        waits = sit("Bob", "join", "--rendezvous", mute, "4821-apple-river")
    else:
        link = people.host(programs / "total.py", url=url).wait("invitation")["url"]
        there = Invitation.parse(link)
        waits = sit("Bob", "join", Invitation(mute, there.secret, there.host).url)
    address = mute.removeprefix("http://")
    waits.wait(f"The rendezvous {re.escape(address)} has not answered yet; still trying")
    waits.ctrl_c()
    assert waits.end() != 0 and ENDED not in waits.text


def test_an_address_with_a_path_too_many_is_named(people: Lab, sit: Sit, url: str, programs: Path) -> None:
    for command, options in (
        ("host", ("--parties", "2", str(programs / "total.py"))),
        ("join", ("4821-apple-river",)),
    ):
        lost = sit("Ada", command, "--rendezvous", f"{url}/some/where", *options)
        lost.wait("This rendezvous is not at the path /some/where")
        lost.wait("Leave /some/where out of its URL")
        assert lost.end() == RENDEZVOUS
        assert "No session was started." in lost.text and "older" not in lost.text


def test_one_that_was_restarted_has_forgotten_an_invitation_and_says_so(
    people: Lab, sit: Sit, programs: Path
) -> None:
    port = free_port()
    server, url = people.rendezvous(port=port)
    ada = sit("Ada", "host", "--parties", "2", "--rendezvous", url, str(programs / "total.py"))
    link = invited(ada)
    server.process.kill()
    server.process.wait(10)
    people.rendezvous(port=port)
    ada.wait("The rendezvous has forgotten the session: it was restarted")
    ada.wait("the others need a new invitation")
    assert ada.end() == RENDEZVOUS
    bob = sit("Bob", "join", link)
    bob.wait("knows no such room: it has ended or expired, or the rendezvous was restarted")
    bob.wait("Ask the host for a new invitation")
    assert bob.end() == RENDEZVOUS and "wrong" not in bob.text


def test_browsers_elsewhere_can_t_join_by_plain_http_and_it_says_so(sit: Sit) -> None:
    server = sit("Sue", "serve", "--port", "0", "--host", "127.0.0.1", "--url", "http://192.0.2.7:8037")
    server.wait("Others use it with: huddle host --rendezvous http://192.0.2.7:8037")
    if find_site() is None:
        server.wait("It has no page for browsers")
        pytest.skip("the page is not built")
    server.wait("at http://localhost:8037")
    server.wait("Browsers elsewhere can't")
    server.ctrl_c()
    assert server.end() == 0


# --- versions


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with an MPyC that calls itself 0.9."""
    return str(with_mpyc("0.9", tmp_path_factory.mktemp("older") / "venv"))


@pytest.mark.parametrize("who", ["host", "guest"])
def test_whose_mpyc_is_which_is_said_alike_on_both_sides(
    sit: Sit, url: str, programs: Path, older: str, who: str
) -> None:
    old, program = ("--python", older), str(programs / "total.py")
    options = old if who == "host" else ()
    ada = sit("Ada", "host", "--parties", "2", "--rendezvous", url, *options, program)
    bob = sit("Bob", "join", *(old if who == "guest" else ()), invited(ada))
    versions = ("0.9", mpyc.__version__) if who == "host" else (mpyc.__version__, "0.9")
    said = "the host has MPyC {}, this guest {}".format(*map(re.escape, versions))
    bob.wait(said)
    bob.wait("No session was started.")  # with him: the host waits for somebody else
    assert bob.end() == PEER
    ada.wait(said)
    ada.ctrl_c()
    ada.end()
    assert "Run 1" not in ada.text + bob.text


# --- what this person typed


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("host", "--parties", "2", "--record", "no/such/it.record", "PROGRAM"), "There is no directory"),
        (("host", "--parties", "3", "-T", "5", "PROGRAM"), "A threshold of 5 does not fit 3 parties"),
        (("host", "--parties", "1", "PROGRAM"), "1 is not in the range"),
        (("host", "PROGRAM"), "Say how many take part"),
        (("host", "--parties", "2", "--groups", "2", "--again", "PROGRAM"), "host it anew without --again"),
        (("host", "--parties", "2", "--network", "carrier-pigeon", "PROGRAM"), "carrier-pigeon"),
        (("host", "--parties", "2", "--name", " ", "PROGRAM"), "cannot be a name"),
        (("join", "https://huddle.example/j#AAAA"), "typing error or is cut off"),
        (("join", "--record", "no/such/it.record", "https://huddle.example/j#AAAA"), "There is no directory"),
        (("join", "4821-apple-river"), "which rendezvous it belongs to"),
    ],
    ids=lambda value: "-".join(value[1:4]).replace("/", ".") if isinstance(value, tuple) else "",
)
def test_what_was_typed_wrongly_is_said_before_there_is_a_session(
    sit: Sit, programs: Path, args: tuple[str, ...], said: str
) -> None:
    command, *rest = [str(programs / "total.py") if word == "PROGRAM" else word for word in args]
    ada = sit("Ada", command, *rest)
    assert ada.end() in (2, LOCAL)
    assert said in " ".join(ada.text.split()), ada.text
    assert ENDED not in ada.text and "Send this link" not in ada.text


def test_a_program_that_python_can_t_read_is_named_before_anybody_is_invited(
    sit: Sit, url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "bad.py").write_text("import beside\nprint('well')\n")
    (folder / "beside.py").write_text("def f(:\n    pass\n")
    there = ("--rendezvous", url, "--parties", "2")
    ada = sit("Ada", "host", *there, "--include", "beside.py", str(folder / "bad.py"))
    ada.wait(r"Python can't read beside.py, line 1: invalid syntax")
    assert ada.end() == LOCAL and "Send this link" not in ada.text
    bob = sit("Bob", "join", "--program", str(folder / "beside.py"), "https://huddle.example/j#AAAA")
    bob.wait(r"Python can't read beside.py, line 1: invalid syntax")
    bob.wait("Correct it, then try again")
    assert bob.end() == LOCAL


def test_one_that_is_edited_into_nonsense_ends_no_session(sit: Sit, url: str, program: Path) -> None:
    good = program.read_text()
    ada = sit("Ada", "host", "--rendezvous", url, "--parties", "2", "--stay", str(program))
    bob = sit("Bob", "join", invited(ada))
    for person in (ada, bob):
        person.wait("Whom did you hear say these words")
        person.type("nobody")
    ada.wait("Once more?")
    program.write_text("def f(:\n")
    ada.type("y")
    ada.wait("Python can't read prog.py, line 1")
    ada.asks(r"Once more\?")
    program.write_text(good.replace("first", "second"))
    ada.type("y")
    bob.wait("Run this program here?")
    bob.type("y")
    bob.wait("second")
    ada.wait("Run 2 finished")
    ada.asks(r"Once more\?")
    ada.type("q")
    assert [ada.end(), bob.end()] == [0, 0], ada.text


# --- whom one knows


def contacts(people: Lab, name: str) -> list[dict[str, Any]]:
    told = people.huddle(name, "contacts", "--json")
    assert told.end() == 0
    return list(json.loads("".join(told.foreign)))


def all_heard(*persons: Terminal) -> None:
    for person in persons:
        person.wait("Whom did you hear say these words")
        person.type("all")
    for person in persons:
        assert person.end() == 0, person.text


@pytest.mark.parametrize("who", ["guest", "host"])
def test_a_pseudonym_becomes_no_contact_and_raises_no_alarm_the_next_time(
    people: Lab, tmp_path: Path, url: str, programs: Path, who: str
) -> None:
    taken: list[Terminal] = []
    program, hidden = str(programs / "total.py"), ("--pseudonym",)

    def session(*, pseudonym: bool) -> tuple[Terminal, Terminal]:
        own = hidden if pseudonym else ()
        folder = tmp_path / "people"
        options = ("--parties", "2", "--rendezvous", url, *(own if who == "host" else ()))
        taken.append(ada := Terminal(folder, "Ada", "host", *options, program))
        link = invited(ada)
        taken.append(bob := Terminal(folder, "Bob", "join", *(own if who == "guest" else ()), link))
        all_heard(ada, bob)
        return (ada, bob) if who == "guest" else (bob, ada)

    me, other = ("Ada", "Bob") if who == "guest" else ("Bob", "Ada")
    try:
        for _ in range(2):
            mine, theirs = session(pseudonym=True)
            assert f"{other} takes part under a pseudonym and is not kept as a contact" in mine.text
            assert "another key" not in mine.text and "ANOTHER KEY" not in mine.text
            assert "new to you" in mine.text
            assert contacts(people, me) == [] and contacts(people, other) == []
            assert "Nothing stays on this machine" in theirs.text
        mine, _ = session(pseudonym=False)  # the same name, under the identity that lasts
        assert "another key" not in mine.text and "ANOTHER KEY" not in mine.text
        (kept,) = contacts(people, me)
        assert kept["name"] == other and kept["verified"]
    finally:
        for terminal in taken:
            terminal.close()


def test_who_took_part_is_oneself_in_a_record_and_no_stranger(
    people: Lab, url: str, programs: Path, tmp_path: Path
) -> None:
    program, record = programs / "total.py", tmp_path / "it.record"
    host = people.host(program, url=url, parties=2, options=("--record", str(record)))
    bob = people.join("Bob", host.wait("invitation")["url"], program)
    assert [host.end(), bob.end()] == [0, 0]
    for name, other in (("Ada", "Bob"), ("Bob", "Ada")):
        told = verified(people, name, record)
        assert f"{name} (you)" in told and f"{other} (new to you)" in told, told


def verified(people: Lab, name: str, record: Path) -> str:
    told: Huddle = people.huddle(name, "verify", str(record))
    assert told.end() == 0, told.stderr
    return "".join(told.foreign)
