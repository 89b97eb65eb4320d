"""Sessions with an identity that is locked, or that an ssh-agent has."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import LOCAL, Lab


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an ssh-agent with one key."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("no ssh-agent")
    where = {"SSH_AUTH_SOCK": str(tmp_path / "agent")}
    process = subprocess.Popen(["ssh-agent", "-D", "-a", where["SSH_AUTH_SOCK"]], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # it listens
    subprocess.run(["ssh-keygen", "-qN", "", "-t", "ed25519", "-f", tmp_path / "key"], check=True)
    subprocess.run(["ssh-add", "-q", tmp_path / "key"], check=True, env=where)
    yield where
    process.terminate()
    process.wait(5)
    process.stdout.close()


def did_of(people: Lab, name: str) -> str:
    asked = people.huddle(name, "whoami", "--json")
    assert asked.end() == 0
    did: str = json.loads(asked.foreign[0])["did"]
    return did


def test_a_locked_identity_and_an_agent_s_sign_a_session(
    people: Lab, url: str, programs: Path, agent: dict[str, str], tmp_path: Path
) -> None:
    assert people.huddle("Ada", "identity", "agent", env=agent).end() == 0
    before = did_of(people, "Bob")
    locking = people.huddle("Bob", "identity", "passphrase")
    locking.type("correct horse")
    assert locking.end() == 0, locking.story()
    kept = {name: (people.home(name) / "identity").read_text() for name in ("Ada", "Bob")}

    record = tmp_path / "record"
    host = people.host(programs / "total.py", url=url, env=agent, options=("--record", str(record)))
    link = host.wait("invitation")["url"]
    phrase = {"HUDDLE_PASSPHRASE": "correct horse"}
    options = ("--record", str(tmp_path / "bobs"))
    bob = people.join("Bob", link, programs / "total.py", env=phrase, options=options)
    cyd = people.join("Cyd", link, programs / "total.py", options=("--record", str(tmp_path / "cyds")))
    for party in (host, bob, cyd):
        assert party.end() == 0, party.story()
    dids = {one["name"]: one["did"] for one in host.wait("sealed")["parties"]}
    assert dids["Bob"] == before and dids["Ada"] == did_of(people, "Ada")
    assert {name: (people.home(name) / "identity").read_text() for name in kept} == kept
    assert people.huddle("Cyd", "verify", str(record)).end() == 0


def test_a_wrong_passphrase_begins_nothing(people: Lab, url: str, programs: Path) -> None:
    locking = people.huddle("Ada", "identity", "passphrase")
    locking.type("correct horse")
    assert locking.end() == 0
    wrong = people.host(programs / "total.py", url=url, env={"HUDDLE_PASSPHRASE": "correct house"})
    assert wrong.end() == LOCAL and not wrong.all("invitation")
    assert "is not that of your identity" in wrong.errors()
    none = people.host(programs / "total.py", url=url)
    assert none.end() == LOCAL and "Give it in HUDDLE_PASSPHRASE" in none.errors()
