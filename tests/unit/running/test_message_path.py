"""How many calls and files a message's way has, and that the document shows them."""

from pathlib import Path

import pytest

from tests.unit.running import message_path

CALLS, FILES = 17, 7  # at most: whoever needs more has a reason, and says it here


@pytest.fixture(scope="module")
def calls() -> list[message_path.Call]:
    return message_path.calls()


def test_a_message_takes_no_more_calls_and_files_than_it_did(calls: list[message_path.Call]) -> None:
    assert len(calls) <= CALLS, calls
    assert len({file for file, _ in calls}) <= FILES, calls


def test_it_begins_and_ends_in_the_runners_and_passes_two_supervisors(calls: list[message_path.Call]) -> None:
    assert calls[0] == ("running/runner/mux.py", "PeerStream.write")
    assert calls[-1] == ("running/runner/loop.py", "PeerChannel.receive")
    assert [file for file, _ in calls].count("links/frames.py") == 2  # each supervisor looks at every frame
    assert all((Path(message_path.ROOT) / file).is_file() for file, _ in calls)


def test_the_document_shows_the_way_as_it_is(calls: list[message_path.Call]) -> None:
    document = message_path.DOCUMENT.read_text()
    assert message_path.with_table(document, calls) == document
