"""An ssh-agent signs for an identity: OpenSSH's own, and ones that say what they must not."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.identity.ssh_agent import Agent

CRYPTO = NativeCrypto()


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real one with an Ed25519 key "mine" and a key of another kind."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("no ssh-agent")
    path = str(tmp_path / "agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # it listens
    monkeypatch.setenv("SSH_AUTH_SOCK", path)
    for kind, comment in (("ed25519", "mine"), ("ecdsa", "other")):
        file = tmp_path / kind
        subprocess.run(["ssh-keygen", "-qN", "", "-t", kind, "-C", comment, "-f", file], check=True)
        subprocess.run(["ssh-add", "-q", file], check=True)
    yield path
    process.terminate()
    process.wait(5)
    process.stdout.close()


def test_it_signs_as_a_key_of_one_s_own_does(agent: str) -> None:
    one = Agent()
    (key,) = one.keys()
    assert key.comment == "mine"
    identity = key.identity()
    assert identity.did == key.did == Identity.of(CRYPTO, identity.key).did
    signature = CRYPTO.sign(identity.key, b"what is said")
    assert CRYPTO.verify(CRYPTO.signing_public(identity.key), signature, b"what is said")
    assert not CRYPTO.verify(key.public, signature, b"what is said otherwise")
    one.close()


def test_a_key_that_is_removed_signs_no_more(agent: str) -> None:
    one = Agent()
    (key,) = one.keys()
    subprocess.run(["ssh-add", "-qD"], check=True)
    with pytest.raises(LocalError, match="refuses") as caught:
        key.sign(b"x")
    assert "ssh-add -l" in caught.value.hint
    assert one.keys() == []
    one.close()


def test_where_there_is_none_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(LocalError, match="SSH_AUTH_SOCK is not set"):
        Agent()
    with pytest.raises(LocalError, match="does not answer"):
        Agent(str(tmp_path / "nobody"))


@pytest.fixture
def liar(tmp_path: Path) -> Iterator[Callable[[bytes], Agent]]:
    """An agent that answers everything with these bytes and hangs up."""
    threads = []
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.fspath(tmp_path / "liar"))
    listening.listen()

    def answering(answer: bytes) -> Agent:
        def serve() -> None:
            with listening.accept()[0] as sock:
                sock.recv(1000)
                sock.sendall(answer)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return Agent(os.fspath(tmp_path / "liar"))

    yield answering
    listening.close()
    for thread in threads:
        thread.join(5)


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


ONE_KEY = (1).to_bytes(4, "big") + string(string(b"ssh-ed25519") + string(b"k" * 32)) + string(b"")
WRONG = string(string(b"ssh-ed25519") + string(b"s" * 64))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        string(b"\x05"),
        string(b"\x0c"),
        string(b"\x0c" + (2).to_bytes(4, "big") + ONE_KEY[4:]),
        string(b"\x0c" + ONE_KEY)[:-3],
        string(b"\x0c\0\0\0\1" + string(b"\xff\xff\xff\xff") + string(b"")),
    ],
)
def test_what_is_no_answer_is_told(liar: Callable[[bytes], Agent], answer: bytes) -> None:
    one = liar(answer)
    with pytest.raises(LocalError, match="ssh-agent"):
        one.keys()
    one.close()


@pytest.mark.parametrize("answer", [WRONG, string(string(b"ssh-rsa") + string(b"s" * 64)), string(b"")])
def test_a_wrong_signature_is_noticed(liar: Callable[[bytes], Agent], answer: bytes) -> None:
    one = liar(string(b"\x0e" + answer))
    with pytest.raises(LocalError, match="ssh-agent"):
        one.sign(CRYPTO.signing_public(CRYPTO.signing_key()), b"x")
    one.close()
