"""A class: one link, groups that know nothing of each other, and a host who sees how far each is."""

import signal
from pathlib import Path

from tests.e2e.harness import LOOPBACK, Event, Huddle, Lab

NAMES = ("Ada", "Bob", "Cyd", "Dan", "Eve", "Fay")
LIKE_BOB = "B\u043eb"  # a Cyrillic letter in the middle


def classroom(lab: Lab, url: str, program: Path, names: Path, *more: str) -> Huddle:
    """A teacher who waits for two groups of three."""
    where = ("--rendezvous", url, *LOOPBACK)
    groups = ("--groups", "2", "--parties", "3", "--expect", str(names))
    return lab.huddle("Tia", "host", "--json", "--name", "Tia", *where, *groups, *more, str(program))


def listed(folder: Path, *names: str) -> Path:
    """A list of names in a file."""
    path = folder / "names.txt"
    path.write_text("# my class\n" + "\n".join(names) + "\n")
    return path


def state(host: Huddle, name: str) -> str:
    """Where the host sees somebody now."""
    return str([event["state"] for event in host.all("party") if event["name"] == name][-1])


def dealt(event: Event) -> bool:
    """Whether a guest's event says that there is a group for it."""
    return bool(event["state"] == "dealt")


def in_group(number: int, wanted: str) -> object:
    """Whether an event says that this group is there."""

    def found(event: Event) -> bool:
        return bool(event["group"] == number and event["state"] == wanted)

    return found


def test_six_guests_by_one_link_are_two_groups_and_whoever_only_looks_like_one_of_them_is_in_none(
    url: str, people: Lab, programs: Path, tmp_path: Path
) -> None:
    program = programs / "total.py"
    host = classroom(people, url, program, listed(tmp_path, *NAMES, "Gil"))
    link = host.wait("invitation")["url"]
    like = people.join(LIKE_BOB, link, program)
    host.wait("party", lambda event: event["name"] == LIKE_BOB and "looks like Bob" in event["detail"])
    # In another order than the list's.
    gil = people.join("Gil", link, program)
    host.wait("party", lambda event: event["name"] == "Gil")
    guests = {name: people.join(name, link, program) for name in reversed(NAMES)}
    for name in NAMES:
        host.wait("party", lambda event, name=name: event["name"] == name)
    gil.signal(signal.SIGINT)
    host.wait("party", lambda event: event["name"] == "Gil" and event["state"] == "left")

    host.wait("question", lambda event: event["what"] == "deal")
    host.type("all")
    for name in NAMES:
        assert guests[name].wait("ended")["clean"], guests[name].story()
        assert "total: 3" in guests[name].output()
    assert host.wait("ended")["clean"] and host.end() == 0

    # The list's order, not that of knocking; each knows its own group alone.
    for number, members in ((1, NAMES[:3]), (2, NAMES[3:])):
        for pid, name in enumerate(members):
            one = guests[name]
            assert one.wait("group", dealt)["group"] == number
            sealed = one.wait("sealed")
            assert [party["name"] for party in sealed["parties"]] == list(members) and sealed["pid"] == pid
            assert {event["name"] for event in one.all("party")} == set(members)
            assert one.end() == 0
    words = {tuple(guests[name].all("words")[-1]["words"]) for name in NAMES}
    assert len(words) == 2
    # What the host sees: how far each group is, and nothing of what was computed there.
    told = [event for event in host.events if event["event"] == "group"]
    for number in (1, 2):
        states = list(dict.fromkeys(event["state"] for event in told if event["group"] == number))
        assert states == ["dealt", "in", "words", "computing", "result"]
    assert not host.all("output") and not host.all("words") and not host.all("link")
    # Nobody let the look-alike in, and it is told that the groups are closed.
    assert state(host, LIKE_BOB) == "waiting" and not any(map(dealt, like.all("group")))
    assert "Tia closed the groups" in like.wait("error")["message"]
    assert gil.end() != 0 and not any(map(dealt, gil.all("group")))
