"""A guest believes the host of the link alone, and of it only what makes sense for this guest."""

from dataclasses import replace
from typing import Any

import pytest

from huddle.ceremony.invitation import Invitation
from huddle.ceremony.messages import DECLINED
from huddle.codec import decode, encode
from huddle.errors import PeerError, RendezvousError
from huddle.groups import messages
from huddle.groups.messages import Placement
from huddle.groups.sealing import HostSide
from huddle.identity.crypto import InvalidSeal
from huddle.identity.keys import Identity
from tests.unit.groups.hall import FILES, Hall

THREE = ("Ada", "Bob", "Cyd")


def test_only_the_first_gets_the_programs_files_and_the_others_its_digest() -> None:
    hall = Hall(*THREE)
    hall.deal()
    hall.open("Ada")
    ada, bob = hall.people["Ada"].core.placed, hall.people["Bob"].core.placed
    assert ada is not None and bob is not None
    assert ada.files == FILES and bob.files == {} and bob.placement.key == b""
    assert ada.placement.digest == bob.placement.digest == hall.manifest.program_digest


def test_the_others_wait_until_the_first_has_opened_the_room_and_nobody_else_opens_it() -> None:
    hall = Hall(*THREE)
    hall.deal()
    assert hall.people["Bob"].core.placed is None
    hall.open("Cyd")
    assert hall.people["Bob"].core.placed is None
    hall.open("Ada")
    assert hall.people["Bob"].core.placed is not None


def test_a_placement_is_for_one_guest_alone() -> None:
    hall = Hall(*THREE)
    hall.deal()
    guests = hall.host.roster.guests
    ada, bob = (guests[hall.people[name].identity.did] for name in THREE[:2])
    sealed = HostSide.seal(ada.pair, b"for Ada")
    with pytest.raises(InvalidSeal):
        HostSide.open(bob.pair, sealed)
    # What the host sealed for her does not serve as what she reports.
    with pytest.raises(InvalidSeal):
        HostSide.open(ada.pair, sealed)


def test_a_guest_who_calls_itself_the_host_deals_nobody() -> None:
    hall = Hall("Ada", "Bob")
    eve = hall.join("Eve")
    eve.core._room.send(messages.Refused(hall.people["Ada"].identity.did, "go away"))
    eve.core._room.send(messages.Bye("the end"))
    hall.run()
    assert hall.people["Ada"].core.error is None and hall.people["Bob"].core.error is None


@pytest.mark.parametrize(
    "change",
    [
        lambda hall, placement: replace(placement, members=placement.members[1:]),
        lambda hall, placement: replace(placement, members=placement.members * 2),
        lambda hall, placement: replace(
            placement,
            url=Invitation.fresh(hall.crypto, "https://huddle.example", placement.members[1].did).url,
        ),
        lambda hall, placement: replace(
            placement,
            url=Invitation.fresh(hall.crypto, "https://elsewhere.example", placement.members[0].did).url,
        ),
        lambda hall, placement: replace(
            placement,
            url=Invitation.fresh(
                hall.crypto, "https://huddle.example", placement.members[0].did, groups=True
            ).url,
        ),
    ],
    ids=["without oneself", "twice", "another host", "another rendezvous", "another front room"],
)
def test_a_place_that_makes_no_sense_is_the_hosts_fault(change: Any) -> None:
    hall = Hall(*THREE)
    ada = hall.host.roster.guests[hall.people["Ada"].identity.did]
    members = tuple(messages.Member(name, hall.people[name].identity.did) for name in THREE)
    url = Invitation.fresh(hall.crypto, "https://huddle.example", members[0].did).url
    placement = Placement(1, url, members, bytes(32), b"")
    sealed = HostSide.seal(ada.pair, encode(change(hall, placement)))
    hall.host._send(messages.Deal(1, (messages.Seat(ada.did, sealed),)))
    hall.run()
    error = hall.people["Ada"].core.error
    assert isinstance(error, PeerError) and error.peer == "Tia" and "makes no sense" in error.message


def test_files_that_are_not_those_listed_are_the_hosts_fault() -> None:
    hall = Hall(*THREE)
    ada = hall.people["Ada"].core
    ada._chunks[0] = replace(ada._chunks[0], sealed=ada._chunks[0].sealed[:-1] + b"x")
    hall.deal()
    assert isinstance(ada.error, PeerError) and "files" in ada.error.message


def test_a_host_that_closes_is_told_to_who_waits_and_is_nothing_to_who_is_in_a_group() -> None:
    hall = Hall(*THREE, "Dan")
    hall.deal()
    hall.open("Ada")
    hall.host.leave("enough")
    hall.run()
    dan = hall.people["Dan"].core.error
    assert isinstance(dan, PeerError) and "Tia closed the groups: enough" in dan.message
    assert all(hall.people[name].core.error is None for name in THREE)


def test_a_group_that_lost_somebody_is_no_way_back_into_groups_that_are_closed() -> None:
    hall = Hall(*THREE)
    hall.deal()
    hall.open("Ada")
    assert not hall.people["Bob"].core.waits_in_vain
    hall.host.leave("enough")
    hall.run()
    bob = hall.people["Bob"].core
    assert bob.waits_in_vain and bob.error is None
    bob.back()
    assert isinstance(bob.error, PeerError) and "Tia closed the groups" in bob.error.message


def test_nobody_but_the_host_takes_a_group_apart() -> None:
    hall = Hall(*THREE)
    hall.deal()
    hall.open("Ada")
    hall.people["Cyd"].core._room.send(messages.Undone(1))
    hall.host._send(messages.Undone(2))
    hall.run()
    assert not hall.people["Ada"].core.undone and not hall.people["Bob"].core.undone
    hall.host._send(messages.Undone(1))
    hall.run()
    assert hall.people["Ada"].core.undone and hall.people["Bob"].core.undone


def test_what_was_said_to_an_earlier_process_of_the_same_guest_means_nothing_to_the_next() -> None:
    """It was dealt, refused or called then, by keys that it has no more."""
    hall = Hall(*THREE)
    hall.deal()
    hall.open("Ada")
    hall.host._send(messages.Refused(hall.people["Bob"].identity.did, "not you"))
    hall.run()
    hall.people["Bob"].mute = True
    bob = hall.join("Bob", as_="again", identity=hall.people["Bob"].identity)
    assert bob.core.error is None and bob.core.placed is None
    hall.host.refuse(bob.identity.did, "you neither")
    hall.run()
    assert bob.core.error is not None and "you neither" in bob.core.error.message


def test_a_refused_guest_is_told_why() -> None:
    hall = Hall("Ada")
    hall.host.refuse(hall.people["Ada"].identity.did, "its person said no")
    hall.run()
    error = hall.people["Ada"].core.error
    assert isinstance(error, PeerError) and "its person said no" in error.message


@pytest.mark.parametrize("reason", [DECLINED, "another version"])
@pytest.mark.parametrize("patient", [True, False])
def test_who_stays_after_the_host_s_own_no_is_called_back_and_dealt(patient: bool, reason: str) -> None:
    hall = Hall("Ada", "Bob", groups=1)
    cyd = hall.join("Cyd", patient=patient)
    hall.host.refuse(cyd.identity.did, reason)
    hall.run()
    stays = patient and reason == DECLINED
    assert cyd.core.refused is (cyd.core.error is None) is stays
    assert hall.state("Cyd") == ("refused" if stays else "left") and len(hall.host.roster.refused) == stays
    hall.host.admit(cyd.identity.did)
    hall.run()
    hall.deal()
    hall.open("Ada")
    assert (cyd.core.placed is not None) is stays and not cyd.core.refused


def test_who_was_refused_is_dealt_by_nobody_s_all() -> None:
    hall = Hall("Ada", "Bob", groups=1)
    cyd = hall.join("Cyd", patient=True)
    hall.host.refuse(cyd.identity.did, DECLINED)
    hall.run()
    hall.deal()
    assert not hall.host.roster.groups and cyd.core.refused


def test_a_rendezvous_that_drops_a_message_of_the_host_is_noticed() -> None:
    hall = Hall("Ada")
    late = hall.join("Bob", identity=Identity.fresh(hall.crypto))
    hall.people["Cyd"] = replace(late, core=type(late.core)(
        hall.crypto, Identity.fresh(hall.crypto), hall.invitation, name="Cyd", software=(), now=0.0
    ), read=1)  # fmt: skip
    hall.run()
    assert isinstance(hall.people["Cyd"].core.error, RendezvousError)


def test_a_room_without_its_host_is_given_up() -> None:
    hall = Hall("Ada")
    core = type(hall.people["Ada"].core)(
        hall.crypto, Identity.fresh(hall.crypto), hall.invitation, name="Bob", software=(), now=0.0
    )
    assert core.deadline == 60.0
    core.expire()
    assert isinstance(core.error, PeerError)


def test_what_is_told_is_a_word_and_only_the_host_can_read_it() -> None:
    hall = Hall(*THREE)
    hall.deal()
    hall.open("Ada")
    core = hall.people["Bob"].core
    core.report("computing")
    report = core._room.outgoing[-1][1]
    assert isinstance(report, messages.Report) and b"computing" not in encode(report)
    bob = hall.host.roster.guests[hall.people["Bob"].identity.did]
    assert HostSide.open(bob.pair, report.sealed) == b"computing"
    assert decode(messages.Report, encode(report)) == report
