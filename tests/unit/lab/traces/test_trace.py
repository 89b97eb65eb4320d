"""A trace's file holds what was recorded, and what is no trace is refused."""

import lzma
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from huddle.errors import LocalError
from huddle_lab.traces.trace import Segment, Trace, fault, header_of, load, save
from tests.unit.lab.simulator.computations import ping_pong, traces


@settings(max_examples=30, deadline=None)
@given(some=traces())
def test_what_was_saved_is_loaded_but_for_rounded_times(tmp_path_factory, some: Trace) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("trace") / "one.trace.xz"
    save(some, path)
    found = load(path)
    assert found.header == some.header == header_of(path)
    for party, before in zip(found.parties, some.parties, strict=True):
        for one, other in zip(party.segments, before.segments, strict=True):
            assert (one.after, set(one.messages)) == (other.after, set(other.messages))
            assert one.cpu == pytest.approx(other.cpu, rel=0.05, abs=1e-6)
            assert [(s.to, s.size, s.number) for s in one.sends] == [
                (s.to, s.size, s.number) for s in other.sends
            ]


@pytest.mark.parametrize(
    "content",
    [b"", b"no trace", lzma.compress(b""), lzma.compress(b"{}\n"), lzma.compress(b'{"version": 1}\n[]\n')],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "one.trace.xz"
    path.write_bytes(content)
    with pytest.raises(LocalError, match="no trace"):
        load(path)


def test_a_trace_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.trace.xz"
    path.write_bytes(lzma.compress(b'{"version": 2}\n'))
    with pytest.raises(LocalError, match="another version"):
        load(path)


def test_waiting_for_what_nobody_sends_is_found() -> None:
    some = ping_pong(4, 0.001)
    assert not fault(some)
    waits = Segment(0.0, (), ((1, 77),), ())
    party = some.parties[0]
    changed = replace(some, parties=(replace(party, segments=(*party.segments, waits)), some.parties[1]))
    assert "nobody sends" in fault(changed)
    late = Segment(0.0, (len(party.segments),), (), ())
    changed = replace(some, parties=(replace(party, segments=(*party.segments, late)), some.parties[1]))
    assert "has not done" in fault(changed)
