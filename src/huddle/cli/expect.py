"""The list of `--expect`, as a file of the person's."""

from pathlib import Path

from huddle.errors import LocalError
from huddle.groups.expected import ExpectedPeople

_MOST = 1 << 20  # bytes: far more than the longest list


def read_expected(path: Path) -> ExpectedPeople:
    """The list in a file; LocalError says what is wrong with it."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"The list {path} can't be read: {error}.", hint="Save it as UTF-8.") from error
    return ExpectedPeople.read(text)
