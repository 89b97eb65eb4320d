"""`huddle identity`: a passphrase, an agent, and what is said where something is wrong."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from huddle.cli import unlock
from huddle.cli.commands import identity_group
from huddle.cli.home import Home
from huddle.cli.main import main
from huddle.errors import LocalError
from huddle.identity import keyfile
from huddle.identity.keyfile import InAgent, Locked, Plain
from huddle.identity.native import NativeCrypto
from huddle.identity.ssh_agent import AgentKey
from tests.unit.identity.test_ssh_agent import agent

__all__ = ["agent"]  # the fixture

CRYPTO = NativeCrypto()
Say = Callable[..., Result]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Type a command; `asked` answers what is asked on the terminal, if there is one."""
    monkeypatch.setenv("HUDDLE_HOME", str(tmp_path / "kept"))
    monkeypatch.setattr(keyfile.lock, "__defaults__", (10,))  # a second each would be long

    def run(*args: str, text: str = "", env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(main, ["identity", *args], input=text, env=env)

    return run


def did() -> str:
    stored = Home().stored()
    assert stored is not None
    return keyfile.did_of(CRYPTO, stored)


def test_a_passphrase_is_set_changed_and_removed(say: Say) -> None:
    assert "no identity yet" in say().output
    assert say("passphrase", text="first\n").exit_code == 0
    before = did()
    assert isinstance(Home().stored(), Locked) and "locked by a passphrase" in say().output
    wrong = say("passphrase", text="second\n", env={"HUDDLE_PASSPHRASE": "fist"})
    assert wrong.exit_code == 3 and "is not that of your identity" in wrong.stderr
    assert say("passphrase", text="second\n", env={"HUDDLE_PASSPHRASE": "first"}).exit_code == 0
    assert say("passphrase", "--remove", env={"HUDDLE_PASSPHRASE": "first"}).exit_code == 3
    assert say("passphrase", "--remove", env={"HUDDLE_PASSPHRASE": "second"}).exit_code == 0
    assert isinstance(Home().stored(), Plain) and did() == before


def test_none_is_no_passphrase(say: Say) -> None:
    refused = say("passphrase", text="\n")
    assert refused.exit_code == 3 and "at least one letter" in refused.stderr
    assert isinstance(Home().stored(), Plain)


def test_without_a_terminal_the_variable_is_named(say: Say) -> None:
    say("passphrase", text="first\n")
    locked = say("passphrase", "--remove")
    assert locked.exit_code == 3 and "HUDDLE_PASSPHRASE" in locked.stderr


class Terminal:
    @staticmethod
    def isatty() -> bool:
        return True


def test_a_wrong_passphrase_can_be_typed_again(
    say: Say, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say("passphrase", text="first\n")
    stored = Home().stored()
    assert isinstance(stored, Locked)
    typed = iter(["fist", "FIRST", "first", "a", "b", "c"])
    monkeypatch.setattr(sys, "stdin", Terminal)
    monkeypatch.setattr(unlock, "hidden", lambda question: next(typed))
    assert unlock.unlock_identity(stored).did == stored.did
    assert capsys.readouterr().err.count("Try again") == 2
    with pytest.raises(LocalError, match="not the passphrase"):
        unlock.unlock_identity(stored)


def test_the_passphrase_stays_in_no_environment(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    say("passphrase", text="first\n")
    stored = Home().stored()
    monkeypatch.setenv("HUDDLE_PASSPHRASE", "first")
    assert stored is not None and unlock.unlock_identity(stored).did == stored.did  # type: ignore[union-attr]
    assert "HUDDLE_PASSPHRASE" not in os.environ


def test_an_identity_moves_into_an_agent(say: Say, agent: str, tmp_path: Path) -> None:
    Home().identity(CRYPTO)
    before, file = did(), tmp_path / "key"
    alone = say("agent")
    assert alone.exit_code == 3 and "huddle identity export FILE" in alone.stderr
    assert say("export", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert say("export", str(file)).exit_code == 3, "nothing is overwritten"
    subprocess.run(["ssh-add", "-q", str(file)], check=True)
    assert say("agent").exit_code == 0
    assert Home().stored() == InAgent(before)
    assert "in an ssh-agent" in say().output
    stored = Home().stored()
    assert stored is not None
    identity = unlock.unlock_identity(stored)
    assert CRYPTO.verify(CRYPTO.signing_public(identity.key), CRYPTO.sign(identity.key, b"x"), b"x")
    assert isinstance(identity.key, AgentKey)
    identity.key.agent.close()
    for command in (("passphrase",), ("export", str(tmp_path / "other"))):
        assert "keeps it to itself" in say(*command, text="x\n").stderr
    subprocess.run(["ssh-add", "-qD"], check=True)
    with pytest.raises(LocalError, match="has not the key"):
        unlock.unlock_identity(stored)


def test_a_key_of_the_agent_s_becomes_an_identity(say: Say, agent: str) -> None:
    assert "has 0 Ed25519 keys" in say("agent", "--key", "nobody's").stderr
    assert say("agent", "--key", "mine").exit_code == 0
    assert isinstance(Home().stored(), InAgent)


def test_a_change_in_between_is_not_overwritten(say: Say) -> None:
    Home().identity(CRYPTO)
    with pytest.raises(LocalError, match="changed meanwhile"):
        Home().store(Plain(bytes(32)), InAgent(did()))
    assert isinstance(Home().stored(), Plain)
    assert identity_group.identity_group.name == "identity"
