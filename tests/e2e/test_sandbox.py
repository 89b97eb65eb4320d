"""What a stranger's program can reach on this machine: nothing in a sandbox, and what is said without one."""

import os
from pathlib import Path

import pytest

from huddle.running import sandbox
from tests.e2e.burglary import try_all
from tests.e2e.harness import LOCAL, Huddle, Lab


def found(party: Huddle) -> dict[str, str]:
    """What the nosy program says that it found, by what it looked for."""
    lines = [line.partition(": ") for line in party.output().splitlines()]
    return {name: what for name, _, what in lines}


@pytest.mark.skipif(bool(sandbox.problem()), reason=sandbox.problem())
def test_a_program_in_a_sandbox_finds_nothing(url: str, people: Lab, programs: Path, port: int) -> None:
    program, victim = programs / "nosy.py", people.home("Bob")
    assert people.huddle("Bob", "whoami").end() == 0
    (victim / "diary.txt").write_text("private")
    host = people.host(program, str(victim / "identity"), str(victim), str(port), parties=2, url=url)
    guest = people.join(
        "Bob", host.wait("invitation")["url"], program, env={"MY_SECRET": "s3cret", "HUDDLE_TOKEN": "t"}
    )
    assert guest.end() == 0, guest.story()
    assert host.end() == 0
    assert guest.wait("program")["sandbox"] is True
    seen = found(guest)
    for name in ("identity", "home", "passwords", "loopback", "away", "write"):
        assert seen[name].startswith("refused"), (name, seen[name])
    assert seen["environment"] == "[]"
    assert seen["processes"] == "False"
    assert seen["total"] == "2"
    assert not (victim / "planted").exists()
    assert guest.left() == []


@pytest.mark.skipif(bool(sandbox.problem()), reason=sandbox.problem())
def test_no_attempt_of_a_stranger_s_program_succeeds(
    url: str, people: Lab, programs: Path, port: int, tmp_path: Path
) -> None:
    """The list of the unit tests' test_attempts.py, from the command line; root starts it as root.

    Then test_root.py has the same for an ordinary account.
    """
    try_all(people, url, programs, port, tmp_path / "private")


@pytest.mark.skipif(bool(sandbox.problem()), reason=sandbox.problem())
def test_a_program_that_takes_too_much_is_named_and_ended(url: str, people: Lab, programs: Path) -> None:
    program = programs / "hoards.py"
    host = people.host(program, parties=2, url=url)
    link = host.wait("invitation")["url"]
    guest = people.join("Bob", link, program, options=("--limit", "memory=200M", "--limit", "open=99"))
    assert guest.end() == 1, guest.story()
    (run,) = [event for event in guest.all("run") if event["state"] == "failed"]
    assert run["whose"] == "program"
    assert "it used more memory than the 200 MiB that this machine gives it" in run["reason"]
    assert "open=99" in guest.wait("program")["limits"]
    host.end()


def test_without_a_sandbox_it_is_said_and_no_secrets_are_passed_on(
    url: str, people: Lab, programs: Path, port: int
) -> None:
    program, victim = programs / "nosy.py", people.home("Bob")
    host = people.host(program, str(victim / "identity"), str(victim), str(port), parties=2, url=url)
    guest = people.join(
        "Bob", host.wait("invitation")["url"], program,
        options=("--no-sandbox",), env={"MY_SECRET": "s3cret", "HUDDLE_TOKEN": "t"},
    )  # fmt: skip
    assert guest.end() == 0, guest.story()
    assert host.end() == 0
    assert guest.wait("program")["sandbox"] is False
    seen = found(guest)
    # Without a sandbox a program reads what its account can: that is why it is said. Root's it never is.
    assert seen["home"].startswith("got" if os.geteuid() else "refused"), seen["home"]
    assert "HUDDLE_TOKEN" not in seen["environment"]
    assert guest.left() == []


def test_a_person_is_told_that_the_program_can_read_their_files(
    url: str, people: Lab, programs: Path
) -> None:
    host = people.host(programs / "total.py", parties=2, url=url)
    guest = people.huddle(
        "Bob", "join", "--name", "Bob", "--via", "127.0.0.1", "--no-sandbox", "--yes",
        "--program", str(programs / "total.py"), host.wait("invitation")["url"],
    )  # fmt: skip
    assert guest.end() == 0, guest.story()
    assert host.end() == 0
    assert "This program can read your files" in "".join(guest.foreign)


def test_a_sandbox_that_is_wanted_and_is_not_there(url: str, people: Lab, programs: Path) -> None:
    host = people.host(
        programs / "total.py", parties=2, url=url, options=("--sandbox",), env={"PATH": "/nowhere"}
    )
    assert host.end() == LOCAL
    assert "no sandbox here: bubblewrap (bwrap) is not installed" in host.errors()
    assert "Install bubblewrap" in host.errors()
    assert not host.all("invitation")
