"""What programs print becomes figures; what is no figure is not taken for one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle_lab.runs.measured import LINKS, program_cpu
from huddle_lab.runs.measured import links as links_of

KNOWN = [{"from": 0, "to": 1, "network": "tls", "path": "direct", "rtt_ms": 80.2}]


def test_a_link_has_what_its_session_and_what_a_program_says_of_it() -> None:
    said = [{"from": 0, "to": 1, "trip_ms": 81.0, "mbit": 500, "more": "x"}]
    other = [{"from": 1, "to": 2, "trip_ms": 1.0, "mbit": 9.5}]
    first, second = links_of([f"hello\n{LINKS} {json.dumps(said)}", f"{LINKS} {json.dumps(other)}"], KNOWN)
    assert first == KNOWN[0] | {"trip_ms": 81.0, "mbit": 500}
    assert second == other[0]
    assert links_of(["nothing"], KNOWN) == tuple(KNOWN)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_program_prints_there_is_a_link_or_nothing(text: str) -> None:
    for link in links_of([LINKS + text.replace("\n", "")]):
        assert link.keys() == {"from", "to", "trip_ms", "mbit"}


@pytest.mark.parametrize(("taken", "found"), [([1.0, 2.0], 3.0), ([1.0, None], None)])
def test_processor_time_is_known_where_all_know_theirs(
    taken: list[float | None], found: float | None
) -> None:
    assert program_cpu([{"cpu": one} for one in taken]) == found
