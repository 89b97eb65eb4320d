"""`huddle verify` on records that hold, and on those that do not."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from huddle.ceremony.messages import Options
from huddle.cli.commands import identity
from huddle.cli.commands.identity import verify_command
from huddle.cli.home import Home
from huddle.codec import encode
from huddle.identity.contacts import Contacts
from huddle.identity.native import NativeCrypto
from huddle.record import signed as records
from huddle.record.signed import PathRecord, RunRecord
from huddle.record.unfinished import write_unfinished
from tests.unit.ceremony.mesh import Mesh

CRYPTO = NativeCrypto()


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The record of a session of Hanna, who hosts, and Bob, signed by both."""
    mesh = Mesh()
    stations = [
        mesh.host(parties=2, options=Options(record=True), files={"prog.py": b"pass\n"}),
        mesh.guest("Bob"),
    ]
    mesh.run()
    seals = [station.core.sealed for station in stations]
    assert seals[0] is not None
    run = RunRecord(encode(seals[0].manifest), 100, 110, "finished")
    path = PathRecord(1, 0, 1, "relay", "relayed by example.org")
    unsigned = records.build(seals[0], started=90, ended=2**64 - 1, runs=[run], paths=[path])
    signatures = [
        records.sign(CRYPTO, station.core._identity, seal, unsigned)
        for station, seal in zip(stations, seals, strict=True)
        if seal is not None
    ]
    file = tmp_path / "session.record"
    file.write_bytes(records.combine(CRYPTO, unsigned, signatures))
    return file


def test_a_record_that_holds_is_told(record: Path) -> None:
    told = json.loads(CliRunner().invoke(verify_command, ["--json", str(record)]).stdout)
    bob = told["parties"][1]
    assert f"Bob (new to you) {bob['did']}" in CliRunner().invoke(verify_command, [str(record)]).stdout
    Home().save_contacts(Contacts().met("Bob", bob["did"], 1).verified([bob["did"]]))
    shown = CliRunner().invoke(verify_command, [str(record)])
    assert shown.exit_code == 0, shown.output
    assert f"Bob (a verified contact) {bob['did']}" in shown.stdout
    assert " ".join(told["words"]) in shown.stdout and "prog.py, finished" in shown.stdout
    assert "Hanna and Bob: relay, relayed by example.org" in shown.stdout
    assert told["runs"][0]["files"][0]["path"] == "prog.py"


def test_oneself_is_no_stranger_in_a_record(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(CliRunner().invoke(verify_command, ["--json", str(record)]).stdout)
    monkeypatch.setattr(Home, "did", lambda home, crypto: told["parties"][0]["did"])
    shown = CliRunner().invoke(verify_command, [str(record)]).stdout
    assert "Hanna (you)" in shown and "Bob (new to you)" in shown
    assert shown.startswith("The record is valid: all 2 parties signed it.")


def test_a_changed_record_does_not_hold(record: Path) -> None:
    data = bytearray(record.read_bytes())
    data[-1] ^= 1
    record.write_bytes(data)
    failed = CliRunner().invoke(verify_command, [str(record)])
    assert failed.exit_code == 3 and "is not valid" in failed.stderr and failed.stdout == ""


def test_a_file_that_is_too_large_is_said_to_be_that(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (records, identity):
        monkeypatch.setattr(module, "MAX_FILE", record.stat().st_size - 1)
    failed = CliRunner().invoke(verify_command, [str(record)])
    assert failed.exit_code == 3 and "it is too large for a record" in failed.stderr


@pytest.mark.parametrize("data", [b"", b"huddle record 1\n", b"\xff" * 100])
def test_what_is_no_record_is_said(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    failed = CliRunner().invoke(verify_command, [str(path)])
    assert failed.exit_code == 3 and "other is not valid" in failed.stderr


def test_a_record_that_was_cut_short_is_told_as_the_word_of_one(record: Path, tmp_path: Path) -> None:
    mesh = Mesh()
    mesh.host(parties=2, options=Options(record=True), files={"prog.py": b"pass\n"})
    bob = mesh.guest("Bob")
    mesh.run()
    seal = bob.core.sealed
    assert seal is not None
    run = RunRecord(encode(seal.manifest), 100, 110, "failed")
    unsigned = records.build(seal, started=90, ended=120, runs=[run], paths=[])
    path = tmp_path / "short"
    data = write_unfinished(CRYPTO, bob.core._identity, seal, unsigned, "Hanna left the session")
    path.write_bytes(data)
    shown = CliRunner().invoke(verify_command, [str(path)])
    assert shown.exit_code == 1 and "signed it" not in shown.stdout
    assert "valid and not complete" in shown.stdout and "why: Hanna left the session" in shown.stdout
    assert "All 2 parties signed who takes part" in shown.stdout
    assert "the word of Bob, who alone signed this" in shown.stdout
    assert "by Bob's clock" in shown.stdout and "prog.py, failed" in shown.stdout
    told = CliRunner().invoke(verify_command, ["--json", str(path)])
    assert told.exit_code == 1
    said = json.loads(told.stdout)
    assert said["cut_short"] == "Hanna left the session" and said["signed_by"] == [1]
    whole = json.loads(CliRunner().invoke(verify_command, ["--json", str(record)]).stdout)
    assert whole["cut_short"] is None and whole["signed_by"] == [0, 1]
    path.write_bytes(data[:-1])
    failed = CliRunner().invoke(verify_command, [str(path)])
    assert failed.exit_code == 3 and "short is not valid" in failed.stderr and failed.stdout == ""
