"""How far it is from a host's yes to the guest's screen, and that the document shows it."""

import pytest

from huddle.running import account
from tests.unit.cli import yes_path

# At most; whoever needs more has a reason, and says it here: events are queued, and a session has stages, in
# modules of their own since who is lost can be replaced.
FILES, FUNCTIONS = 48, 262


@pytest.fixture(scope="module")
def steps() -> list[yes_path.Step]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "refuse_root", lambda: None)
        return yes_path.steps()


def test_a_yes_takes_no_more_files_than_it_did(steps: list[yes_path.Step]) -> None:
    assert len({file for _, file, _ in steps}) <= FILES
    assert len(steps) <= FUNCTIONS


def test_it_goes_from_the_answer_by_the_rendezvous_to_the_printed_line(steps: list[yes_path.Step]) -> None:
    names = [(whose, name) for whose, _, name in steps]
    assert names[0][0] == "host" and ("host", "Ceremony.accept") in names
    assert ("rendezvous", "Rooms._append") in names and ("guest", "View.line") in names
    assert [whose for whose, _ in names] == sorted((w for w, _ in names), key=yes_path.PARTIES.index)


def test_the_document_shows_its_files(steps: list[yes_path.Step]) -> None:
    text = yes_path.DOCUMENT.read_text()
    shown = text.split(yes_path.BEGIN)[1].split(yes_path.END)[0]
    assert {file for _, file, _ in steps} == {part for part in shown.split("`") if part.endswith(".py")}
