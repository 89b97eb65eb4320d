"""What a person is told of a proposal beside people and program."""

import pytest

from huddle.ceremony.events import Proposed
from huddle.ceremony.manifest import build
from huddle.ceremony.messages import Options
from huddle.ceremony.sealed import Member
from huddle.session.proposal_told import begun_again, terms

MANIFEST = build("a.py", {"a.py": b""})


def told(parties: int, threshold: int | None, options: Options | None = None) -> str:
    roster = tuple(Member(pid, f"did:key:z{pid}", f"P{pid}") for pid in range(parties))
    return " ".join(terms(Proposed(1, 1, roster, threshold, options or Options(), MANIFEST)))


@pytest.mark.parametrize(("parties", "threshold"), [(3, None), (3, 1), (5, 2), (4, None)])
def test_nothing_is_said_of_what_is_usual(parties: int, threshold: int | None) -> None:
    assert told(parties, threshold) == ""


@pytest.mark.parametrize(("parties", "threshold"), [(2, None), (3, 0), (7, 0)])
def test_a_threshold_that_hides_nothing_is_told(parties: int, threshold: int | None) -> None:
    assert "each party can read the inputs of all others" in told(parties, threshold)


def test_a_threshold_lower_than_usual_is_told() -> None:
    assert "2 parties together can read" in told(5, 1)


def test_a_record_and_further_runs_are_told() -> None:
    text = told(3, None, Options(record=True, stay=True))
    assert "sign a record" in text
    assert "More runs may follow" in text


def test_why_it_begins_again_is_said_once_and_not_to_a_host_who_is_asked_how_to_go_on() -> None:
    def told(**how: bool) -> list[str]:
        return [one.text for one in begun_again("Bob left the session", **how)]

    assert told(told=False, held=False) == ["It begins again, with other words: Bob left the session"]
    assert told(told=True, held=False) == ["It begins again, with other words."]
    assert told(told=False, held=True) == ["Bob left the session."]
    assert told(told=True, held=True) == []
