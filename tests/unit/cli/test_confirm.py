"""What can't be undone is done after a yes to the question, and not to what was typed before it."""

import pytest

from tests.unit.cli.asked import Asked


@pytest.mark.parametrize(("answer", "deleted"), [("y", True), ("n", False), ("", False), ("yep", None)])
def test_a_yes_before_the_question_deletes_nothing(answer: str, deleted: bool | None) -> None:
    one = Asked(
        "from huddle.cli.confirm import confirm",
        "confirm('Delete this for good?')\nprint('deleted', flush=True)",
    )
    one.type("y\ny\n")
    one.ask()
    one.until("good? [y/N]: ")
    one.type(f"{answer}\n")
    if deleted is None:  # asked again
        one.until("Error: invalid input")
        one.type("n\n")
    if deleted:
        one.until("deleted")
    assert one.end() == (0 if deleted else 1)
