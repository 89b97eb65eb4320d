"""What a rendezvous allows, and why, and the buckets that measure rates.

An address is an IPv4 address, or an IPv6 /64, /56 and /48 at once (`quotas`). The
numbers per address leave room for twenty parties on one machine, or behind one NAT, at a time.
"""

from dataclasses import dataclass

from huddle.rendezvous.messages import MAX_RECORD, MAX_RELAYED, Refused

MIB = 1_048_576
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Every limit of a rendezvous, with its reason; times in seconds, sizes in bytes."""

    # Rooms.
    record_bytes: int = MAX_RECORD  # a ceremony's largest message, 128 KiB, its envelope, and to spare
    room_records: int = 4_096  # eight epochs of a ceremony of twenty parties, ten times over
    room_bytes: int = 64 * MIB  # a program of 1 MiB in each of eight epochs, with all messages, five times
    room_lifetime: int = 7_200  # default: long enough to gather people, and the time Huddle names
    room_lifetime_most: int = 86_400  # a server that forgets within a day has little to lose
    rooms_per_address: int = 64  # a session needs two, one for its short code
    rooms: int = 20_000  # what one small machine serves; beyond it somebody is filling it up
    address_bytes: int = 256 * MIB  # in the rooms that an address made: no one fills the store alone
    total_bytes: int = 1_024 * MIB  # what the store may hold, in memory or on disk
    room_connections: int = 128  # parties of a session, and what they left half-open
    room_strangers: int = 64  # of these, connections of clients that were not admitted: half at most
    strangers_per_address: int = 32  # of these again: twenty parties behind one address
    # Who writes into a room. Whoever has its invitation may knock; noise must leave room for the others.
    client_knocks: int = 16  # records of a client not admitted: a hello in each of eight epochs, a goodbye
    address_knocks: int = 240  # twenty such clients behind one address
    room_knocks: int = 1_024  # of all of them together: a quarter of the room
    knock_bytes: int = 4_096  # of each such record: a hello has some hundred bytes
    member_records: int = 64  # of a client that was admitted: four in each of eight epochs, twice
    member_bytes: int = 4 * MIB  # of these: offers to thirty-one peers in each of eight epochs
    # Nameplates.
    nameplate_lifetime: int = 600  # a code is read out at once; a short life makes guessing hopeless
    lookups_per_minute: int = 20  # people mistype; a machine that tries all numbers takes many hours
    # Connections and messages.
    connections_per_address: int = 1_024  # twenty parties have 190 pairs, each with two relayed links
    connections: int = 8_192  # open sockets of one process; raise it together with LimitNOFILE
    sockets_per_address: int = 1_152  # WebSockets and what is not one yet, so that the former hear why
    sockets: int = 12_288  # of one process: `connections` and `pending`
    pending_per_address: int = 512  # sockets that are no WebSocket yet: a burst of twenty parties' links
    pending: int = 4_096  # of all together: a new one ends the oldest
    tls: float = 10.0  # seconds for a TLS handshake, the slowest path's and a slow machine's
    response: float = 300.0  # seconds to take an answer to HTTP: 6 MB of page over a slow phone
    requests_per_minute: int = 2_400  # of HTTP: a page of forty files for twenty parties, three times
    opens_per_minute: int = 2_400  # all links of twenty parties dialled again, several times a minute
    messages_per_minute: int = 6_000  # a ceremony of twenty parties is some hundred messages
    bytes_per_minute: int = 1_024 * MIB  # 17 MB/s of relayed and pushed bytes; more is slowed down
    first_message: float = 10.0  # for a client to say what it wants: no idle sockets
    stall: float = 30.0  # a reader that takes nothing for so long is dropped; a pause of 20 s is not
    ping: float = 20.0  # middleboxes forget a silent connection after 30 to 60 s
    # Above `stall`: while a slow reader stalls its peer, the peer's answers are not read either.
    pong: float = 40.0
    # Relay.
    relayed_message: int = MAX_RELAYED  # what is held in memory for each side of a channel
    channels_per_address: int = 1_024  # as connections: each party has one a link
    relay_wait: float = 120.0  # for the other side to come; who waits longer dials again
    relay_idle: float = 900.0  # a link is never silent for so long while both its ends live
    # STUN and TURN.
    stun_per_address: int = 6_000  # a minute: twenty parties with 380 ends, each looked for and kept open
    stun_per_minute: int = 120_000  # of all together: some MB a second, whoever forges their addresses
    turn_lifetime: int = 3_600  # of a password: for making connections; coturn lets those made go on
    turn_per_minute: int = 120  # passwords an address: each party asks once, and again after half an hour
    sweep: float = 1.0  # how often what has expired is removed


class ClientRefused(Exception):
    """This client is refused; `answer` is what it is told."""

    def __init__(self, code: str, text: str, hint: str, retry: float = 0) -> None:
        super().__init__(code)
        self.answer = Refused(code, text, hint, int(retry + 0.999))


class Bucket:
    """So many tokens a minute, and at most that many at once; `now` in seconds of any clock."""

    def __init__(self, per_minute: float, now: float) -> None:
        self.most = per_minute
        self.level = per_minute
        self.at = now

    def take(self, amount: float, now: float) -> float:
        """Take tokens; 0, or the seconds until the debt is paid: the caller waits, or refuses."""
        self._fill(now)
        self.level -= amount
        return 0.0 if self.level >= 0 else -self.level * MINUTE / self.most

    def put_back(self, amount: float) -> None:
        """Undo a `take` that was refused."""
        self.level += amount

    def full(self, now: float) -> bool:
        """Whether forgetting this bucket changes nothing."""
        self._fill(now)
        return self.level >= self.most

    def _fill(self, now: float) -> None:
        # A wall clock may be set back; that must not take tokens away.
        self.level = min(self.most, self.level + max(0.0, now - self.at) * self.most / MINUTE)
        self.at = now
