"""What a program asks as for a password: natively, with real processes."""

from pathlib import Path

from huddle.running.spec import RunnerExit
from tests.unit.running.support import lay

WELL = RunnerExit(0)


async def test_a_password_is_asked_for_as_a_line_that_is_not_shown(tmp_path: Path) -> None:
    source = "import getpass\nprint(len(getpass.getpass('Your PIN: ')), len(input('Your name: ')))"
    table = await lay(tmp_path, source, lines=("1234", "Al"), parties=1)
    assert await table.finish() == [WELL]
    screen = table.screens[0]
    assert screen.out == "Your PIN: Your name: 4 2\n"
    assert screen.err == ""
    assert [hidden for hidden, waiting in zip(screen.hidden, screen.inputs, strict=True) if waiting] == [
        True,
        False,
    ]
