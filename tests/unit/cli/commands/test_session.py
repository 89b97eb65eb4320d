"""The options of `huddle host` and `join`: what the command line refuses before anything begins."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from huddle.cli.commands.session import host_command, join_command
from huddle.cli.home import Home

LINK = "https://huddle.example.org/j#AA"


@pytest.mark.parametrize(
    "options", [("--grace", "-5"), ("--grace", "0"), ("--stall", "0"), ("--max-queue", "-1")]
)
def test_limits_that_no_session_could_meet(options: tuple[str, ...]) -> None:
    result = CliRunner().invoke(join_command, [*options, LINK])
    assert result.exit_code == 2 and options[0] in result.stderr
    assert not Home().has_identity()


@pytest.mark.parametrize("parties", ["1", "33"])
def test_a_number_of_parties_that_no_session_can_have(parties: str, tmp_path: Path) -> None:
    program = tmp_path / "prog.py"
    program.write_text("pass\n")
    result = CliRunner().invoke(host_command, ["--parties", parties, str(program)])
    assert result.exit_code == 2 and "--parties" in result.stderr


@pytest.mark.parametrize(
    ("record", "code", "said"),
    [("missing/it.record", 3, "Choose another --record."), (".", 2, "is a directory")],
)
def test_a_record_that_has_no_place_is_said_at_the_start(
    record: str, code: int, said: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(join_command, ["--record", str(tmp_path / record), LINK])
    assert result.exit_code == code and said in result.stderr
    assert not Home().has_identity()


def test_two_private_files_of_one_name(tmp_path: Path) -> None:
    files = [tmp_path / folder / "salaries.csv" for folder in ("here", "there")]
    for file in files:
        file.parent.mkdir()
        file.write_text("1\n")
    inputs = [word for file in files for word in ("--input", str(file))]
    result = CliRunner().invoke(join_command, [*inputs, LINK])
    assert result.exit_code == 3 and "the same name" in result.stderr
