"""The tables of the ceremony leave nothing open: each message in each state, from whomever."""

import pytest

from huddle.session.ceremony_states import (
    MEANING,
    RULES,
    TIMELESS,
    TRANSITIONS,
    Standing,
    State,
    Verdict,
    verdict,
)
from huddle.session.messages import KINDS, Message, Proposal, Reveal

ALIVE = [state for state in State if state is not State.ENDED]


def test_every_message_has_a_rule_in_every_state() -> None:
    assert set(RULES) == set(ALIVE) and set(MEANING) == set(State)
    for state in ALIVE:
        assert set(RULES[state]) == set(KINDS.values()), state


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("message", KINDS.values(), ids=lambda cls: cls.label)
def test_nothing_is_taken_after_the_end(message: type[Message], standing: Standing) -> None:
    assert verdict(State.ENDED, message, standing) is Verdict.IGNORE


@pytest.mark.parametrize("state", ALIVE)
def test_a_stranger_can_only_greet_and_part(state: State) -> None:
    """So the holder of a leaked invitation can neither end nor steer a ceremony."""
    taken = {cls.label for cls in KINDS.values() if verdict(state, cls, Standing.STRANGER) is Verdict.TAKE}
    assert taken <= {"hello", "bye"}
    assert not any(verdict(state, cls, Standing.STRANGER) is Verdict.FAULT for cls in KINDS.values())


def test_one_proposal_and_only_from_the_host() -> None:
    takers = {
        (state, who) for state in ALIVE for who in Standing if verdict(state, Proposal, who) is Verdict.TAKE
    }
    assert takers == {(State.GATHERING, Standing.HOST)}


def test_reveals_are_taken_only_while_revealing() -> None:
    states = {state for state in ALIVE for who in Standing if verdict(state, Reveal, who) is Verdict.TAKE}
    assert states == {State.REVEALING}


def test_all_states_can_be_reached_and_left() -> None:
    reached, fresh = {State.GATHERING}, {State.GATHERING}
    while fresh:
        fresh = {to for start, to in TRANSITIONS if start in fresh} - reached
        reached |= fresh
    assert reached == set(State)
    assert {start for start, to in TRANSITIONS if to is State.ENDED} == set(ALIVE)
    assert not any(start is State.ENDED for start, _ in TRANSITIONS)


def test_what_is_no_matter_of_an_epoch_only_parts_people() -> None:
    assert {cls.label for cls in TIMELESS} == {"bye", "decline", "refusal"}
