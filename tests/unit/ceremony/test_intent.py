"""What a host means to do next, between what it has said and what the room has."""

import pytest

from huddle.ceremony.intent import Intent
from huddle.ceremony.states import CeremonyState


def test_one_proposal_is_on_its_way_at_a_time_and_only_while_all_gather() -> None:
    intent = Intent(held=False)
    assert intent.may_propose(CeremonyState.GATHERING) and not intent.proposes
    assert not any(intent.may_propose(one) for one in CeremonyState if one is not CeremonyState.GATHERING)
    intent.propose()
    assert intent.proposes and not intent.may_propose(CeremonyState.GATHERING)
    intent.begin()
    assert intent.may_propose(CeremonyState.GATHERING)


def test_what_is_held_waits_for_the_person() -> None:
    intent = Intent(held=True)
    assert not intent.may_propose(CeremonyState.GATHERING) and not intent.ready
    intent.begin()
    assert intent.held, "a new epoch spoke for the person"
    intent.go_on()
    assert intent.may_propose(CeremonyState.GATHERING) and intent.ready


@pytest.mark.parametrize("on_its_way", [True, False])
def test_a_change_counts_against_the_proposal_that_is_on_its_way_alone(on_its_way: bool) -> None:
    intent = Intent(held=False)
    if on_its_way:
        intent.propose()
    intent.change()
    assert intent.regrets is on_its_way
    intent.begin()
    assert not intent.regrets


def test_a_no_while_a_proposal_is_on_its_way_is_regret_too() -> None:
    intent = Intent(held=False)
    intent.propose()
    intent.held = True
    assert intent.regrets


def test_an_epoch_is_given_up_for_itself() -> None:
    intent = Intent(held=False)
    assert not intent.has_given_up(1)
    intent.give_up(1)
    assert intent.has_given_up(1) and not intent.has_given_up(2)
    intent.begin()
    assert intent.has_given_up(1)
