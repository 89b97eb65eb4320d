"""The test vectors in a browser: the code that makes them natively makes them here, by WebCrypto.

Only what that code takes from pyca/cryptography and pytest is put in their place; its own modules, and all
of Huddle, run as they are.
"""

import asyncio
import json
import sys
from types import ModuleType
from typing import Any

from huddle.browser.crypto import WebCrypto
from huddle.browser.loop import MailboxLoop
from huddle.browser.spake2_shim import install
from huddle.identity.crypto import ExchangeKey, InvalidSeal, SigningKey


def main(box: Any, functions: Any) -> str:
    """Empty, or what differs."""
    asyncio._set_running_loop(None)
    asyncio.set_event_loop(MailboxLoop(box))
    seeds: dict[bytes, bytes] = {}

    class SeededCrypto(WebCrypto):
        """WebCrypto, with the seeds that its keys were made of."""

        def __init__(self) -> None:
            super().__init__(functions)

        def signing_from_seed(self, seed: bytes) -> SigningKey:
            key = super().signing_from_seed(seed)
            seeds[self.signing_public(key)] = seed
            return key

        def signing_seed(self, key: SigningKey) -> bytes:
            return seeds[self.signing_public(key)]

    class X25519PrivateKey:
        @staticmethod
        def from_private_bytes(data: bytes) -> ExchangeKey:
            return SeededCrypto().exchange_from_seed(data)

    install()
    _put("huddle.identity.native", NativeCrypto=SeededCrypto)
    _put("cryptography.hazmat.primitives.asymmetric")
    _put("cryptography.hazmat.primitives.asymmetric.x25519", X25519PrivateKey=X25519PrivateKey)
    _put("pytest", mark=_Marks())
    problems = _primitives(SeededCrypto())

    from tests.unit.ceremony.vectors import FILE, text
    from tests.unit.identity.test_vectors import DIRECTORY, FILES
    from tests.unit.identity.test_vectors import _text as text_of

    for name, make in FILES.items():
        if text_of(make()) != (DIRECTORY / name).read_text():
            problems.append(name)
    if text() != FILE.read_text():
        problems.append(FILE.name)
    problems += _links(SeededCrypto(), json.loads((DIRECTORY / "links.json").read_text()))
    return ", ".join(problems)


def _primitives(crypto: WebCrypto) -> list[str]:
    """What `huddle.identity.crypto` promises beyond the vectors."""
    mine, theirs = crypto.exchange_key(), crypto.exchange_key()
    key, nonce = crypto.random(32), crypto.random(12)
    sealed = crypto.seal(key, nonce, b"text", b"with")
    signing = crypto.signing_key()
    public, signature = crypto.signing_public(signing), crypto.sign(signing, b"text")
    checks = {
        "exchange": crypto.exchange(mine, crypto.exchange_public(theirs))
        == crypto.exchange(theirs, crypto.exchange_public(mine)),
        "exchange with a key of small order": _raises(ValueError, lambda: crypto.exchange(mine, bytes(32))),
        "open": crypto.open(key, nonce, sealed, b"with") == b"text",
        "open what was changed": _raises(
            InvalidSeal, lambda: crypto.open(key, nonce, sealed[:-1] + b"x", b"with")
        ),
        "open what is too short": _raises(InvalidSeal, lambda: crypto.open(key, nonce, b"short", b"")),
        "a short key": _raises(ValueError, lambda: crypto.seal(key[:16], nonce, b"", b"")),
        "a long nonce": _raises(ValueError, lambda: crypto.seal(key, nonce + b"x", b"", b"")),
        "verify": crypto.verify(public, signature, b"text"),
        "verify another text": not crypto.verify(public, signature, b"another"),
        "verify by no key": not crypto.verify(b"short", signature, b"text"),
        "verify no signature": not crypto.verify(public, b"short", b"text"),
    }
    return [name for name, good in checks.items() if not good]


def _links(crypto: WebCrypto, vectors: dict[str, Any]) -> list[str]:
    from huddle.links.proof import RecordKeys
    from huddle.links.record_layer import RecordWire

    problems = []
    for number, proof in enumerate(vectors["proofs"]):
        key, records = bytes.fromhex(proof["record_key_of_initiator"]), proof["records_of_initiator"]
        wire = _Sent()
        record = RecordWire(wire, RecordKeys(key, key), crypto)  # type: ignore[arg-type]
        for plain in records["plain"]:
            record.send(bytes.fromhex(plain))
        if wire.data.hex() != records["wire"]:
            problems.append(f"the records of proof {number}")
    return problems


class _Sent:
    """A wire that keeps what is sent."""

    def __init__(self) -> None:
        self.data = b""

    def send(self, data: bytes) -> None:
        self.data += data


class _Marks:
    def parametrize(self, *_: Any) -> Any:
        return lambda test: test


def _raises(kind: type[Exception], call: Any) -> bool:
    try:
        call()
    except kind:
        return True
    return False


def _put(name: str, **contents: Any) -> None:
    module = ModuleType(name)
    module.__dict__.update(contents)
    module.__path__ = []
    sys.modules[name] = module
