"""Whose code runs and who takes part: what is asked, what is refused, and what is accepted without asking."""

import json
import shutil
import signal
from pathlib import Path

from tests.e2e.harness import LOCAL, PEER, Huddle, Lab


def did_of(people: Lab, name: str) -> str:
    """The did of a person, whose identity is made if need be."""
    asked = people.huddle(name, "whoami", "--json")
    assert asked.end() == 0
    did: str = json.loads(asked.foreign[0])["did"]
    return did


def heard_by_hand(host: Huddle, guest: Huddle) -> None:
    """Both persons say that they heard the words, and accept."""
    for party in (host, guest):
        party.wait("question", lambda event: event["what"] == "accept")
        party.type("all")


def contacts(home: Path) -> dict[str, bool]:
    """The names of the contacts kept there, and whether they are verified."""
    kept = json.loads((home / "contacts.json").read_text())
    people = kept["contacts"] if isinstance(kept, dict) else kept
    return {one["name"]: one["verified"] for one in people}


def test_a_guest_says_no(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "total.py", parties=2, url=url)
    link = host.wait("invitation")["url"]
    guest = people.join("Bob", link, None)
    guest.wait("question", lambda event: event["what"] == "accept")
    guest.type("")  # which is asked again
    guest.type("n")
    assert guest.end() == 1
    assert not guest.all("run")
    assert "declined" in guest.all("ended")[0]["reason"]
    assert host.end() == PEER
    assert "Bob declined to take part" in host.errors()
    assert not host.all("run")


def test_an_answer_to_old_words_accepts_no_new_ones(url: str, people: Lab, programs: Path) -> None:
    """Cyd goes away while Bob still looks at the words; Bob's yes must be given to the new ones."""
    host = people.host(programs / "total.py", url=url)
    link = host.wait("invitation")["url"]
    bob, cyd = (people.join(name, link, None) for name in ("Bob", "Cyd"))
    old, _ = (guest.wait("question", lambda event: event["what"] == "accept") for guest in (bob, cyd))
    cyd.signal(signal.SIGTERM)
    assert cyd.end() == 1
    dan = people.join("Dan", link, programs / "total.py")
    bob.wait("words", lambda event: event["epoch"] == 2)
    dan.wait("party", lambda event: event["name"] == "Dan" and event["state"] == "accepted")
    bob.wait("question", lambda event: event is not old)
    assert len(bob.all("question")) == 2
    assert not [
        party for party in bob.all("party") if party["state"] == "accepted" and party["name"] == "Bob"
    ]
    bob.type("all")
    for party in (host, bob, dan):
        assert party.end() == 0, party.story()
    assert contacts(bob.home) == {"Ada": True, "Dan": True}


def test_a_host_refuses_somebody(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "total.py", parties=2, url=url, admit=(), options=("--ask-each",))
    link = host.wait("invitation")["url"]
    eve = people.join("Eve", link, programs / "total.py")
    host.wait("question", lambda event: event["what"] == "admit" and event["name"] == "Eve")
    host.type("n")
    assert eve.end() == PEER
    assert "did not let" in eve.errors()
    assert not eve.all("words")
    bob = people.join("Bob", link, programs / "total.py")
    host.wait("question", lambda event: event["what"] == "admit" and event["name"] == "Bob")
    host.type("y")
    host.wait("question", lambda event: event["what"] == "accept")
    host.type("nobody")
    assert bob.end() == 0, bob.story()
    assert host.end() == 0, host.story()
    assert not (host.home / "contacts.json").exists(), "nobody was heard, so nobody is kept"


def test_yes_does_not_run_a_strangers_program(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "total.py", parties=2, url=url)
    guest = people.join("Bob", host.wait("invitation")["url"], None, options=("--yes",))
    assert guest.end() == LOCAL
    assert "verified contact" in guest.errors()
    assert "--program" in guest.errors()
    assert not guest.all("run")


def test_another_copy_is_refused_and_told_apart(
    url: str, people: Lab, programs: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "total.py"
    changed.write_bytes((programs / "total.py").read_bytes() + b"\n# mine\n")
    host = people.host(programs / "total.py", parties=2, url=url)
    guest = people.join("Bob", host.wait("invitation")["url"], changed)
    assert guest.end() == PEER
    assert "total.py has other contents" in guest.errors(), guest.story()
    assert not guest.all("words")
    assert not guest.all("run")
    left = host.wait("party", lambda event: event["state"] == "left")
    assert "other contents" in left["detail"], "the host is not told what differs"


def test_a_program_by_its_digest(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "total.py", "--label", "sum", parties=2, url=url)
    link = host.wait("invitation")["url"]
    wrong = people.join("Eve", link, None, options=("--yes", "--program-digest", "ab" * 32))
    assert wrong.end() == PEER
    assert "digest" in wrong.errors(), wrong.story()
    digest = host.wait("program")["digest"]
    right = people.join("Bob", link, None, options=("--yes", "--program-digest", digest))
    assert right.end() == 0, right.story()
    assert host.end() == 0, host.story()
    nonsense = people.join("Fay", link, None, options=("--yes", "--program-digest", "abc"))
    assert nonsense.end() == LOCAL
    assert "64 hexadecimal digits" in nonsense.errors()


def test_contacts_are_let_in_without_asking_and_strangers_are_not(
    url: str, people: Lab, programs: Path
) -> None:
    program = programs / "total.py"
    first = people.host(program, parties=2, url=url, admit=())
    bob = people.join("Bob", first.wait("invitation")["url"], None)
    heard_by_hand(first, bob)
    assert first.end() == 0, first.story()
    assert bob.end() == 0, bob.story()
    assert contacts(first.home) == {"Bob": True}
    assert contacts(bob.home) == {"Ada": True}

    # They know each other now: neither is asked anything.
    second = people.host(program, parties=2, url=url, admit=("--yes",))
    link = second.wait("invitation")["url"]
    stranger = people.join("Eve", link, program)
    assert stranger.end() == PEER
    assert "did not let" in stranger.errors()
    bob = people.join("Bob", link, None, options=("--yes",))
    assert bob.end() == 0, bob.story()
    assert second.end() == 0, second.story()
    assert {party["standing"] for party in bob.all("party") if party["name"] == "Ada"} == {"verified"}
    assert contacts(second.home) == {"Bob": True}, "a stranger came into the contacts"

    # Somebody else under a name that is known: an alarm, and not let in even by --open.
    shutil.rmtree(bob.home)
    third = people.host(program, parties=2, url=url)
    impostor = people.join("Bob", third.wait("invitation")["url"], program)
    assert impostor.end() == PEER
    assert "did not let" in impostor.errors()
    alarm = third.wait("party", lambda event: event["state"] == "waiting")
    assert alarm["standing"] == "alarm"
    assert contacts(third.home) == {"Bob": True}


def test_a_did_that_is_allowed(url: str, people: Lab, programs: Path) -> None:
    did = did_of(people, "Bob")
    host = people.host(programs / "total.py", parties=2, url=url, admit=("--yes", "--allow", did))
    bob = people.join("Bob", host.wait("invitation")["url"], programs / "total.py")
    assert bob.end() == 0, bob.story()
    assert host.end() == 0, host.story()
    assert bob.all("sealed")[0]["parties"][1]["did"] == did


def test_a_pseudonym_is_forgotten(url: str, people: Lab, programs: Path) -> None:
    host, bob = people.session(programs / "total.py", url=url, names=("Bob",), guest_options=("--pseudonym",))
    assert bob.end() == 0, bob.story()
    assert host.end() == 0
    assert not bob.home.exists() or not list(bob.home.iterdir())
    assert bob.all("ended")[0]["left"] == []
