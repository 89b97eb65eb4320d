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


def test_all_who_have_a_seat_are_assembled_in_the_host_s_order_or_nobody_is() -> None:
    guests = Admissions("Hanna", SOFTWARE, 3)
    present = {one: Greeting(one.encode(), b"", hello(one.title())) for one in ("bob", "ann", "eve")}
    guests.admitted["bob"] = "Bob"
    order = ("Ann", "Bob").index
    assert guests.assembled(present, order, ready=True) == [], "a seat was free"
    guests.admitted["ann"] = "Ann"
    assert guests.assembled(present, order, ready=False) == [present["ann"], present["bob"]]
    assert guests.assembled(present, lambda name: 0, ready=False) == [present["bob"], present["ann"]]
    assert guests.assembled({"bob": present["bob"]}, order, ready=True) == [], "Ann was not here"
    guests.parties = None
    assert guests.assembled(present, order, ready=False) == [], "more may come"
    assert len(guests.assembled(present, order, ready=True)) == 2


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
        guests.refuse("bob", "Bob", None)
    assert guests.unfit(other, present) == "the host declined 3 times"
    guests.ban("cyd")
    assert "broke the protocol" in guests.unfit(hello("Cyd", commitment=b"\2" * 32), present)


def test_who_was_refused_waits_with_its_latest_hello_until_it_is_called_back_or_knocks_anew() -> None:
    guests = Admissions("Hanna", SOFTWARE, None)
    first, second = (Greeting(bytes([i]), b"", hello("Bob")) for i in range(2))
    assert not guests.waits(first, anew=False)
    guests.refuse("bob", "Bob", first)
    assert guests.waiting() == [first] and guests.waits(second, anew=False)
    assert guests.call_back("bob") == second and guests.waiting() == [] and not guests.refused
    assert all(guests.refuse("bob", "Bob", first) is None for _ in range(MAX_REFUSALS - 1))
    assert not guests.unfit(hello("Bob"), []), "a refusal that was taken back counted"
    guests.new_epoch()
    assert guests.call_back("bob") is None, "a hello of an earlier epoch counted"
    guests.refuse("bob", "Bob", first)
    assert not guests.waits(second, anew=True) and not guests.refused
    guests.refuse("bob", "Bob", first)
    assert not guests.waits(Greeting(b"", b"", hello("Rob", "bob")), anew=False), "under another name"


def test_nobody_is_found_who_never_knocked() -> None:
    guests = Admissions("Hanna", SOFTWARE, None)
    guests.knock(b"h", hello("Ann"))
    assert guests.asked_by(b"h").name == "Ann"
    with pytest.raises(LocalError, match="no guest with this hello"):
        guests.asked_by(b"x")
