"""The host of a front room: whole groups of those who are expected and there, and nobody by looks."""

import pytest

from huddle.ceremony.messages import Software
from huddle.errors import LocalError
from huddle.groups import dealer as heard
from huddle.groups import messages
from huddle.identity.keys import Identity
from tests.unit.groups.hall import SOFTWARE, Hall

SIX = ("Ada", "Bob", "Cyd", "Dan", "Eve", "Fay")


def test_guests_are_dealt_in_the_lists_order_and_get_one_room_a_group() -> None:
    hall = Hall(*SIX, expected=True)
    hall.deal()
    assert hall.members(1) == list(SIX[:3]) and hall.members(2) == list(SIX[3:])
    hall.open("Ada", "Dan")
    places = [hall.people[name].core.placed for name in SIX]
    urls = [place.placement.url for place in places if place is not None]
    assert len(urls) == 6 and len(set(urls)) == 2 and urls[0] == urls[1] == urls[2]
    assert [place.first for place in places if place is not None] == [True, False, False] * 2


def test_without_a_list_they_stand_in_the_order_in_which_they_knocked() -> None:
    hall = Hall("Fay", "Ada", "Cyd")
    hall.deal()
    assert hall.members(1) == ["Fay", "Ada", "Cyd"]


def test_who_makes_no_whole_group_waits_and_is_dealt_with_the_next() -> None:
    hall = Hall(*SIX[:5])
    hall.deal()
    assert hall.members(1) == list(SIX[:3]) and 2 not in hall.host.roster.groups
    assert hall.state("Dan") == "admitted" and hall.people["Dan"].core.error is None
    hall.join("Fay")
    hall.deal()
    assert hall.members(2) == list(SIX[3:])


def test_there_are_no_more_groups_than_wanted() -> None:
    hall = Hall(*SIX, groups=1)
    hall.deal()
    assert list(hall.host.roster.groups) == [1] and not hall.host.roster.enough


def test_who_is_not_on_the_list_or_looks_like_somebody_on_it_waits_for_a_person() -> None:
    hall = Hall(*SIX[:2], "Cyd", expected=True)
    hall.join("B\u043eb", as_="like")
    hall.join("Gus")
    hall.deal()
    assert hall.members(1) == ["Ada", "Bob", "Cyd"]
    assert hall.state("like") == hall.state("Gus") == "waiting"


@pytest.mark.parametrize("expected", [True, False])
def test_a_name_that_knocks_twice_is_nobodys_until_a_person_says_whose(expected: bool) -> None:
    hall = Hall(*SIX[:3], expected=expected)
    hall.join("Bob", as_="other")
    hall.deal()
    assert hall.state("Bob") == hall.state("other") == "waiting" and not hall.host.roster.groups
    hall.host.admit(hall.people["other"].identity.did)
    with pytest.raises(LocalError, match="looks the same"):
        hall.host.admit(hall.people["Bob"].identity.did)
    hall.deal()
    dids = [guest.did for guest in hall.host.roster.groups[1].members]
    assert hall.people["other"].identity.did in dids and hall.people["Bob"].identity.did not in dids


def test_it_is_asked_about_also_after_the_first_of_that_name_has_left() -> None:
    hall = Hall(*SIX[:3], expected=True)
    hall.people["Bob"].core.leave("tired")
    hall.run()
    hall.join("Bob", as_="other")
    hall.deal()
    assert hall.state("other") == "waiting"


def test_who_comes_back_with_the_same_key_is_no_second_one_and_keeps_what_was_decided() -> None:
    hall = Hall(*SIX[:3], "Gus", expected=False)
    gus = hall.people["Gus"].identity
    hall.host.admit(gus.did)
    hall.people["Gus"].mute = True
    hall.join("Gus", identity=gus)
    assert hall.state("Gus") == "admitted"
    assert hall.host.roster.guests[gus.did].number == 4


def test_who_left_or_does_not_answer_the_roll_call_is_not_dealt() -> None:
    hall = Hall(*SIX[:5], groups=1)
    hall.people["Ada"].core.leave("tired")
    hall.run()
    hall.people["Bob"].mute = True  # its process died without a word
    hall.deal()
    assert not hall.host.roster.groups
    hall.pass_time(heard.ROLL_CALL_SECONDS + 1)
    assert hall.members(1) == ["Cyd", "Dan", "Eve"]
    assert hall.state("Ada") == hall.state("Bob") == "left"


def test_a_deal_that_is_wanted_during_another_follows_it() -> None:
    hall = Hall(*SIX[:3], parties=2)
    hall.host.admit_expected()
    hall.host.deal()
    hall.join("Dan")  # and the roll call is answered meanwhile
    hall.deal()
    assert hall.members(1) == ["Ada", "Bob"] and hall.members(2) == ["Cyd", "Dan"]


def test_a_first_that_does_not_open_the_groups_room_costs_the_others_a_wait_and_no_more() -> None:
    hall = Hall(*SIX[:4], groups=1)
    hall.deal()
    hall.pass_time(31)
    assert hall.state("Ada") == "left" and not hall.host.roster.groups
    hall.deal()
    assert hall.members(1) == ["Bob", "Cyd", "Dan"]
    hall.open("Bob")
    assert hall.people["Cyd"].core.placed is not None


def test_a_group_that_was_opened_in_time_is_not_taken_back() -> None:
    hall = Hall(*SIX[:3])
    hall.deal()
    hall.open("Ada")
    hall.pass_time(60)
    assert hall.members(1) == list(SIX[:3])


def test_what_members_say_of_themselves_is_how_far_their_group_is() -> None:
    hall = Hall(*SIX[:3])
    hall.deal()
    hall.open("Ada")
    group = hall.host.roster.groups[1]
    for said in ("in", "words", "computing", "result"):
        for name in SIX[:2]:
            hall.people[name].core.report(said)
        hall.run()
        assert group.state != said, "the last one counts"
        hall.people["Cyd"].core.report(said)
        hall.run()
        assert group.state == said
    hall.people["Cyd"].core.report("on fire")
    hall.run()
    assert group.state == "result"


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("waits", [True, False])
def test_a_group_that_loses_somebody_is_completed_by_who_waits_or_by_who_comes(
    begun: bool, waits: bool
) -> None:
    hall = Hall(*SIX[:4] if waits else SIX[:3], groups=1)
    hall.deal()
    hall.open("Ada")
    if begun:
        for name in SIX[:3]:
            hall.people[name].core.report("computing")
        hall.run()
    hall.people["Bob"].core.leave("tired")
    hall.run()
    # The person sees who it is, and that the group is none any more; its number is free.
    assert hall.state("Bob") == "left" and hall.host.roster.free == [1]
    undone = [event for event in hall.told if isinstance(event, heard.GroupChanged) and event.undone]
    assert [guest.standing for guest in undone[-1].group.members] == [
        *(("computing", "left", "computing") if begun else ("dealt", "left", "dealt"))
    ]
    # Before the start they are called back; afterwards they notice it themselves.
    assert [hall.people[name].core.undone for name in ("Ada", "Cyd")] == [not begun] * 2
    hall.back("Ada", "Cyd")
    assert hall.state("Ada") == hall.state("Cyd") == "admitted"
    if not waits:
        assert not hall.host.roster.enough
        hall.join("Dan")
    hall.deal()
    assert hall.members(1) == ["Ada", "Cyd", "Dan"]
    hall.open("Ada")
    urls = {hall.people[name].core.placed.placement.url for name in ("Ada", "Cyd", "Dan")}  # type: ignore[union-attr]
    assert len(urls) == 1
    assert hall.people["Bob"].core.placed.placement.url not in urls  # type: ignore[union-attr]


def dealt_again(*more: str) -> Hall:
    """Of two groups, each has lost somebody; `more` wait, and the host deals again."""
    hall = Hall(*SIX, *more, groups=2)
    hall.deal()
    hall.open("Ada", "Dan")
    for name in ("Ada", "Eve"):
        hall.people[name].core.leave("tired")
    hall.run()
    hall.back("Dan", "Bob", "Fay", "Cyd")
    hall.deal()
    return hall


def test_who_is_left_of_each_group_stays_together() -> None:
    hall = dealt_again("Gus", "Hal")
    assert hall.members(1) == ["Bob", "Cyd", "Gus"] and hall.members(2) == ["Dan", "Fay", "Hal"]


def test_where_too_few_wait_a_group_is_completed_from_what_is_left_of_another() -> None:
    hall = dealt_again()
    assert hall.members(1) == ["Bob", "Cyd", "Dan"] and list(hall.host.roster.groups) == [1]
    assert hall.state("Fay") == "admitted"


def test_who_was_killed_is_missed_when_the_others_are_back_and_keeps_the_seat_where_it_comes_again() -> None:
    hall = Hall(*SIX[:4], groups=1)
    hall.deal()
    hall.open("Ada")
    bob = hall.people["Bob"]
    bob.mute = True
    hall.back("Ada", "Cyd")  # they have noticed; the host's person has not been told who is gone
    assert hall.host.roster.free == [1] and hall.state("Bob") == "dealt"
    hall.pass_time(91)
    assert hall.state("Bob") == "left"
    hall.join("Bob", as_="Bob again", identity=bob.identity)
    assert hall.state("Bob again") == "waiting"  # it was away: the host's person decides
    hall.host.admit(bob.identity.did)
    hall.deal()
    assert hall.members(1) == ["Ada", "Bob", "Cyd"]


def test_a_member_that_comes_again_breaks_its_group_up_and_is_dealt_to_it_again() -> None:
    hall = Hall(*SIX[:4], groups=1)
    hall.deal()
    hall.open("Ada")
    bob = hall.people["Bob"]
    bob.mute = True
    hall.join("Bob", as_="Bob again", identity=bob.identity)
    assert hall.people["Ada"].core.undone and hall.state("Bob again") == "admitted"
    hall.back("Ada", "Cyd")
    hall.deal()
    assert hall.members(1) == ["Ada", "Bob", "Cyd"]


def test_who_never_was_in_a_group_or_has_been_refused_comes_back_from_none() -> None:
    hall = Hall(*SIX[:3], "Gus", groups=1, expected=False)
    hall.host.refuse(hall.people["Gus"].identity.did, "no")
    hall.run()
    hall.people["Gus"].core.error = None
    hall.back("Gus", "Ada")
    assert hall.state("Gus") == "left" and hall.state("Ada") == "waiting"
    hall.people["Bob"].core.leave("tired")
    hall.run()
    hall.back("Bob")
    assert hall.state("Bob") == "left"


def test_who_has_the_result_is_not_waited_for_when_another_of_the_group_is_lost() -> None:
    hall = Hall(*SIX[:3], groups=1)
    hall.deal()
    hall.open("Ada")
    hall.people["Ada"].core.report("result")
    for name in ("Bob", "Cyd"):
        hall.people[name].core.report("computing")
    hall.run()
    hall.people["Bob"].core.leave("tired")
    hall.people["Ada"].core.leave("done")
    hall.run()
    hall.back("Cyd")
    hall.pass_time(91)
    assert hall.state("Ada") != "admitted" and hall.state("Cyd") == "admitted"


def test_a_first_that_was_given_up_and_lives_waits_again() -> None:
    hall = Hall(*SIX[:4], groups=1)
    hall.deal()
    hall.pass_time(31)
    assert hall.people["Ada"].core.undone and hall.state("Ada") == "left"
    hall.back("Ada")
    assert hall.state("Ada") == "admitted"


def test_another_version_of_mpyc_is_refused_at_the_door() -> None:
    hall = Hall("Ada")
    bob = hall.join("Bob", software=(Software("mpyc", "0.9"),))
    assert bob.core.error is not None and "this guest 0.9" in bob.core.error.message
    assert bob.identity.did not in hall.host.roster.guests


def test_mixed_word_sizes_are_part_of_the_digest_that_members_expect() -> None:
    hall = Hall("Ada", "Bob", groups=1)
    hall.join("Cyd", software=(SOFTWARE[0], Software("bits", "32")))
    hall.deal()
    hall.open("Ada")
    digests = set()
    for name in SIX[:3]:
        placed = hall.people[name].core.placed
        assert placed is not None
        digests.add(placed.placement.digest)
    assert len(digests) == 1 and hall.manifest.program_digest not in digests


def test_a_name_like_the_hosts_is_nobody_who_is_expected() -> None:
    hall = Hall("Ada", "Bob", "T\u0456a", groups=1)
    hall.deal()
    assert not hall.host.roster.groups


def test_a_guest_that_reports_without_end_is_not_read_without_end() -> None:
    hall = Hall(*SIX[:3])
    hall.deal()
    hall.open("Ada")
    before = len(hall.told)
    for _ in range(100):
        hall.people["Bob"].core.report("in")
    hall.run()
    assert len(hall.told) - before <= 48


def test_the_room_stays_within_what_a_rendezvous_takes_of_one_guest() -> None:
    assert max(messages.KINDS) <= 255
    hall = Hall(*SIX)
    hall.deal()
    assert all(len(record) < 131_072 + 1_024 for record in hall.log)


def test_a_second_use_of_the_invitation_is_noticed() -> None:
    hall = Hall("Ada")
    identity = Identity.fresh(hall.crypto)
    hall.join("Eve", identity=identity)
    # The same host's records from an earlier life, before it has written anything in this one.
    again = Hall("Ada")
    again.host.receive(hall.log[0], 0, hall.now)
    again.run()
    assert not again.host.roster.groups
