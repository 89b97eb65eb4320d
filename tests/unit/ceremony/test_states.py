"""The tables of the ceremony leave nothing open: each message in each state, from whomever."""

import pytest

from huddle.ceremony.messages import KINDS, Message, Proposal, Reveal
from huddle.ceremony.states import (
    MEANING,
    RULES,
    TIMELESS,
    TRANSITIONS,
    CeremonyState,
    Handling,
    SenderRole,
    verdict,
)

ALIVE = [state for state in CeremonyState if state is not CeremonyState.ENDED]


def test_every_message_has_a_rule_in_every_state() -> None:
    assert set(RULES) == set(ALIVE) and set(MEANING) == set(CeremonyState)
    for state in ALIVE:
        assert set(RULES[state]) == set(KINDS.values()), state


@pytest.mark.parametrize("standing", SenderRole)
@pytest.mark.parametrize("message", KINDS.values(), ids=lambda cls: cls.label)
def test_nothing_is_taken_after_the_end(message: type[Message], standing: SenderRole) -> None:
    assert verdict(CeremonyState.ENDED, message, standing) is Handling.IGNORE


@pytest.mark.parametrize("state", ALIVE)
def test_a_stranger_can_only_greet_and_part(state: CeremonyState) -> None:
    """So the holder of a leaked invitation can neither end nor steer a ceremony."""
    taken = {cls.label for cls in KINDS.values() if verdict(state, cls, SenderRole.STRANGER) is Handling.TAKE}
    assert taken <= {"hello", "bye"}
    assert not any(verdict(state, cls, SenderRole.STRANGER) is Handling.FAULT for cls in KINDS.values())


def test_one_proposal_and_only_from_the_host() -> None:
    takers = {
        (state, who)
        for state in ALIVE
        for who in SenderRole
        if verdict(state, Proposal, who) is Handling.TAKE
    }
    assert takers == {(CeremonyState.GATHERING, SenderRole.HOST)}


def test_reveals_are_taken_only_while_revealing() -> None:
    states = {state for state in ALIVE for who in SenderRole if verdict(state, Reveal, who) is Handling.TAKE}
    assert states == {CeremonyState.REVEALING}


def test_all_states_can_be_reached_and_left() -> None:
    reached, fresh = {CeremonyState.GATHERING}, {CeremonyState.GATHERING}
    while fresh:
        fresh = {to for start, to in TRANSITIONS if start in fresh} - reached
        reached |= fresh
    assert reached == set(CeremonyState)
    assert {start for start, to in TRANSITIONS if to is CeremonyState.ENDED} == set(ALIVE)
    assert not any(start is CeremonyState.ENDED for start, _ in TRANSITIONS)


def test_what_is_no_matter_of_an_epoch_only_parts_people_or_is_only_shown() -> None:
    assert {cls.label for cls in TIMELESS} == {"bye", "decline", "lobby", "refusal"}
