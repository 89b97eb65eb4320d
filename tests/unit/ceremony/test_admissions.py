"""Who has a seat, and who is turned away without asking."""

import pytest

from huddle.ceremony.admissions import MAX_REFUSALS, Admissions
from huddle.ceremony.epoch import Greeting
from huddle.ceremony.messages import Hello, Software
from huddle.errors import LocalError

SOFTWARE = (Software("mpyc", "0.11"),)


def hello(name: str, did: str = "", commitment: bytes = bytes(32)) -> Hello:
    return Hello(1, name, did or name.lower(), (1,), SOFTWARE, commitment)


def test_seats_are_counted_and_told() -> None:
    guests = Admissions("Hanna", SOFTWARE, 3)
    guests.admitted["ann"] = "Ann"
    guests.seated.add("ann")
    assert guests.free == 1 and [place.let_in for place in guests.places()] == [False]
    guests.admitted["bob"] = "Bob"
    assert guests.unwelcome(hello("Cyd")) == "the session is full" and not guests.unwelcome(hello("Bob"))
    guests.lose("ann")
    assert guests.free == 1 and not guests.seated and not guests.unwelcome(hello("Cyd"))


def test_who_looks_like_somebody_with_a_seat_is_turned_away() -> None:
    guests = Admissions("Hanna", SOFTWARE, None)
    guests.admitted["ann"] = "Ann"
    assert "has the name" in guests.unfit(hello("Ann", "eve"), [])
    assert "has the name" in guests.unwelcome(hello("Hanna", "eve"))
    assert not guests.unfit(hello("Ann"), [])


def test_a_copied_commitment_a_ban_and_too_many_refusals_turn_away() -> None:
    guests = Admissions("Hanna", SOFTWARE, None)
    present = [Greeting(b"", b"", hello("Ann"))]
    assert "commitment" in guests.unfit(hello("Eve"), present)
    other = hello("Bob", commitment=b"\1" * 32)
    assert not guests.unfit(other, present)
    for _ in range(MAX_REFUSALS):
        guests.refuse("bob")
    assert guests.unfit(other, present) == "the host declined"
    guests.ban("cyd")
    assert guests.unfit(hello("Cyd", commitment=b"\2" * 32), present) == "the host declined"


def test_nobody_is_found_who_never_knocked() -> None:
    guests = Admissions("Hanna", SOFTWARE, None)
    guests.knock(b"h", hello("Ann"))
    assert guests.asked_by(b"h").name == "Ann"
    with pytest.raises(LocalError, match="no guest with this hello"):
        guests.asked_by(b"x")
