"""Short codes tried in memory: the host, guests and strangers on one append-only log."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huddle.ceremony.invitation import Invitation
from huddle.errors import HuddleError, LocalError, PeerError, RendezvousError
from huddle.identity.native import NativeCrypto
from huddle.shortcode.code import Code
from huddle.shortcode.machine import (
    LIFETIME,
    PATIENCE,
    REFUSAL_LIMIT,
    TRIES,
    WAITING_LIMIT,
    CodeGuest,
    CodeHost,
)
from huddle.shortcode.pake import (
    VERSION,
    Answer,
    Confirm,
    Exchange,
    Grant,
    Message,
    Reason,
    Refusal,
    Share,
    Wait,
    pack,
    unpack,
)

CRYPTO = NativeCrypto()
CODE = Code("4821", ("apple", "river"))
WRONG = Code("4821", ("apple", "zoo"))
INVITATION = Invitation("https://huddle.example.org", bytes(range(16)), bytes(16))


class Room:
    """The nameplate's room: all that is appended reaches the host and every guest, in order."""

    def __init__(self, guests: int = 1) -> None:
        self.now = 1000.0
        self.host = CodeHost(CRYPTO, CODE, INVITATION, guests, self.now)
        self.guests: list[CodeGuest] = []
        self.errors: dict[int, HuddleError] = {}
        self.log: list[bytes] = []

    def append(self, *messages: bytes) -> None:
        todo = list(messages)
        while todo:
            data = todo.pop(0)
            self.log.append(data)
            todo += self.host.receive(data, self.now)
            for number, guest in enumerate(self.guests):
                try:
                    todo += guest.receive(data, self.now)
                except HuddleError as error:
                    self.errors[number] = error
            assert len(self.log) < 2000

    def join(self, code: Code = CODE) -> CodeGuest:
        guest = CodeGuest(CRYPTO, code, self.now)
        self.guests.append(guest)
        self.append(guest.start())
        return guest

    def told(self) -> list[str]:
        return [event.what for event in self.host.take_events()]

    def sent(self, kind: type[Message]) -> list[Message]:
        return [message for data in self.log if isinstance(message := unpack(data), kind)]


def stranger(code: Code = WRONG) -> tuple[bytes, Share]:
    """A share by somebody who speaks the protocol, with its try id."""
    try_id = CRYPTO.random(16)
    return try_id, Share(try_id, Exchange(CRYPTO, code, try_id, guest=True).share)


def only(replies: list[bytes]) -> Message | None:
    assert len(replies) == 1
    return unpack(replies[0])


def test_the_right_code_gives_the_invitation() -> None:
    room = Room()
    guest = room.join()
    assert guest.invitation == INVITATION
    assert guest.state == "done"
    assert room.host.state == "complete"
    assert room.told() == ["entered", "over"]


def test_the_room_shows_neither_words_nor_invitation() -> None:
    room = Room()
    room.join()
    written = b"".join(room.log)
    for secret in (b"apple", b"river", INVITATION.secret, INVITATION.url.encode(), b"huddle.example"):
        assert secret not in written


def test_a_wrong_code_is_told_to_both_and_costs_one_try() -> None:
    room = Room()
    guest = room.join(WRONG)
    assert guest.invitation is None
    assert isinstance(room.errors[0], LocalError)
    assert "wrong" in room.errors[0].message
    assert room.host.tries_left == TRIES - 1
    [event] = room.host.take_events()
    assert "2 of 3 tries left" in event.text
    assert room.join().invitation == INVITATION


def test_three_wrong_codes_use_it_up_even_for_the_right_one() -> None:
    room = Room()
    for _ in range(TRIES):
        room.join(WRONG)
    assert room.host.state == "used up"
    guest = room.join()
    assert guest.invitation is None
    assert "used up" in room.errors[3].message
    assert room.told() == ["wrong", "wrong", "wrong", "over"]


def test_right_codes_give_their_tries_back() -> None:
    room = Room(guests=5)
    guests = [room.join() for _ in range(5)]
    assert [guest.invitation for guest in guests] == [INVITATION] * 5
    assert room.host.state == "complete"
    room.join()
    assert "come in already" in room.errors[5].message


def test_a_guesser_sees_three_shares_of_the_host_and_not_one_more() -> None:
    room = Room(guests=5)
    for _ in range(20):
        _, share = stranger()
        room.append(pack(share))
    assert len(room.sent(Answer)) == TRIES
    room.now += PATIENCE
    room.append(*room.host.tick(room.now))
    assert room.host.state == "used up"
    assert len(room.sent(Answer)) == TRIES
    refused = [one.reason for one in room.sent(Refusal) if isinstance(one, Refusal)]
    assert refused == [Reason.USED_UP] * 20


def test_guests_that_come_at_once_wait_for_a_try_and_all_come_in() -> None:
    room = Room(guests=6)
    room.guests = [CodeGuest(CRYPTO, CODE, room.now) for _ in range(6)]
    room.append(*[guest.start() for guest in room.guests])
    assert [guest.invitation for guest in room.guests] == [INVITATION] * 6
    assert len(room.sent(Wait)) == 3


def test_a_guest_that_waits_has_the_code_s_lifetime_to_do_so() -> None:
    room = Room(guests=6)
    for _ in range(TRIES):
        room.append(pack(stranger()[1]))
    guest = room.join()
    assert guest.deadline == room.now + LIFETIME
    guest.tick(room.now + PATIENCE)


def test_more_than_so_many_do_not_wait() -> None:
    host = CodeHost(CRYPTO, CODE, INVITATION, 100, 0)
    for _ in range(TRIES):
        host.receive(pack(stranger()[1]), 0)
    for number in range(WAITING_LIMIT):
        assert isinstance(only(host.receive(pack(Share(bytes([number]) * 16, bytes(33))), 0)), Wait)
    over = only(host.receive(pack(Share(b"\xff" * 16, bytes(33))), 0))
    assert over == Refusal(b"\xff" * 16, Reason.USED_UP)


def test_after_ten_minutes_it_has_expired() -> None:
    room = Room()
    assert room.host.next_tick() == room.host.expires
    room.now += LIFETIME
    room.join()
    assert room.host.state == "expired"
    assert "expired" in room.errors[0].message
    assert room.host.next_tick() is None


def test_those_who_wait_are_told_that_it_expired() -> None:
    host = CodeHost(CRYPTO, CODE, INVITATION, 2, 0)
    try_id, share = stranger()
    host.receive(pack(share), LIFETIME - 1)
    assert only(host.tick(LIFETIME)) == Refusal(try_id, Reason.EXPIRED)


def test_the_host_is_woken_when_the_last_open_try_has_run_out() -> None:
    host = CodeHost(CRYPTO, CODE, INVITATION, 2, 0)
    for late in range(TRIES):
        assert host.next_tick() == LIFETIME
        host.receive(pack(stranger()[1]), late)
    assert host.next_tick() == PATIENCE + TRIES - 1
    assert host.tick(PATIENCE + 1) == []
    assert len(host.tick(PATIENCE + TRIES - 1)) == TRIES
    assert host.next_tick() is None


def test_wrong_tries_and_unanswered_ones_together_use_it_up() -> None:
    room = Room(guests=2)
    room.join(WRONG)
    room.join(WRONG)
    room.append(pack(stranger()[1]))
    waiting = room.join()
    assert room.host.next_tick() == room.now + PATIENCE
    room.now += PATIENCE
    room.append(*room.host.tick(room.now))
    assert room.host.state == "used up"
    assert waiting.state == "failed"


def test_a_confirmation_that_is_replayed_gives_nothing_a_second_time() -> None:
    room = Room(guests=3)
    room.join()
    [confirm] = room.sent(Confirm)
    room.told()
    before = repr(room.host)
    assert room.host.receive(pack(confirm), room.now) == []
    assert repr(room.host) == before
    assert room.told() == ["odd"]


def test_a_confirmation_does_not_serve_another_try() -> None:
    room = Room(guests=3)
    room.join()
    [confirm] = room.sent(Confirm)
    assert isinstance(confirm, Confirm)
    try_id, share = stranger(CODE)
    room.append(pack(share), pack(replace(confirm, try_id=try_id)))
    assert room.sent(Refusal) == [Refusal(try_id, Reason.WRONG)]


def test_a_whole_room_that_is_replayed_spends_nothing() -> None:
    room = Room(guests=3)
    room.join()
    before = repr(room.host)
    assert [reply for data in room.log for reply in room.host.receive(data, room.now)] == []
    assert repr(room.host) == before


def test_a_share_that_is_reflected_is_noticed() -> None:
    for side in (b"A", b"B"):
        guest = CodeGuest(CRYPTO, CODE, 0)
        share = unpack(guest.start())
        assert isinstance(share, Share)
        with pytest.raises(RendezvousError, match="sent back what it was sent") as caught:
            guest.receive(pack(Answer(share.try_id, side + share.share[1:])), 0)
        assert "link" in caught.value.hint
        assert guest.state == "failed"


@pytest.mark.parametrize(
    "share",
    [
        pytest.param(b"A" + bytes(32), id="small order"),
        pytest.param(b"A\1" + bytes(31), id="the neutral element"),
        pytest.param(b"A" + b"\xff" * 32, id="no point"),
        pytest.param(b"B" + CRYPTO.signing_public(CRYPTO.signing_key()), id="the other side's"),
        pytest.param(bytes(33), id="nobody's"),
    ],
)
def test_a_share_that_is_none_is_refused_and_spends_no_try(share: bytes) -> None:
    host = CodeHost(CRYPTO, CODE, INVITATION, 1, 0)
    assert only(host.receive(pack(Share(bytes(16), share)), 0)) == Refusal(bytes(16), Reason.GARBLED)
    assert host.tries_left == TRIES


def test_a_host_that_was_restarted_is_told_as_such() -> None:
    room = Room()
    guest = CodeGuest(CRYPTO, CODE, room.now)
    [answer] = room.host.receive(guest.start(), room.now)
    [confirm] = guest.receive(answer, room.now)
    restarted = CodeHost(CRYPTO, CODE, INVITATION, 1, room.now)
    [refusal] = restarted.receive(confirm, room.now)
    with pytest.raises(PeerError, match="restarted"):
        guest.receive(refusal, room.now)


def test_a_second_answer_is_noticed_and_a_repeated_one_is_not_minded() -> None:
    room = Room()
    guest = CodeGuest(CRYPTO, CODE, room.now)
    [answer] = room.host.receive(guest.start(), room.now)
    assert len(guest.receive(answer, room.now)) == 1
    assert guest.receive(answer, room.now) == []
    [other] = CodeHost(CRYPTO, CODE, INVITATION, 1, room.now).receive(guest.start(), room.now)
    with pytest.raises(PeerError, match="answered twice"):
        guest.receive(other, room.now)


def test_a_stranger_who_answers_in_the_host_s_place_is_noticed() -> None:
    guest = CodeGuest(CRYPTO, CODE, 0)
    share = unpack(guest.start())
    assert isinstance(share, Share)
    exchange = Exchange(CRYPTO, WRONG, share.try_id, guest=False)
    keys = exchange.keys(share.share)
    guest.receive(pack(Answer(share.try_id, exchange.share)), 0)
    sealed = keys.seal(CRYPTO, INVITATION.url)
    with pytest.raises(RendezvousError, match="does not have the code"):
        guest.receive(pack(Grant(share.try_id, keys.host_mac(sealed), sealed)), 0)
    assert guest.invitation is None


def test_a_grant_before_any_answer_is_noticed() -> None:
    guest = CodeGuest(CRYPTO, CODE, 0)
    share = unpack(guest.start())
    assert isinstance(share, Share)
    with pytest.raises(RendezvousError):
        guest.receive(pack(Grant(share.try_id, bytes(32), b"")), 0)


def test_a_changed_grant_gives_no_invitation() -> None:
    room = Room()
    guest = CodeGuest(CRYPTO, CODE, room.now)
    [answer] = room.host.receive(guest.start(), room.now)
    [confirm] = guest.receive(answer, room.now)
    grant = unpack(room.host.receive(confirm, room.now)[0])
    assert isinstance(grant, Grant)
    with pytest.raises(RendezvousError):
        guest.receive(pack(replace(grant, sealed=grant.sealed[:-1] + b"\0")), room.now)
    assert guest.invitation is None


def test_an_invitation_of_a_newer_huddle_is_the_host_s_and_not_garbage() -> None:
    guest = CodeGuest(CRYPTO, CODE, 0)
    share = unpack(guest.start())
    assert isinstance(share, Share)
    exchange = Exchange(CRYPTO, CODE, share.try_id, guest=False)
    keys = exchange.keys(share.share)
    guest.receive(pack(Answer(share.try_id, exchange.share)), 0)
    sealed = keys.seal(CRYPTO, "huddle-2:something-else")
    with pytest.raises(PeerError, match="no invitation") as caught:
        guest.receive(pack(Grant(share.try_id, keys.host_mac(sealed), sealed)), 0)
    assert "version" in caught.value.hint


def test_a_guest_of_another_version_is_told() -> None:
    host = CodeHost(CRYPTO, CODE, INVITATION, 1, 0)
    newer = bytes([VERSION + 1]) + pack(stranger()[1])[1:] + b"more"
    assert only(host.receive(newer, 0)) == Refusal(newer[2:18], Reason.VERSION)
    assert host.tries_left == TRIES


def test_a_code_of_another_number_is_wrong() -> None:
    room = Room()
    room.join(Code("4822", CODE.words))
    assert "wrong" in room.errors[0].message


@pytest.mark.parametrize("answered", [False, True])
def test_a_host_that_says_nothing_is_not_waited_for_for_ever(answered: bool) -> None:
    guest = CodeGuest(CRYPTO, CODE, 0)
    if answered:
        [answer] = CodeHost(CRYPTO, CODE, INVITATION, 1, 0).receive(guest.start(), 0)
        guest.receive(answer, 5)
    guest.tick(guest.deadline - 1)
    with pytest.raises(PeerError, match="stopped answering" if answered else "nobody answers"):
        guest.tick(guest.deadline)
    guest.tick(guest.deadline + 1)


def test_a_code_that_the_host_closes_is_closed() -> None:
    room = Room()
    room.append(*room.host.close())
    room.join()
    assert "closed" in room.errors[0].message
    assert room.host.close() == []


def test_a_flood_ends_the_code_and_is_answered_boundedly() -> None:
    host = CodeHost(CRYPTO, CODE, INVITATION, 1, 0)
    replies = 0
    for number in range(2 * REFUSAL_LIMIT):
        replies += len(host.receive(pack(Confirm(number.to_bytes(16, "big"), bytes(32))), 0))
    assert replies == REFUSAL_LIMIT
    assert host.state == "disturbed"


def test_a_refusal_for_no_known_reason_still_ends_in_an_error() -> None:
    guest = CodeGuest(CRYPTO, CODE, 0)
    share = unpack(guest.start())
    assert isinstance(share, Share)
    with pytest.raises(PeerError, match="refused"):
        guest.receive(pack(Refusal(share.try_id, 200)), 0)


@given(
    st.binary(max_size=80)
    | st.binary(max_size=60).map(b"\1\1".__add__)
    | st.binary(max_size=60).map(b"\1\3".__add__)
)
@settings(max_examples=60)
def test_garbage_changes_nothing(data: bytes) -> None:
    room = Room()
    room.host.receive(data, room.now)
    guest = CodeGuest(CRYPTO, CODE, room.now)
    assert guest.receive(data, room.now) == []
    assert guest.state == "sharing"


@pytest.mark.parametrize("seed", range(12))
def test_mutated_messages_let_nobody_in_and_crash_nothing(seed: int) -> None:
    chance = random.Random(seed)
    room = Room(guests=3)
    guest = CodeGuest(CRYPTO, CODE, room.now)
    todo = [guest.start()]
    for _ in range(8):
        if not todo:
            break
        data = bytearray(todo.pop(0))
        if chance.random() < 0.5:
            data[chance.randrange(2, len(data))] ^= 1 << chance.randrange(8)
        try:
            todo += room.host.receive(bytes(data), room.now) + guest.receive(bytes(data), room.now)
        except HuddleError:
            break
    assert guest.invitation in (None, INVITATION)


def test_a_guest_who_leaves_gives_the_code_s_seat_free_and_no_spent_try_back() -> None:
    room = Room(guests=1)
    room.join(WRONG)
    assert room.join().invitation is not None
    late = room.join()
    assert late.invitation is None and "come in already" in room.errors[2].message
    room.host.give_back(room.now)
    assert room.host.tries_left == TRIES - 1
    assert room.join().invitation is not None and room.host.state == "complete"


def test_an_expired_or_used_up_code_does_not_come_back() -> None:
    room = Room(guests=1)
    room.join()
    room.host.give_back(room.host.expires)
    assert room.host.state == "complete"
    spent = Room(guests=2)
    for _ in range(TRIES):
        spent.join(WRONG)
    spent.host.give_back(spent.now)
    assert spent.host.state == "used up"
