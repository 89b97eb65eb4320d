"""The verdict on a record: by the tables, by the epoch it is of, and by whether it means anything."""

import pytest

from huddle.ceremony.gate import Gate, MessageFault
from huddle.ceremony.log import Envelope, LogEntry
from huddle.ceremony.messages import Bye, Message, Reveal
from huddle.ceremony.states import CeremonyState, Handling, SenderRole

REVEAL = Reveal(bytes(32), bytes(32), bytes(32))


def entry(message: Message | None, epoch: int = 1) -> LogEntry:
    kind = message.kind if message else 1
    return LogEntry(Envelope(kind, epoch, "did", 0, 0, bytes(32), b"", bytes(64)), message, "no message")


def test_a_message_of_an_earlier_epoch_is_ignored_and_one_of_a_later_a_fault() -> None:
    gate = Gate()
    gate.enter(CeremonyState.REVEALING)
    assert gate.judge(entry(REVEAL), 2, SenderRole.MEMBER)[0] is Handling.IGNORE
    assert gate.judge(entry(REVEAL), 1, SenderRole.MEMBER)[0] is Handling.TAKE
    with pytest.raises(MessageFault, match="epoch 3 before the host"):
        gate.judge(entry(REVEAL, 3), 2, SenderRole.MEMBER)


def test_a_goodbye_is_of_no_epoch() -> None:
    assert Gate().judge(entry(Bye("x"), 9), 1, SenderRole.MEMBER)[0] is Handling.TAKE


def test_what_the_tables_do_not_allow_is_a_fault_of_members_and_noticed_from_strangers() -> None:
    gate = Gate()
    with pytest.raises(MessageFault, match="while gathering, where none belongs"):
        gate.judge(entry(REVEAL), 1, SenderRole.MEMBER)
    assert gate.judge(entry(REVEAL), 1, SenderRole.STRANGER)[0] is Handling.NOTICE


def test_what_means_nothing_is_a_fault() -> None:
    with pytest.raises(MessageFault, match="means nothing: no message"):
        Gate().judge(entry(None), 1, SenderRole.MEMBER)


def test_no_way_leads_past_the_tables() -> None:
    gate = Gate()
    with pytest.raises(RuntimeError, match="no way from gathering to sealed"):
        gate.enter(CeremonyState.SEALED)
    gate.enter(CeremonyState.ENDED)
    assert gate.ended
