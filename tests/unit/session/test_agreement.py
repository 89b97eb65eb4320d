"""All agree to a run, or it does not start: by their own signatures, on files that are those announced."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huddle.ceremony.manifest import Manifest, build, read
from huddle.errors import PeerError
from huddle.session import control_messages as control
from huddle.session.agreement import Agreement, signed_bytes
from huddle.session.control_messages import Answer, FilePart, FilesDone, RunProposal
from tests.unit.session.company import CRYPTO, Seat, company

FILES = {"a.py": b"a" * (control.PART + 10), "b.txt": b"", "c.txt": b"see"}


def manifest(seat: Seat, run: int = 2) -> Manifest:
    first = seat.sealed.manifest
    return build(
        "a.py", FILES, flags=first.flags, versions=first.versions, session=seat.sealed.digest, run=run
    )


def agreement(pid: int, parties: int = 3) -> Agreement:
    seat = company(parties)[pid]
    return Agreement(CRYPTO, seat.identity, seat.sealed, manifest(seat))


def answers(parties: int = 3) -> dict[int, Answer]:
    return {seat.pid: agreement(seat.pid, parties).answer(True) for seat in company(parties)}


def give(to: Agreement, contents: dict[str, bytes] = FILES, pid: int = 0) -> None:
    for message in Agreement.proposal(to.manifest, contents):
        if not isinstance(message, RunProposal):
            to.take(pid, message)  # type: ignore[arg-type]


async def test_a_run_is_agreed_when_all_have_signed_it() -> None:
    for pid in range(3):
        own = agreement(pid)
        for peer, answer in answers().items():
            if peer != pid:
                assert not own._agreed.done()
                own.take(peer, answer)
        await own.agreed()


async def test_an_answer_counts_once() -> None:
    own, others = agreement(0), answers()
    for _ in range(5):
        own.take(1, others[1])
    assert not own._agreed.done()


async def test_the_files_arrive_in_parts_and_are_those_of_the_manifest() -> None:
    own = agreement(1)
    give(own)
    assert await own.files() == FILES


async def test_the_proposal_is_what_guests_can_read() -> None:
    seat = company()[0]
    first, *parts = Agreement.proposal(manifest(seat), FILES)
    assert isinstance(first, RunProposal) and read(first.manifest) == manifest(seat)
    assert isinstance(parts[-1], FilesDone)
    for part in parts:
        control.pack(part)


async def test_what_the_ceremony_has_proposed_is_not_proposed_again() -> None:
    first = company()[0].sealed.manifest
    said = list(Agreement.proposal(first, {"prog.py": b"pass\n"}))
    assert [type(message) for message in said] == [FilePart, FilesDone]


async def fails(own: Agreement, who: str, words: str) -> None:
    with pytest.raises(PeerError, match=words) as caught:
        await own.files()
    assert caught.value.peer == who and own.error is caught.value
    with pytest.raises(PeerError):
        await own.agreed()


@pytest.mark.parametrize(
    ("pid", "message", "who", "words"),
    [
        (2, FilePart(2, 0, b"a"), "Ann", "only the host"),
        (2, FilesDone(2), "Ann", "only the host"),
        (0, FilePart(2, 3, b"a"), "Hanna", "does not have"),
        (0, FilePart(2, 65_535, b"a"), "Hanna", "does not have"),
        (0, FilePart(2, 1, b"a"), "Hanna", "more of a file"),
        (0, FilePart(2, 2, b"seee"), "Hanna", "more of a file"),
        (0, FilesDone(2), "Hanna", "the contents of a.py are not"),
        (0, Answer(2, True, b"", ""), "Hanna", "signed another program"),
        (2, Answer(2, True, bytes(64), ""), "Ann", "signed another program"),
        (2, Answer(2, False, b"", "Too\nlong\x1b[2J"), "Ann", "declined to run the program: Too long"),
    ],
)
async def test_who_breaks_the_agreement_is_named(pid: int, message: Any, who: str, words: str) -> None:
    own = agreement(1)
    own.take(pid, message)
    await fails(own, who, words)


async def test_other_contents_of_the_right_size_are_refused() -> None:
    own = agreement(1)
    give(own, FILES | {"c.txt": b"sea"})
    await fails(own, "Hanna", "contents of c.txt")


async def test_nobody_can_use_the_signature_of_another_or_of_another_run() -> None:
    seat = company()[2]
    other = Agreement(CRYPTO, seat.identity, seat.sealed, manifest(seat, 3)).answer(True)
    own = agreement(1)
    own.take(2, Answer(2, True, other.signature, ""))
    await fails(own, "Ann", "signed another program")
    own = agreement(1)
    own.take(2, answers()[0])
    await fails(own, "Ann", "signed another program")


def test_a_signature_is_of_one_session() -> None:
    seat = company()[0]
    assert signed_bytes(bytes(32), manifest(seat)) != signed_bytes(seat.sealed.digest, manifest(seat))


async def test_a_yes_after_a_no_changes_nothing() -> None:
    own = agreement(1)
    own.take(2, Answer(2, False, b"", ""))
    for peer, answer in answers().items():
        own.take(peer, answer)
    with pytest.raises(PeerError, match="Ann declined"):
        await own.agreed()


async def test_a_host_cannot_fill_the_memory() -> None:
    own = agreement(1)
    for _ in range(200):
        own.take(0, FilePart(2, 0, bytes(control.PART)))
        own.take(0, FilePart(2, 1, bytes(control.PART)))
    assert sum(map(len, own._parts)) == 0, "kept after the failure"
    own = agreement(1)
    give(own)
    for _ in range(200):
        own.take(0, FilePart(2, 0, bytes(10)))
        own.take(0, FilesDone(2))
    assert not own._parts and await own.files() == FILES


async def test_a_long_reason_is_cut_before_it_is_sent() -> None:
    control.pack(agreement(1).answer(False, "é" * 1000))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.one_of(
                st.builds(FilePart, st.just(2), st.integers(0, 4), st.binary(max_size=8)),
                st.just(FilesDone(2)),
                st.builds(Answer, st.just(2), st.booleans(), st.binary(max_size=64), st.text(max_size=9)),
            ),
        ),
        max_size=12,
    )
)
async def test_whatever_peers_say_ends_in_an_error_that_names_one(said: list[tuple[int, Any]]) -> None:
    own = agreement(1)
    for pid, message in said:
        own.take(pid, message)
    assert not own._agreed.done() or own.error is not None, "agreed without signatures"
    if own.error is not None:
        assert getattr(own.error, "peer", "") in ("Hanna", "Ann", "Bob")
