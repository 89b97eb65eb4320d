"""People who know each other meet with one command each, `--with NAME` and `join NAME`, on real terminals."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import emptied
from tests.e2e.people import Person, crowd, meet
from tests.e2e.terminal import Terminal

LOCAL = 3


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Callable[[str], Person]]:
    with crowd(tmp_path) as one:
        yield one


def meeting(folder: Path, name: str, other: str) -> dict[str, Any]:
    """What `name` keeps in order to meet `other` again."""
    kept = json.loads((folder / name / "contacts.json").read_text())["contacts"]
    (found,) = [contact["meeting"] for contact in kept if contact["name"] == other]
    return dict(found)


def test_each_types_one_command_and_the_secret_is_new_each_time(
    url: str, people: Callable[[str], Person], programs: Path, tmp_path: Path
) -> None:
    ada, bob, program = people("Ada"), people("Bob"), str(programs / "total.py")
    meet(ada, bob, program, "tls", url)
    before = meeting(tmp_path, "Ada", "Bob")
    assert before == meeting(tmp_path, "Bob", "Ada") and before["rendezvous"] == url
    assert stat.S_IMODE((tmp_path / "Ada" / "contacts.json").stat().st_mode) == 0o600
    for first, second in ((ada, bob), (bob, ada)):  # whoever is first waits for the other
        if first is ada:
            ada.command("", "host", "--yes", "--network", "tls", "--with", "Bob", program)
            assert ada.terminal is not None
            ada.terminal.wait("Bob is being called, and joins with: huddle join Ada")
            bob.command("", "join", "--yes", "--network", "tls", "Ada")
        else:
            bob.command("", "join", "--yes", "--network", "tls", "Ada")
            assert bob.terminal is not None
            bob.terminal.wait("Waiting for Ada to call, at 127.0.0.1")
            ada.command("", "host", "--yes", "--network", "tls", "--with", "Bob", program)
        first.end()
        second.end()
        after = meeting(tmp_path, "Ada", "Bob")
        assert after == meeting(tmp_path, "Bob", "Ada") and after["secret"] != before["secret"]
        before = after
    assert emptied(url)


def test_a_rendezvous_of_one_s_own_is_found_again_at_the_same_port(
    people: Callable[[str], Person], programs: Path, tmp_path: Path
) -> None:
    ada, bob, program = people("Ada"), people("Bob"), str(programs / "total.py")
    host = ada.command("", "host", "--parties", "2", "--network", "tls", program)
    bob.command("", "join", "--network", "tls", host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1])
    for one in (ada, bob):
        one.answer("Whom did you hear say these words", "all", "")
    ada.end()
    bob.end()
    where = meeting(tmp_path, "Bob", "Ada")["rendezvous"]
    host = ada.command("", "host", "--yes", "--network", "tls", "--with", "Bob", program)
    assert host.wait(r"Send this link[^\n]*\s+(\S+)/j#\S+")[1] == where
    bob.command("", "join", "--yes", "--network", "tls", "Ada")
    ada.end()
    bob.end()


def test_who_was_removed_is_neither_called_nor_answered_and_a_stranger_gets_no_seat(
    url: str, people: Callable[[str], Person], programs: Path, tmp_path: Path
) -> None:
    ada, bob, program = people("Ada"), people("Bob"), str(programs / "total.py")
    meet(ada, bob, program, "tls", url)
    host = ada.command("", "host", "--yes", "--network", "tls", "--with", "Bob", program)
    link = host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]
    with _ended(
        Terminal(tmp_path, "Eve", "join", "--network", "tls", link)
    ) as eve:  # who got the link somehow
        eve.wait("refused|not let in|did not let you in|turned away")
    bob.command("", "join", "--yes", "--network", "tls", "Ada")
    ada.end()
    bob.end()
    with _ended(Terminal(tmp_path, "Bob", "contacts", "remove", "Ada")) as removed:
        removed.wait("Ada is forgotten")
    assert "secret" not in (tmp_path / "Bob" / "contacts.json").read_text()
    with _ended(Terminal(tmp_path, "Bob", "join", "Ada")) as join:
        assert join.end() == LOCAL and "Ada is neither a link nor a code" in join.text
    with _ended(Terminal(tmp_path, "Bob", "host", "--with", "Ada", program)) as again:
        assert again.end() == LOCAL and "Ada is no contact" in again.text


def test_who_is_killed_in_the_run_keeps_the_way_back(
    url: str, people: Callable[[str], Person], programs: Path, tmp_path: Path
) -> None:
    ada, bob = people("Ada"), people("Bob")
    options = ("--parties", "2", "--network", "tls", "--rendezvous", url)
    host = ada.command("", "host", *options, str(programs / "forever.py"))
    link = host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]
    guest = bob.command("", "join", "--network", "tls", link)
    for one in (ada, bob):
        one.answer("Whom did you hear say these words", "all", "")
    guest.wait("running for")
    guest.process.kill()
    host.ctrl_c()
    host.ctrl_c()
    host.end()
    assert meeting(tmp_path, "Ada", "Bob") == meeting(tmp_path, "Bob", "Ada")


class _ended:
    """A terminal that is closed at the end of the block."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __enter__(self) -> Terminal:
        return self._terminal

    def __exit__(self, *exc: object) -> None:
        self._terminal.close()
