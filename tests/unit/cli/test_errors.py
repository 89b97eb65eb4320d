"""How an error leaves the command line: whose it is by the exit code, on the right stream, and harmless."""

import json

import click
import pytest
from click.testing import CliRunner

from huddle.cli.errors import EXIT_CODES, INTERRUPTED, complaints
from huddle.errors import HuddleError, LocalError, NetworkError, PeerError, ProgramError, RendezvousError

ERRORS = [
    LocalError("l", hint="h"),
    ProgramError("p"),
    PeerError("q", peer="Bob"),
    RendezvousError("r"),
    NetworkError("n"),
]


def command(error: BaseException) -> click.Command:
    @click.command()
    @click.option("--json", "json_", is_flag=True)
    @complaints
    def fails(json_: bool) -> None:
        raise error

    return fails


def test_every_owner_of_an_error_has_a_code_of_its_own() -> None:
    assert {error.whose for error in ERRORS} == set(EXIT_CODES)
    codes = [*EXIT_CODES.values(), INTERRUPTED]
    assert len(set(codes)) == len(codes) and not set(codes) & {0, 1, 2}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.whose)
def test_people_read_it_on_standard_error(error: HuddleError) -> None:
    result = CliRunner().invoke(command(error))
    assert result.exit_code == EXIT_CODES[error.whose]
    assert error.message in result.stderr and error.hint in result.stderr and not result.stdout
    assert "Bob" in result.stderr or error.whose != "peer"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.whose)
def test_scripts_read_an_event_on_standard_output(error: HuddleError) -> None:
    result = CliRunner().invoke(command(error), ["--json"])
    assert result.exit_code == EXIT_CODES[error.whose] and not result.stderr
    event = json.loads(result.stdout)
    assert (event["event"], event["whose"], event["message"]) == ("error", error.whose, error.message)


def test_what_another_party_wrote_cannot_paint() -> None:
    result = CliRunner().invoke(command(PeerError("\x1b[2Jgone", peer="Bo\x1bb", hint="\x1b]0;x")))
    assert "\x1b" not in result.stderr


def test_ctrl_c_is_no_traceback() -> None:
    result = CliRunner().invoke(command(KeyboardInterrupt()))
    assert result.exit_code == INTERRUPTED and "Traceback" not in result.output
