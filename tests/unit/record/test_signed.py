"""A record is made by all, and holds only as long as nothing in it is changed."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.ceremony.messages import Options
from huddle.ceremony.sealed import Sealed
from huddle.codec import decode, encode
from huddle.identity.native import NativeCrypto
from huddle.record import signed as records
from huddle.record.signed import PathRecord, RecordError, RunRecord, SessionRecord, SignedRecord
from tests.unit.ceremony.mesh import Mesh

CRYPTO = NativeCrypto()


@cache
def parties() -> tuple[tuple[Any, Sealed], ...]:
    mesh = Mesh()
    mesh.host(parties=3, options=Options(record=True), files={"prog.py": b"pass\n"})
    mesh.guest("Ann")
    mesh.guest("Bob")
    mesh.run()
    found = []
    for station in mesh.stations.values():
        assert station.core.sealed is not None
        found.append((station.core._identity, station.core.sealed))
    return tuple(sorted(found, key=lambda one: one[1].pid))


def unsigned() -> bytes:
    seal = parties()[0][1]
    later = encode(seal.manifest.for_run(seal.digest, 2))
    runs = [RunRecord(encode(seal.manifest), 100, 110, "finished"), RunRecord(later, 120, 121, "failed: Bob")]
    paths = [PathRecord(1, 0, 1, "tls", "direct"), PathRecord(1, 0, 2, "relay", "relayed by huddle.example")]
    return records.build(seal, started=90, ended=130, runs=runs, paths=paths)


@cache
def signed() -> bytes:
    record = unsigned()
    return records.combine(
        CRYPTO, record, [records.sign(CRYPTO, who, seal, record) for who, seal in parties()]
    )


def test_a_record_says_who_what_when_and_how() -> None:
    report = records.verify(CRYPTO, signed())
    seal = parties()[0][1]
    assert report.digest == seal.digest and report.words == seal.words and report.roster == seal.roster
    assert [manifest.run for manifest in report.manifests] == [1, 2]
    assert (report.started, report.ended) == (90, 130)
    assert report.runs[1].outcome == "failed: Bob" and report.paths[1].network == "relay"


def test_a_missing_signature_is_noticed() -> None:
    record = unsigned()
    signatures = [records.sign(CRYPTO, who, seal, record) for who, seal in parties()]
    with pytest.raises(RecordError, match="not signed by all"):
        records.combine(CRYPTO, record, signatures[:-1])
    with pytest.raises(RecordError, match="signature of"):
        records.combine(CRYPTO, record, [signatures[1], signatures[0], signatures[2]])


def party_of_another_session() -> tuple[Any, Sealed]:
    mesh = Mesh(7)
    mesh.host(parties=2, options=Options(record=True), files={"prog.py": b"pass\n"})
    mesh.guest("Ann")
    mesh.run()
    station = mesh.stations["Ann"]
    assert station.core.sealed is not None
    return station.core._identity, station.core.sealed


def test_nobody_signs_the_record_of_another_session() -> None:
    with pytest.raises(RecordError, match="another session"):
        records.sign(CRYPTO, *party_of_another_session(), unsigned())


def test_no_record_without_agreement() -> None:
    seal = replace(parties()[0][1], transcript=None)
    with pytest.raises(ValueError, match="no record was agreed to"):
        records.build(seal, started=0, ended=0, runs=[], paths=[])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: replace(r, epoch=2), "nobody sent"),
        (lambda r: replace(r, nonces=(bytes(32), *r.nonces[1:])), "committed"),
        (lambda r: replace(r, accepts=(r.accepts[1], r.accepts[0], *r.accepts[2:])), "did not accept"),
        (lambda r: replace(r, hellos=r.hellos[:-1]), "not complete"),
        (lambda r: replace(r, ended=1), "before it began"),
        (lambda r: replace(r, runs=(r.runs[1], r.runs[0])), "not in order"),
        (lambda r: replace(r, runs=(replace(r.runs[0], outcome="a\nb"),)), "cannot be shown"),
        (lambda r: replace(r, runs=(replace(r.runs[0], manifest=b""),)), "must not be run"),
        (lambda r: replace(r, paths=(replace(r.paths[0], higher=9),)), "parties that are none"),
    ],
)
def test_what_does_not_fit_is_named(change: Any, words: str) -> None:
    record = encode(change(decode(SessionRecord, unsigned())))
    data = records.MAGIC + encode(SignedRecord(record, (bytes(64),) * 3))
    with pytest.raises(RecordError, match=words):
        records.verify(CRYPTO, data)


@given(st.integers(0, 1 << 30), st.integers(1, 255))
def test_no_byte_can_be_changed(at: int, change: int) -> None:
    data = bytearray(signed())
    data[at % len(data)] ^= change
    with pytest.raises(RecordError):
        records.verify(CRYPTO, bytes(data))


@given(st.binary(max_size=300))
def test_what_is_no_record_is_refused(data: bytes) -> None:
    for head in (b"", records.MAGIC):
        with pytest.raises(RecordError):
            records.verify(CRYPTO, head + data)
