"""How a guest gets its auth key: through a real rendezvous, sealed, once both are there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from huddle.errors import NetworkError
from huddle.identity.kdf import hkdf
from huddle.identity.native import NativeCrypto
from huddle.networks import pairing
from huddle.networks.base import PeerOffer
from huddle.networks.headscale import auth_keys as headscale_grants
from huddle.networks.headscale.auth_keys import AuthKeyGrant, give, take
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

CRYPTO = NativeCrypto()
GRANT = AuthKeyGrant("https://headscale.example", "hskey-auth-of-bob", "0123456789ab", "")
BOB = PeerOffer(1, "Bob", b"", bytes(32), lower=True)  # as the host sees him
ADA = PeerOffer(0, "Ada", b"", bytes(32), lower=False)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with RendezvousServer(ServerConfig()) as server:
        yield f"http://127.0.0.1:{server.port}"


async def handed(url: str, grant: AuthKeyGrant, secret: bytes = bytes(32)) -> AuthKeyGrant:
    """What the guest gets of what the host gives; it comes later than the host."""
    giving = asyncio.create_task(give(url, PeerOffer(1, "Bob", b"", secret, lower=True), CRYPTO, grant))
    try:
        async with asyncio.timeout(20):
            taken = await take(url, ADA, CRYPTO)
            await giving
            return taken
    finally:
        giving.cancel()
        await asyncio.gather(giving, return_exceptions=True)


async def test_a_guest_gets_what_the_host_gives(url: str) -> None:
    assert await handed(url, GRANT) == GRANT
    refused = AuthKeyGrant("", "", "", "the disk is full")
    assert await handed(url, refused) == refused


async def test_a_host_waits_for_a_guest_who_comes_later(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headscale_grants, "_MEET", 0.2)
    monkeypatch.setattr(headscale_grants, "_AGAIN", 0.05)
    giving = asyncio.create_task(give(url, BOB, CRYPTO, GRANT))
    await asyncio.wait({giving}, timeout=1)
    assert not giving.done()
    async with asyncio.timeout(20):
        assert await take(url, ADA, CRYPTO) == GRANT
        await giving


@pytest.mark.parametrize(
    "grant",
    [
        AuthKeyGrant("file:///etc/passwd", "k", "0123456789ab", ""),
        AuthKeyGrant("https://a --exit-node=b", "k", "0123456789ab", ""),
        AuthKeyGrant("", "k", "0123456789ab", ""),
        AuthKeyGrant("https://a.example", "k", "--ssh", ""),
    ],
)
async def test_a_host_cannot_put_options_into_a_guest_s_commands(url: str, grant: AuthKeyGrant) -> None:
    with pytest.raises(NetworkError, match="Ada"):
        await handed(url, grant)


async def test_what_another_one_sealed_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The channel's name is a secret of the pair too: let them meet, with another key.
    real = hkdf
    monkeypatch.setattr(pairing, "hkdf", lambda _, label, **n: real(bytes(32), label, **n))
    with pytest.raises(NetworkError, match="can't be meant"), suppress(TimeoutError):
        await handed(url, GRANT, secret=b"x" * 32)
