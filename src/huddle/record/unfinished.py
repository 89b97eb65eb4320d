"""The record of a session that was cut short: what one party saw until then, signed by that party alone.

    file      = "huddle unfinished record 1\\n" ‖ encoding of UnfinishedRecord
    signature = Ed25519 over fields("huddle/1 unfinished session record", room id, U8 epoch, U8 pid of who
                signs, reason, record as encoded)

Who took part and in which program is signed by all in it, for they signed that at the sealing. How runs
ended, paths and times are that one party's word. Its first line and its signature are others than those of a
whole record (`huddle.record.signed`), so that neither can be taken for the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from huddle.ceremony.log import signed_fields
from huddle.ceremony.messages import is_line
from huddle.ceremony.sealed import Member, Sealed
from huddle.codec import U8, Fixed, Limit, encode
from huddle.identity.crypto import Crypto
from huddle.identity.keys import Identity
from huddle.record.signed import (
    MAX_FILE,
    RecordError,
    Report,
    SessionRecord,
    read_file,
    read_record,
    verify,
)

MAGIC = b"huddle unfinished record 1\n"


@dataclass(frozen=True, slots=True)
class UnfinishedRecord:
    """The record of a session as `party`, its pid, saw it, and why it was cut short."""

    record: Annotated[bytes, Limit(MAX_FILE)]
    party: U8
    reason: Annotated[str, Limit(300)]
    signature: Annotated[bytes, Fixed(64)]

    def signed(
        self, record: SessionRecord, roster: tuple[Member, ...]
    ) -> Iterator[tuple[Member, bytes, bytes]]:
        """That party's, over all of it; see `huddle.record.signed.RecordFile`."""
        if self.party >= len(roster) or not is_line(self.reason):
            raise RecordError("it says nothing that can be shown of who made it, or why")
        yield roster[self.party], self.signature, _signed(record, self.party, self.reason, self.record)


@dataclass(frozen=True, slots=True)
class UnfinishedReport:
    """What an unfinished record says that holds; `party` is the pid of who says it."""

    report: Report
    party: int
    reason: str


def write_unfinished(crypto: Crypto, identity: Identity, sealed: Sealed, record: bytes, reason: str) -> bytes:
    """The file, from a record that `huddle.record.signed.build` has made; `reason` is one line."""
    parsed, report = read_record(crypto, record)
    if report.digest != sealed.digest or parsed.room != sealed.room:
        raise RecordError("it is the record of another session")
    signature = crypto.sign(identity.key, _signed(parsed, sealed.pid, reason, record))
    data = MAGIC + encode(UnfinishedRecord(record, sealed.pid, reason, signature))
    verify_unfinished(crypto, data)
    return data


def verify_unfinished(crypto: Crypto, data: bytes) -> UnfinishedReport:
    """Check a file, with nothing but its bytes; raises RecordError where it does not hold."""
    file, report = read_file(crypto, data, MAGIC, UnfinishedRecord)
    return UnfinishedReport(report, file.party, file.reason)


def verify_either(crypto: Crypto, data: bytes) -> Report | UnfinishedReport:
    """Check a file that may be of a whole session or of one that was cut short, as the other two do."""
    return verify_unfinished(crypto, data) if is_unfinished(data) else verify(crypto, data)


def is_unfinished(data: bytes) -> bool:
    """Whether a file that begins so says of itself that it is unfinished."""
    return data.startswith(MAGIC)


def _signed(record: SessionRecord, party: int, reason: str, data: bytes) -> bytes:
    ends = (record.room, bytes([record.epoch]), bytes([party]), reason.encode(), data)
    return signed_fields("unfinished session record", *ends)
