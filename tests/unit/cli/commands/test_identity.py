"""`huddle whoami`, `contacts` and `forget`, as they are typed."""

import json
import os
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from huddle.cli.commands.identity import contacts_group, forget_command, whoami_command
from huddle.cli.home import Home
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.networks.reach import child_server


def run(command: object, *args: str) -> Result:
    return CliRunner().invoke(command, args)  # type: ignore[arg-type]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("HUDDLE_HOME", str(tmp_path / "kept"))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))  # what other sessions left stays
    monkeypatch.setattr(child_server, "_SHORT", str(temporary))
    return Home()


@pytest.fixture
def dids(kept: Home) -> list[str]:
    found = [Identity.fresh(NativeCrypto()).did for _ in range(2)]
    kept.save_contacts(Contacts().met("Ann", found[0], 1).met("Bob", found[1], 2))
    return found


def test_whoami_shows_the_same_did_each_time(kept: Home) -> None:
    first = run(whoami_command)
    assert first.exit_code == 0 and "This identity is new" in first.stderr
    again = run(whoami_command)
    assert again.stdout == first.stdout and again.stderr == ""
    assert again.stdout.startswith("did:key:z6Mk")
    assert json.loads(run(whoami_command, "--json").stdout)["did"] == first.stdout.strip()


def test_an_error_has_its_exit_code_and_its_advice(kept: Home) -> None:
    run(whoami_command)
    (kept.root / "identity").chmod(0o644)
    failed = run(whoami_command)
    assert failed.exit_code == 3
    assert failed.stdout == "" and "on this machine" in failed.stderr and "chmod 600" in failed.stderr
    as_json = run(whoami_command, "--json")
    event = json.loads(as_json.stdout)
    assert (as_json.exit_code, event["event"], event["whose"]) == (3, "error", "local")


def test_contacts_are_listed(kept: Home) -> None:
    assert "No contacts yet" in run(contacts_group).stdout


def test_contacts_are_shown_verified_and_removed(kept: Home, dids: list[str]) -> None:
    shown = json.loads(run(contacts_group, "--json").stdout)
    assert [(one["name"], one["did"], one["verified"]) for one in shown] == [
        ("Ann", dids[0], False),
        ("Bob", dids[1], False),
    ]
    assert "Ann" in run(contacts_group).stdout
    assert "Ann is verified" in run(contacts_group, "verify", "ann").stdout
    assert kept.contacts().standing("Ann", dids[0]) == "verified"
    assert "Bob is forgotten" in run(contacts_group, "remove", dids[1]).stdout
    assert [one.name for one in kept.contacts().people] == ["Ann"]


@pytest.mark.parametrize("action", ["verify", "remove"])
def test_a_contact_that_is_none_is_said(kept: Home, dids: list[str], action: str) -> None:
    failed = run(contacts_group, action, "Zoe")
    assert failed.exit_code == 3 and "Zoe is no contact" in failed.stderr
    assert len(kept.contacts().people) == 2


def test_forget_lists_first_and_deletes_what_is_named(kept: Home, dids: list[str]) -> None:
    run(whoami_command)
    listed = run(forget_command)
    assert listed.exit_code == 0
    assert str(kept.root / "identity") in listed.stdout and str(kept.root / "contacts.json") in listed.stdout
    assert kept.has_identity()
    deleted = run(forget_command, "contacts", "--yes")
    assert deleted.exit_code == 0 and "identity" not in deleted.stdout
    assert kept.has_identity() and not kept.contacts().people
    run(forget_command, "all", "--yes")
    assert not kept.root.exists()
    assert "Nothing of Huddle" in run(forget_command).stdout


def test_forget_deletes_what_a_killed_session_left(kept: Home) -> None:
    run(whoami_command)
    left = Path(tempfile.gettempdir()) / "huddle-run-abc"
    left.mkdir()
    (left / "private.csv").write_text("5000")
    os.utime(left, (0, 0))
    assert str(left) in run(forget_command).stdout
    assert str(left) not in run(forget_command, "identity", "--json", "--yes").stdout and left.exists()
    deleted = json.loads(run(forget_command, "leftovers", "--json", "--yes").stdout)["deleted"]
    assert [one["path"] for one in deleted] == [str(left.resolve())] and not left.exists()


def test_forget_deletes_nothing_where_nobody_can_be_asked(kept: Home, dids: list[str]) -> None:
    failed = run(forget_command, "all")
    assert failed.exit_code == 2 and "--yes" in failed.stderr
    assert len(kept.contacts().people) == 2
