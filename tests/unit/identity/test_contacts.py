"""Contacts: who is known, who is verified, and the alarm for a changed key."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import LocalError
from huddle.identity.contacts import Contact, Contacts, MeetingPlace
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto

ANN, BEN, EVE = (Identity.from_seed(NativeCrypto(), bytes([number]) * 32).did for number in (1, 2, 3))
BOTH = Contacts().met("Ann", ANN, 100.9).met("Ben", BEN, 200)


def test_who_was_never_met_is_new_and_who_was_is_known() -> None:
    assert Contacts().standing("Ann", ANN) == "new"
    assert BOTH.standing("Ann", ANN) == "known"
    assert BOTH.standing("Eve", EVE) == "new"


@pytest.mark.parametrize("name", ["Ann", "ANN", "ann", "Ａnn"])
def test_a_known_name_with_another_key_is_an_alarm(name: str) -> None:
    assert BOTH.standing(name, EVE) == "alarm"


def test_a_contact_that_takes_another_contacts_name_is_an_alarm() -> None:
    assert BOTH.verified([BEN]).standing("Ann", BEN) == "alarm"


def test_a_contact_under_a_new_name_is_still_known_and_keeps_its_name() -> None:
    again = BOTH.met("Annie", ANN, 300)
    assert again.standing("Annie", ANN) == "known"
    assert again.of(ANN) == Contact(ANN, "Ann", False, 100, 300)


def test_only_those_that_were_heard_become_verified() -> None:
    heard = BOTH.verified([BEN])
    assert heard.standing("Ben", BEN) == "verified"
    assert heard.standing("Ann", ANN) == "known"
    assert heard.met("Ben", BEN, 400).standing("Ben", BEN) == "verified"


def test_who_is_no_contact_cannot_be_verified_or_removed() -> None:
    for change in (lambda: BOTH.verified([ANN, EVE]), lambda: BOTH.without(EVE)):
        with pytest.raises(LocalError, match="no contact"):
            change()


def test_an_alarm_is_never_kept_as_a_contact() -> None:
    with pytest.raises(LocalError, match="another key") as caught:
        BOTH.met("Ann", EVE, 300)
    assert "remove" in caught.value.hint


def test_a_name_that_looks_like_a_contacts_is_an_alarm_that_says_why() -> None:
    ann = "\N{CYRILLIC CAPITAL LETTER A}nn"
    assert BOTH.standing(ann, EVE) == "alarm"
    assert BOTH.alarm(ann, EVE) == (
        f"“{ann}” looks like your contact “Ann” and is not (it is spelt with CYRILLIC CAPITAL LETTER A)"
    )
    assert BOTH.standing(ann, ANN) == "known", "with her own key it is she"
    assert BOTH.alarm("Ann", EVE) == "“Ann” is known here with another key"
    assert BOTH.alarm("Ann", ANN) == BOTH.alarm("Anna", EVE) == ""
    with pytest.raises(LocalError, match="looks like"):
        BOTH.met(ann, EVE, 300)


def test_after_removing_the_old_contact_the_new_key_is_new() -> None:
    assert BOTH.without(ANN).standing("Ann", EVE) == "new"
    assert BOTH.without(ANN).people == (BOTH.people[1],)


def test_a_clock_set_back_loses_no_time() -> None:
    contact = BOTH.met("Ben", BEN, 50).of(BEN)
    assert contact is not None
    assert (contact.first_seen, contact.last_seen) == (200, 200)


def test_what_is_written_is_read_again() -> None:
    contacts = BOTH.verified([ANN]).agreed(ANN, MeetingPlace(bytes(range(32)), "https://huddle.example.org"))
    assert Contacts.from_json(contacts.to_json()) == contacts
    assert Contacts.from_json(Contacts().to_json()) == Contacts()


def with_entry(**changes: Any) -> str:
    value = json.loads(BOTH.to_json())
    value["contacts"][0].update(changes)
    return json.dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(BOTH.to_json()[:-20], id="cut off"),
        pytest.param("[" * 100_000, id="nested too deep"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="no version"),
        pytest.param('{"version": 3, "contacts": []}', id="newer"),
        pytest.param(with_entry(meeting={}), id="an empty meeting"),
        pytest.param(with_entry(meeting={"secret": "00" * 31, "rendezvous": "http://a"}), id="short"),
        pytest.param(with_entry(meeting={"secret": "AB" * 32, "rendezvous": "http://a"}), id="capitals"),
        pytest.param(with_entry(meeting={"secret": "00" * 32, "rendezvous": ""}), id="a meeting nowhere"),
        pytest.param(with_entry(meeting={"secret": 1, "rendezvous": "http://a"}), id="no text"),
        pytest.param('{"version": true, "contacts": []}', id="version no number"),
        pytest.param('{"version": 1, "contacts": [], "more": 1}', id="more"),
        pytest.param('{"version": 1, "contacts": [], "contacts": []}', id="a key twice"),
        pytest.param('{"version": 1, "contacts": {}}', id="no list"),
        pytest.param('{"version": 1, "contacts": [1]}', id="no contact"),
        pytest.param(with_entry(verified=1), id="verified by a number"),
        pytest.param(with_entry(first_seen=1.5), id="fraction"),
        pytest.param(with_entry(first_seen=-1), id="before 1970"),
        pytest.param(with_entry(first_seen=101), id="seen last before first"),
        pytest.param(with_entry(first_seen=True), id="time no number"),
        pytest.param(with_entry(name="A\nB"), id="name of two lines"),
        pytest.param(with_entry(did="did:key:z6Mk"), id="no did"),
        pytest.param(with_entry(did=BEN), id="a did twice"),
        pytest.param(with_entry(more=1), id="more fields"),
    ],
)
def test_a_file_that_is_not_right_is_refused_whole_and_said_to_be_left_alone(text: str) -> None:
    with pytest.raises(LocalError, match="cannot be read") as caught:
        Contacts.from_json(text)
    assert "left as it is" in caught.value.hint


def test_a_file_of_before_is_read() -> None:
    value = json.loads(BOTH.to_json())
    for entry in value["contacts"]:
        del entry["meeting"]
    with pytest.raises(LocalError, match="other fields"):
        Contacts.from_json(json.dumps(value))
    assert Contacts.from_json(json.dumps({**value, "version": 1})) == BOTH
    assert '"version": 2' in BOTH.to_json()


def test_a_meeting_is_new_after_each_session_and_goes_with_the_contact() -> None:
    first, second = (MeetingPlace(bytes([one]) * 32, "http://10.0.0.1:80") for one in (1, 2))
    agreed = BOTH.agreed(BEN, first).agreed(BEN, second)
    assert agreed.meant("ben").meeting == second and agreed.meant("Ann").meeting is None
    assert first.secret.hex() not in agreed.to_json() and second.secret.hex() in agreed.to_json()
    assert second.secret.hex() not in agreed.without(BEN).to_json()
    assert repr(second.secret) not in repr(agreed)


def test_who_is_meant_by_a_name_or_a_did() -> None:
    assert BOTH.meant("BEN") == BOTH.meant(BEN) == BOTH.of(BEN)
    with pytest.raises(LocalError, match="no contact"):
        BOTH.meant("Eve")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(ANN),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "contacts", "did", "name", "verified", "first_seen", "last_seen"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(VALUES.map(json.dumps) | st.text(max_size=40))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        contacts = Contacts.from_json(text)
    except LocalError:
        return
    assert Contacts.from_json(contacts.to_json()) == contacts


def test_a_name_that_cannot_be_shown_is_not_kept() -> None:
    with pytest.raises(LocalError, match="name"):
        Contacts().met("A\x1b[2J", ANN, 0)
