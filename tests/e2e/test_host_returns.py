"""A host or guest whose terminal dies before the start comes back to the same room and seat. On terminals."""

import asyncio
from pathlib import Path

import pytest

from huddle.ceremony.invitation import Invitation
from huddle.errors import RendezvousError
from huddle.rendezvous.client.room import RoomClient
from tests.e2e.terminal import Terminal
from tests.e2e.test_lobby import WORDS, Seat, all_say_yes, hosts, invited, program, seat
from tests.e2e.test_replaced import seen_words

__all__ = ["program", "seat"]

KEPT = "room-*.json"


def kill(person: Terminal) -> None:
    person.process.kill()
    person.process.wait(10)


async def take_over(invitation: Invitation) -> None:
    """What the link alone allows: nothing but to enter."""
    room = bytes.fromhex(invitation.room_id)
    with pytest.raises(RendezvousError, match="Somebody else made this room before you"):
        async with RoomClient(invitation.rendezvous, room, create=True, owner_key=bytes(32)):
            pass
    async with RoomClient(invitation.rendezvous, room, owner_key=bytes(32)) as stranger:
        with pytest.raises(RendezvousError, match="Only whoever made this room"):
            await stranger.delete()


def come_to_their_result(*people: Terminal) -> None:
    all_say_yes(*people)
    for person in people:
        person.wait("first")
        assert person.end() == 0, person.text


def test_a_host_that_is_killed_comes_back_to_its_guests(url: str, seat: Seat, program: Path) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link)
    ada.wait("Bob has a seat")
    cyd = seat("Cyd", "join", link)
    ada.wait(WORDS)
    for person in (bob, cyd):
        person.wait("Everyone must see the same four words")
    before = seen_words(ada)[-1]
    (kept,) = ada.home.glob(KEPT)
    assert kept.stat().st_mode & 0o777 == 0o600
    kill(ada)
    for person in (bob, cyd):
        person.wait("Ada's connection ended.*Waiting for Ada to come back")
    other = seat("Eve", "host", "--again", "--parties", "3", str(program))
    other.wait("no invitation here")
    assert other.end() != 0
    again = seat("Ada", "host", "--again", "--parties", "3", str(program))
    assert invited(again) == link
    for person in (bob, cyd):
        person.wait("You keep your seat and need not join again")
    come_to_their_result(again, bob, cyd)
    assert seen_words(bob)[0] == before and seen_words(again)[-1] == seen_words(bob)[-1] != before
    assert not [*ada.home.glob(KEPT)]


def test_a_rendezvous_of_its_own_comes_back_with_the_host(seat: Seat, program: Path) -> None:
    ada = seat("Ada", "host", "--parties", "2", str(program))
    link = invited(ada)
    bob = seat("Bob", "join", link)
    ada.wait("Bob (has a seat|wants to come in)")  # with two, all are here, and it goes on at once
    kill(ada)
    again = seat("Ada", "host", "--again", "--parties", "2", str(program))
    assert invited(again) == link
    bob.wait("Ada's connection ended. Waiting for Ada to come back")
    come_to_their_result(again, bob)


def test_who_leaves_on_purpose_keeps_nothing_and_guests_are_told(url: str, seat: Seat, program: Path) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link)
    ada.wait("Bob has a seat")
    ada.ctrl_c()
    ada.end()
    bob.wait("Ada ended the session")
    assert bob.end() != 0
    assert not [*ada.home.glob(KEPT)]


def test_nobody_else_takes_the_host_s_place_by_the_link(url: str, seat: Seat, program: Path) -> None:
    ada, link = hosts(seat, url, program, 2)
    (kept,) = ada.home.glob(KEPT)
    text = kept.read_text()
    kill(ada)
    # Even who has stolen the file is not the host whom the link names.
    eve = seat("Eve", "host", "--parties", "2", "--rendezvous", url, str(program))
    invited(eve)
    kill(eve)
    (theirs,) = eve.home.glob(KEPT)
    theirs.write_text(text)
    thief = seat("Eve", "host", "--again", "--parties", "2", str(program))
    thief.wait("made by another identity")
    assert thief.end() != 0
    asyncio.run(take_over(Invitation.parse(link)))
    again = seat("Ada", "host", "--again", "--parties", "2", str(program))
    assert invited(again) == link
    bob = seat("Bob", "join", link)
    come_to_their_result(again, bob)


def test_a_guest_that_is_killed_comes_back_to_its_seat(url: str, seat: Seat, program: Path) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link)
    ada.wait("Bob has a seat")
    bob.wait("you have a seat")
    kill(bob)
    back = seat("Bob", "join", link)
    back.wait("you have a seat.*2 of 3 are here")
    cyd = seat("Cyd", "join", link)
    come_to_their_result(ada, back, cyd)
