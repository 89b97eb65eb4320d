"""An ssh-agent that signs for an identity, which then is nowhere else: the key never comes into this process.

The agent's protocol is draft-ietf-sshm-ssh-agent; a message is a length (uint32), a kind and its fields:

    11 -> 12  the keys: count, then of each its blob and a comment
    13 -> 14  sign: blob, data, flags 0; the answer is a signature
    blob = string "ssh-ed25519" | string public key (32);  signature = string "ssh-ed25519" | string (64)

An Ed25519 signature of an agent's is over the data itself (RFC 8709), as this protocol's signatures are. Keys
of FIDO devices sign something else, and are not for this.
"""

import os
import socket
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from huddle.errors import LocalError
from huddle.identity.crypto import SigningKey
from huddle.identity.did import did_from_public
from huddle.identity.keys import Identity

_KIND = b"ssh-ed25519"
_LIST, _LISTED, _SIGN, _SIGNED = 11, 12, 13, 14
_MAX_ANSWER = 256 << 10  # what OpenSSH takes
_PATIENCE = 60.0  # seconds; an agent may ask its person for each signature


@dataclass(frozen=True, slots=True)
class AgentKey:
    """A key in the agent, where pyca/cryptography's private keys are expected: it can do what these can."""

    public: bytes
    comment: str = ""
    agent: "Agent" = field(kw_only=True, repr=False)

    @property
    def did(self) -> str:
        """The did of whoever has this key."""
        return did_from_public(self.public)

    def identity(self) -> Identity:
        """The identity for which the agent signs with it."""
        return Identity(self.did, SigningKey(self), asks=True)

    def public_key(self) -> Ed25519PublicKey:
        """The public key."""
        return Ed25519PublicKey.from_public_bytes(self.public)

    def sign(self, data: bytes) -> bytes:
        """The agent's signature, 64 bytes; LocalError where it gives none, or a wrong one."""
        return self.agent.sign(self.public, data)


class Agent:
    """A connection to the agent of SSH_AUTH_SOCK, or at `path`; raises LocalError where there is none."""

    def __init__(self, path: str | None = None) -> None:
        where = path or os.environ.get("SSH_AUTH_SOCK")
        if not where:
            raise LocalError(
                "There is no ssh-agent: SSH_AUTH_SOCK is not set.",
                hint='Start one: eval "$(ssh-agent)", then ssh-add. sudo keeps it with --preserve-env.',
            )
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_PATIENCE)
        try:
            self._socket.connect(where)
        except OSError as error:
            self._socket.close()
            raise LocalError(f"The ssh-agent at {where} does not answer: {error.strerror}.") from error

    def close(self) -> None:
        """Leave it."""
        self._socket.close()

    def keys(self) -> list[AgentKey]:
        """Its Ed25519 keys."""
        fields = _Fields(self._ask(_LIST, b"", _LISTED))
        found = []
        for _ in range(fields.number()):
            blob, comment = _Fields(fields.string()), fields.string()
            if blob.string() == _KIND and len(public := blob.string()) == 32:
                found.append(AgentKey(public, comment.decode("utf-8", "replace"), agent=self))
        return found

    def sign(self, public: bytes, data: bytes) -> bytes:
        """See `AgentKey.sign`."""
        asked = _string(_string(_KIND) + _string(public)) + _string(data) + bytes(4)
        signature = _Fields(_Fields(self._ask(_SIGN, asked, _SIGNED)).string())
        try:
            if signature.string() != _KIND:
                raise InvalidSignature
            made = signature.string()
            Ed25519PublicKey.from_public_bytes(public).verify(made, data)
        except (InvalidSignature, ValueError) as error:
            raise LocalError("The ssh-agent gave a signature that is none.") from error
        return made

    def _ask(self, kind: int, body: bytes, wanted: int) -> bytes:
        try:
            self._socket.sendall(_string(bytes([kind]) + body))
            size = int.from_bytes(self._read(4), "big")
            if not 1 <= size <= _MAX_ANSWER:
                raise OSError("it said something that is no answer")
            answer = self._read(size)
        except OSError as error:
            reason = error.strerror or str(error)
            raise LocalError(f"The ssh-agent does not answer: {reason}.", hint="Is it running?") from error
        if answer[0] != wanted:
            raise LocalError(
                "The ssh-agent refuses.",
                hint="Is it locked, did somebody say no, or was the key removed? See ssh-add -l.",
            )
        return answer[1:]

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            if not (part := self._socket.recv(size - len(data))):
                raise OSError("it has gone")
            data += part
        return bytes(data)


class _Fields:
    """The fields of a message, one after another; LocalError where they are none."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def string(self) -> bytes:
        return self._take(self.number())

    def _take(self, size: int) -> bytes:
        if size > len(self._data):
            raise LocalError("The ssh-agent said something that is no answer.")
        taken, self._data = self._data[:size], self._data[size:]
        return taken


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
