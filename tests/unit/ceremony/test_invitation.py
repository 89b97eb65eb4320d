"""Invitation links: what is in them, what chats do to them, and which error tells what is wrong."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.ceremony.invitation import URL_LENGTH, Invitation, rendezvous_url
from huddle.errors import LocalError
from huddle.identity.kdf import hash_fields
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto

CRYPTO = NativeCrypto()
HOST = Identity.from_seed(CRYPTO, bytes(32)).did
LINK = Invitation("https://huddle.example.org", bytes(range(16)), bytes(range(16, 32)))
FRAGMENT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"


def link_of(version: int, body: bytes, rendezvous: str = LINK.rendezvous) -> str:
    """A link with a right check, as another version of Huddle would make it."""
    data = bytes([version]) + body
    check = hash_fields(b"huddle/1 link", rendezvous.encode(), data)[:3]
    return f"{rendezvous}/j#" + urlsafe_b64encode(data + check).decode().rstrip("=")


def test_a_link_leads_back_to_its_invitation() -> None:
    invitation = Invitation.fresh(CRYPTO, "https://Huddle.example.org:443/", HOST)
    assert invitation.rendezvous == "https://huddle.example.org"
    assert Invitation.parse(invitation.url) == invitation
    assert invitation.is_host(HOST)
    assert not invitation.is_host(Identity.fresh(CRYPTO).did)


def test_all_that_is_secret_stands_in_the_fragment() -> None:
    before, _, fragment = LINK.url.partition("#")
    assert before == "https://huddle.example.org/j"
    assert len(fragment) == 48
    assert LINK.secret.hex() not in repr(LINK)
    assert repr(LINK.secret) not in repr(LINK)


def test_two_invitations_have_nothing_in_common_but_host_and_rendezvous() -> None:
    one, two = (Invitation.fresh(CRYPTO, LINK.rendezvous, HOST) for _ in range(2))
    assert one.host == two.host
    assert len({one.room_id, two.room_id}) == len({one.room_key, two.room_key}) == 2
    assert one.room_id not in one.room_key.hex()


def test_the_room_id_is_32_hexadecimal_digits() -> None:
    assert len(LINK.room_id) == 32
    assert bytes.fromhex(LINK.room_id)


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param(f"  {LINK.url}\n", id="white space around"),
        pytest.param(
            f"{LINK.url[:40]}\r\n{LINK.url[40:60]}\n  {LINK.url[60:]}", id="broken by a mail program"
        ),
        pytest.param(f"{LINK.url[:30]}\u200b{LINK.url[30:]}", id="zero-width space"),
        pytest.param(f"{LINK.url[:50]}\u00ad{LINK.url[50:]}", id="soft hyphen"),
        pytest.param(f"<{LINK.url}>", id="angle brackets"),
        pytest.param(f"“{LINK.url}”.", id="quotation marks and a full stop"),
        pytest.param(f"Join me: {LINK.url}", id="words before"),
        pytest.param(LINK.url.replace("#", "%23"), id="encoded number sign"),
        pytest.param(LINK.url.replace("https://h", "HTTPS://H"), id="capitals"),
        pytest.param(LINK.url.replace("/j#", "/j/#"), id="slash added"),
    ],
)
def test_what_chats_do_to_a_link_is_undone(pasted: str) -> None:
    assert Invitation.parse(pasted) == LINK


@given(st.integers(0, len(LINK.url) - 1), st.sampled_from(FRAGMENT))
def test_every_wrong_letter_is_noticed(at: int, letter: str) -> None:
    mistyped = LINK.url[:at] + letter + LINK.url[at + 1 :]
    before, mark, fragment = mistyped.partition("#")
    if before.lower() + mark + fragment == LINK.url:
        return
    with pytest.raises(LocalError):
        Invitation.parse(mistyped)


@given(st.integers(1, 47))
def test_a_link_that_was_cut_off_is_noticed(missing: int) -> None:
    with pytest.raises(LocalError, match="typing error or is cut off"):
        Invitation.parse(LINK.url[:-missing])


def test_swapped_letters_are_noticed() -> None:
    url = LINK.url
    for at in range(url.index("#") + 1, len(url) - 1):
        if url[at] != url[at + 1]:
            with pytest.raises(LocalError, match="typing error"):
                Invitation.parse(url[:at] + url[at + 1] + url[at] + url[at + 2 :])


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "not an invitation", "https://"),
        ("4821-apple-river", "not an invitation", "https://"),
        ("https://huddle.example.org/j", "lacks what stands after the #", "short code"),
        ("https://huddle.example.org/j#", "lacks what stands after the #", "short code"),
        (LINK.url.replace("/j#", "/x#"), "not an invitation", "/j#"),
        (LINK.url.replace("https", "ftp"), "not an invitation", "https://"),
        (link_of(3, bytes(40)), "newer Huddle", "Update"),
        (link_of(3, b""), "newer Huddle", "Update"),
        (link_of(0, bytes(32)), "not one that Huddle makes", "again"),
        (link_of(1, bytes(31)), "not one that Huddle makes", "again"),
        (LINK.url.replace("example.org", "example.com"), "typing error", "again"),
        (LINK.url + "x" * URL_LENGTH, "far too long", "again"),
        (LINK.url + "=", "typing error", "again"),
        ("https://user@huddle.example.org/j#AAAA", "not the address of a rendezvous", "https://"),
    ],
)
def test_each_mistake_has_its_error_and_a_hint(text: str, message: str, hint: str) -> None:
    with pytest.raises(LocalError, match=message) as caught:
        Invitation.parse(text)
    assert caught.value.whose == "local"
    assert hint in caught.value.hint


@given(st.text(max_size=120) | st.text(FRAGMENT, max_size=90).map("https://a.example/j#".__add__))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        invitation = Invitation.parse(text)
    except LocalError:
        return
    assert Invitation.parse(invitation.url) == invitation


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("https://Huddle.Example.ORG", "https://huddle.example.org"),
        ("https://huddle.example.org/", "https://huddle.example.org"),
        ("https://huddle.example.org:443", "https://huddle.example.org"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://huddle.example.org:80", "https://huddle.example.org:80"),
        ("https://example.org/some/where/", "https://example.org/some/where"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_rendezvous_has_one_spelling(written: str, spelled: str) -> None:
    assert rendezvous_url(written) == spelled == rendezvous_url(spelled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "huddle.example.org",
        "ws://huddle.example.org",
        "https://",
        "https:///path",
        "https://a b.example",
        "https://a..example",
        "https://-a.example",
        "https://user@a.example",
        "https://a.example?q",
        "https://a.example/?",
        "https://a.example/#x",
        "https://a.example:0",
        "https://a.example:99999",
        "https://a.example:port",
        "https://a.example/../b",
        "https://a.example//b",
        "https://a.example/%2e",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 200 + "example",
        "https://münchen.example",
    ],
)
def test_what_is_no_address_of_a_rendezvous_is_refused(text: str) -> None:
    with pytest.raises(LocalError, match="not the address of a rendezvous"):
        rendezvous_url(text)


@given(st.text(max_size=60) | st.text("ahtps:/.[]@%?#\\ \t\n1", max_size=20).map("https://a".__add__))
def test_an_address_that_is_taken_is_spelled_the_same_again(text: str) -> None:
    try:
        spelled = rendezvous_url(text)
    except LocalError:
        return
    assert rendezvous_url(spelled) == spelled
    assert spelled.isascii()
    assert spelled.isprintable()
    assert " " not in spelled


@pytest.mark.parametrize(
    ("rendezvous", "secret", "host"),
    [
        ("https://a.example", bytes(15), bytes(16)),
        ("https://a.example", bytes(16), bytes(17)),
        ("https://a.example/", bytes(16), bytes(16)),
    ],
)
def test_no_invitation_can_be_made_that_would_not_be_read(
    rendezvous: str, secret: bytes, host: bytes
) -> None:
    with pytest.raises(ValueError, match="an invitation has"):
        Invitation(rendezvous, secret, host)
