"""What a session does when its parties do not do their part, and what each of them is told."""

import contextlib
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import mpyc
import pytest

from huddle.ceremony.invitation import Invitation
from huddle.ceremony.messages import Hello, Message, Reveal
from huddle.cli.errors import EXIT_CODES
from tests.e2e.chaos import wait_until
from tests.e2e.harness import Huddle, Lab, alive
from tests.e2e.interpreters import with_mpyc
from tests.e2e.silent import silent_guest
from tests.ports import free_port

HURRIED = {"PYTHONPATH": str(Path(__file__).parent / "hurried")}
LATE = {"PYTHONPATH": str(Path(__file__).parent / "late")}
PEER, LOCAL, RENDEZVOUS = (EXIT_CODES[whose] for whose in ("peer", "local", "rendezvous"))
GRACE = ("--grace", "12")


def fully(party: Huddle) -> str:
    """All that a party was told of errors and of the parties."""
    return f"{party.errors()}\n" + "\n".join(event["detail"] for event in party.all("party"))


# --- parties that are killed


def test_killed_supervisors_are_named_and_their_runners_die_with_them(
    people: Lab, url: str, programs: Path
) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, parties=4, url=url, options=GRACE)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program, "--block", "300", options=(*GRACE, "--no-sandbox"))
    cyd = people.join("Cyd", link, program, "--block", "300", options=(*GRACE, "--sandbox"))
    dan = people.join("Dan", link, program, options=GRACE)
    runners = []
    for victim in (bob, cyd):
        victim.wait("output", lambda event: "blocking" in event["text"])
        runners += victim.descendants()
    assert len(alive(runners)) >= 2
    bob.process.kill()
    cyd.process.kill()
    assert wait_until(lambda: not alive(runners), 20), alive(runners)
    for party in (host, dan):
        silent = {
            name: party.wait(
                "party", lambda event, name=name: (event["name"], event["state"]) == (name, "silent")
            )
            for name in ("Bob", "Cyd")
        }
        error = party.wait("error")
        assert error["whose"] == "peer" and error["peer"] in silent
        assert party.events.index(silent[error["peer"]]) < party.events.index(error)
        assert f"{error['peer']} is gone" in error["message"] and "12 s" in error["message"]
        run = party.wait("run", lambda event: event["state"] == "failed")
        # The other survivor may have been the first to say so.
        assert run["whose"] == "peer" and run["peer"] in ("Bob", "Cyd"), run
        assert f"{run['peer']} is gone" in run["reason"], run
        assert party.end() == PEER
        assert not party.all("ended")[0]["clean"]
    for victim in (bob, cyd):  # who could not clean up, unless root's helper did it for them
        if not os.geteuid():
            assert wait_until(lambda victim=victim: victim.left() == [], 20), victim.left()
            continue
        (left,) = victim.temp.glob("huddle-run-*")
        os.utime(left, (0, 0))  # as if that had been some time ago
        forget = people.huddle(victim.home.name, "forget", "leftovers", "--yes", "--json")
        assert forget.end() == 0 and str(left) in "".join(forget.foreign)
        assert victim.left() == []


def test_a_killed_program_and_an_endless_one_end_the_run_and_not_the_session(
    people: Lab, url: str, programs: Path
) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, url=url, options=("--stay",))
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program, "--ask")
    others = [host, people.join("Cyd", link, program)]

    def asked(run: int) -> None:
        bob.wait("input", lambda event: event["waiting"] and event["run"] == run)

    def failed(party: Huddle, run: int) -> dict[str, object]:
        return party.wait("run", lambda event: event["state"] == "failed" and event["run"] == run)

    def again(run: int) -> None:
        host.wait("question", lambda _: len(host.all("question")) > run)
        host.type("y")

    asked(1)
    runner = max(bob.descendants())  # the innermost, where there is a sandbox around it
    os.kill(runner, signal.SIGKILL)
    for party in others:
        ended = failed(party, 1)
        assert ended["whose"] == "peer" and ended["peer"] == "Bob"
        assert "failed at Bob" in str(ended["reason"]) and "SIGKILL" in str(ended["reason"])
    assert failed(bob, 1)["whose"] == "program"

    again(1)
    asked(2)
    bob.type("spin")
    bob.wait("output", lambda event: "typed spin" in event["text"])
    runners = bob.descendants()
    bob.signal(signal.SIGINT)
    for party in others:
        ended = failed(party, 2)
        assert ended["peer"] == "Bob" and "stopped the run" in str(ended["reason"])
    assert "You stopped the run" in str(failed(bob, 2)["reason"])
    assert wait_until(lambda: not alive(runners), 20)

    again(2)
    asked(3)
    bob.type("go")
    for party in (bob, *others):
        party.wait("run", lambda event: event["state"] == "finished" and event["run"] == 3)
        assert "second sum 60" in party.output()
    host.wait("question", lambda _: len(host.all("question")) > 3)
    host.type("q")
    for party in (bob, *others):
        party.end()
        assert party.all("ended")
        assert not party.descendants()


def test_who_says_late_why_their_program_ended_is_heard_all_the_same(
    people: Lab, url: str, tmp_path: Path
) -> None:
    program = tmp_path / "fails.py"
    program.write_text(
        "from mpyc.runtime import mpc\n\nmpc.run(mpc.start())\n"
        "if mpc.pid == 0:\n    raise ValueError\n"
        "print(mpc.run(mpc.output(mpc.input(mpc.SecInt()(1), 0))))\n"
    )
    # She stays, so that what she says late is still said.
    host = people.host(program, parties=2, url=url, options=("--stay",), env=LATE)
    bob = people.join("Bob", host.wait("invitation")["url"], program)
    run = bob.wait("run", lambda event: event["state"] == "failed")
    assert (run["whose"], run["peer"]) == ("peer", "Ada")
    assert "the program failed with ValueError" in run["reason"]
    host.signal(signal.SIGINT)
    assert [host.end(), bob.end()] == [1, 1]


# --- guests and hosts that do not do their part


@pytest.mark.parametrize(
    ("said", "failing"), [((Hello,), "reveal"), ((Hello, Reveal), "accept")], ids=["reveals", "accepts"]
)
def test_who_reveals_or_accepts_nothing_is_named_and_holds_nobody_up_for_ever(
    people: Lab, url: str, programs: Path, said: tuple[type[Message], ...], failing: str
) -> None:
    program = programs / "chaos_steps.py"
    host = people.huddle(
        "Ada", "host", "--json", "--name", "Ada", "--open", "--parties", "3", "--rendezvous", url,
        "--via", "127.0.0.1", str(program), env=HURRIED,
    )  # fmt: skip
    link = host.wait("invitation")["url"]
    with silent_guest(link, "Mum", *said):
        host.wait("party", lambda event: event["name"] == "Mum" and event["state"] == "admitted")
        bob = people.join("Bob", link, program)
        error = host.wait("error")
        assert error["peer"] == "Mum" and f"Mum did not {failing} in time" in error["message"]
        assert host.end() == PEER
        bob.wait("error")
        assert "Mum" in fully(bob) + " ".join(notice["text"] for notice in bob.all("notice"))
        assert bob.end() == PEER
    assert not host.all("run") and not bob.all("run")


def test_one_that_never_comes_is_waited_for_until_the_host_gives_up(
    people: Lab, url: str, programs: Path
) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, url=url)
    bob = people.join("Bob", host.wait("invitation")["url"], program)
    bob.wait("party", lambda event: event["name"] == "Ada" and event["state"] == "admitted")
    assert not host.all("words") and not bob.all("words")
    host.signal(signal.SIGINT)
    error = bob.wait("error")
    assert error["whose"] == "peer" and error["peer"] == "Ada" and "ended the session" in error["message"]
    assert bob.end() == PEER and host.end() != 0


def test_who_comes_twice_comes_late_and_comes_too_late(people: Lab, url: str, programs: Path) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, url=url)
    link = host.wait("invitation")["url"]
    first = people.join("Bob", link, program)
    host.wait("party", lambda event: event["name"] == "Bob" and event["state"] == "admitted")
    first.process.kill()
    first.process.wait(10)
    again = people.join("Bob", link, program, "--ask")  # the same identity, another process
    came = lambda: [e for e in host.all("party") if e["name"] == "Bob" and e["state"] == "waiting"]  # noqa: E731
    host.wait("party", lambda _: len(came()) == 2)
    cyd = people.join("Cyd", link, program)
    again.wait("input", lambda event: event["waiting"])
    dan = people.join("Dan", link, program)
    error = dan.wait("error")
    assert error["whose"] == "rendezvous" and "no such room" in error["message"]
    assert dan.end() == RENDEZVOUS
    again.type("thanks")
    assert [party.end() for party in (host, again, cyd)] == [0, 0, 0], host.story()
    assert "second sum 60" in host.output()


def test_one_identity_in_two_processes_at_once(people: Lab, url: str, programs: Path) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, url=url)
    link = host.wait("invitation")["url"]
    one = people.join("Bob", link, program)
    host.wait("party", lambda event: event["name"] == "Bob" and event["state"] == "admitted")
    two = people.join("Bob", link, program)
    for process in (one, two):
        error = process.wait("error")
        assert error["whose"] == "local" and "takes part twice" in error["message"]
        assert process.end() == LOCAL
    three = people.join("Bob", link, program)
    cyd = people.join("Cyd", link, program)
    assert [party.end() for party in (host, three, cyd)] == [0, 0, 0], host.story() + three.story()


def test_one_too_many_waits_for_a_seat_while_the_others_decide(people: Lab, url: str, programs: Path) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, parties=2, url=url)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, None)
    bob.wait("question", lambda event: event["what"] == "accept")
    cyd = people.join("Cyd", link, program)
    assert cyd.wait("lobby", lambda event: event["full"])["place"] == "waiting"
    bob.type("n")
    error = host.wait("error")
    assert error["peer"] == "Bob" and "Bob declined" in error["message"]
    assert host.end() == PEER and bob.end() != 0 and cyd.end() == PEER
    assert not host.all("run") and not bob.all("run")


# --- invitations


@pytest.mark.long
def test_links_and_codes_that_lead_nowhere(people: Lab, url: str, programs: Path) -> None:
    program = programs / "chaos_steps.py"
    nowhere = f"http://127.0.0.1:{free_port()}"
    host = people.host(program, parties=2, url=url)
    invitation = host.wait("invitation")
    link, code = invitation["url"], invitation["code"]
    number, *words = code.split("-")
    swapped = link[:-3] + ("a" if link[-3] != "a" else "b") + link[-2:]
    elsewhere = replace(Invitation.parse(link), rendezvous=nowhere).url
    there = ("--rendezvous", url)
    wrong = "-".join([number, words[1], words[0]])
    tries = {
        "typo": people.join("Typo", swapped, program),
        "wrong": people.join("Wrong", wrong, program, options=there),
        "unknown": people.join("Unknown", "-".join(["99999999", *words]), program, options=there),
        "homeless": people.join("Homeless", code, program),
        "nowhere": people.join("Nowhere", elsewhere, program),
        "alone": people.huddle(
            "Alone", "host", "--json", "--open", "--parties", "2", "--rendezvous", nowhere, str(program)
        ),
    }
    said = {
        name: (party.wait("error")["whose"], party.errors(), party.end()) for name, party in tries.items()
    }
    assert said["typo"][0] == "local" and "link" in said["typo"][1], said["typo"]
    assert "code" in said["wrong"][1] and said["wrong"][0] in ("local", "peer"), said["wrong"]
    assert said["unknown"][0] == "rendezvous" and "No code begins with" in said["unknown"][1]
    assert "--rendezvous" in said["homeless"][1] and said["homeless"][0] == "local"
    for name in ("nowhere", "alone"):
        assert said[name][0] == "rendezvous" and "127.0.0.1" in said[name][1], said[name]
    assert all(code != 0 for _, _, code in said.values()), said
    for name, party in tries.items():  # nobody has entered a room under an identity of theirs
        assert not party.home.exists() or name == "wrong", (name, sorted(party.home.iterdir()))
    bob = people.join("Bob", code, program, options=there)
    assert [host.end(), bob.end()] == [0, 0], host.story() + bob.story()
    used = people.join("Used", code, program, options=there)
    error = used.wait("error")
    assert used.end() != 0 and "code" in error["message"], error
    late = people.join("Late", link, program)
    error = late.wait("error")
    assert late.end() != 0 and "no such room" in error["message"], error


def test_a_room_that_has_expired(people: Lab, programs: Path, tmp_path: Path) -> None:
    program = programs / "chaos_steps.py"
    database = tmp_path / "rooms.sqlite"
    port = free_port()
    server, url = people.rendezvous("--database", str(database), port=port)
    host = people.host(program, parties=2, url=url)
    link = host.wait("invitation")["url"]
    server.process.kill()
    server.process.wait(10)
    with contextlib.closing(sqlite3.connect(database)) as store, store:
        store.execute("UPDATE rooms SET expires = 1")
    people.rendezvous("--database", str(database), port=port)
    error = host.wait("error")
    assert error["whose"] == "rendezvous" and "expired" in error["message"]
    assert host.end() == RENDEZVOUS
    bob = people.join("Bob", link, program)
    error = bob.wait("error")
    assert error["whose"] == "rendezvous" and "no such room" in error["message"]
    assert bob.end() == RENDEZVOUS


# --- programs, options and versions that differ


@pytest.fixture(scope="module")
def other_mpyc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with an MPyC that calls itself 0.10.9."""
    return with_mpyc("0.10.9", tmp_path_factory.mktemp("other") / "venv")


@pytest.mark.long
def test_what_differs_is_said_before_anything_runs(
    people: Lab, url: str, programs: Path, tmp_path: Path, other_mpyc: Path
) -> None:
    program = programs / "chaos_steps.py"
    edited = tmp_path / program.name
    edited.write_text(program.read_text().replace("10 *", "11 *"))
    renamed = tmp_path / "other.py"
    renamed.write_text(program.read_text())
    host = people.host(program, parties=2, url=url, options=("--threshold", "0"))
    link = host.wait("invitation")["url"]
    old = people.join("Old", link, program, options=("--python", str(other_mpyc)))
    error = old.wait("error")
    assert old.end() != 0
    assert "0.10.9" in error["message"] and mpyc.__version__ in error["message"]
    assert error["peer"] == "Ada"
    assert not old.all("run") and not host.all("run")
    right = people.join("Right", link, program)  # a threshold of the host's choice is no difference
    assert [host.end(), right.end()] == [0, 0], right.story() + host.story()
    for copy, said in ((edited, f"{program.name} has other contents"), (renamed, "the program is")):
        host = people.host(program, parties=2, url=url)
        bob = people.join("Bob", host.wait("invitation")["url"], copy)
        error = bob.wait("error")
        assert error["peer"] == "Ada" and said in error["message"], error
        left = host.wait("party", lambda event: event["name"] == "Bob" and event["state"] == "left")
        assert said in left["detail"], left
        host.signal(signal.SIGINT)  # else it would wait a minute for somebody else
        assert bob.end() == PEER and host.end() != 0
        assert not host.all("run") and not bob.all("run")
    host = people.host(program, parties=2, url=url)
    bob = people.huddle(
        "Bob", "join", "--json", "--yes", "--program-digest", "ab" * 32, host.wait("invitation")["url"]
    )
    error = bob.wait("error")
    assert "its digest is" in error["message"] and host.wait("program")["digest"] in error["message"]
    host.signal(signal.SIGINT)
    assert bob.end() == PEER and host.end() != 0


# --- strangers


def test_strangers_at_the_port_of_a_party(people: Lab, url: str, programs: Path, tmp_path: Path) -> None:
    program = programs / "chaos_steps.py"
    port = free_port()
    host = people.host(program, parties=2, url=url, options=("--port", str(port), "--network", "tls"))
    bob = people.join("Bob", host.wait("invitation")["url"], program, "--ask", options=("--network", "tls"))
    bob.wait("input", lambda event: event["waiting"])
    key = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", tmp_path / "cert.pem", "-days", "2", "-subj", "/CN=Bob"],
        check=True, capture_output=True,
    )  # fmt: skip
    naked, dressed = (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(2))
    dressed.load_cert_chain(tmp_path / "cert.pem", key)
    for one in (naked, dressed):
        one.check_hostname, one.verify_mode = False, ssl.CERT_NONE
    for context in (None, naked, dressed):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
            if context is None:
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
                with contextlib.suppress(ConnectionError):
                    while plain.recv(4096):
                        pass  # an alert at most, then the end
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    with context.wrap_socket(plain) as secured:
                        secured.sendall(bytes(4))
                        assert secured.recv(1)
                        raise AssertionError("a stranger was answered")
    assert not [event for event in host.all("reconnect")]
    bob.type("go")
    assert [host.end(), bob.end()] == [0, 0]
    assert "second sum 30" in host.output()
