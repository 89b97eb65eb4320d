"""`huddle serve` as a process: what it says, that it serves, and that a signal ends it."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from huddle.cli.commands.serve import for_browsers, serve_command


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_serves_and_ends_by_a_signal(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "huddle", "serve", "--json", "--host", "127.0.0.1", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        event = json.loads(process.stdout.readline())
        assert event["event"] == "serving"
        with urllib.request.urlopen(event["url"] + "/healthz", timeout=10) as answer:  # noqa: S310
            assert answer.status == 200
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0 and errors == ""
    assert [json.loads(line)["event"] for line in rest.splitlines()] == ["stopped"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://huddle.example", "open the same address"),
        ("http://192.0.2.1:8037", "http://localhost:8037. Browsers elsewhere can't: they need https."),
        ("http://huddle.lan", "http://localhost:80. Browsers elsewhere can't: they need https."),
        ("http://127.0.0.1:8037", "This machine's own browser can take part. Browsers elsewhere can't"),
        ("http://[::1]:8037", "This machine's own browser can take part. Browsers elsewhere can't"),
    ],
)
def test_it_promises_browsers_only_what_they_can_do(url: str, said: str) -> None:
    lines = for_browsers(url, ["packages"])
    assert said in lines[0] and lines[-1] == "packages"
    assert any("--certificate" in line for line in lines) == url.startswith("http:")


def test_a_port_in_use_is_explained() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = str(taken.getsockname()[1])
        failed = CliRunner().invoke(serve_command, ["--host", "127.0.0.1", "--port", port])
    assert failed.exit_code == 3 and port in failed.stderr


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text("")
    failed = CliRunner().invoke(serve_command, ["--certificate", str(certificate)])
    assert failed.exit_code == 3 and "--key" in failed.stderr


def test_turn_needs_its_secret_and_a_long_one(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("short\n")
    for options, said in (
        (["--turn", "turn:turn.example"], "belong together"),
        (["--turn-secret-file", str(secret)], "belong together"),
        (["--turn", "turn:turn.example", "--turn-secret-file", str(secret)], "shorter than 16"),
        (["--turn", "turn:x"] * 5 + ["--turn-secret-file", str(secret)], "At most 4"),
    ):
        result = CliRunner().invoke(serve_command, ["--host", "127.0.0.1", "--port", "0", *options])
        assert result.exit_code != 0
        assert said in result.output
    secret.write_text("long enough to be one\n")
    wrong = ["--turn", "stun:turn.example", "--turn-secret-file", str(secret)]
    result = CliRunner().invoke(serve_command, ["--host", "127.0.0.1", "--port", "0", *wrong])
    assert "no URL of a TURN server" in result.output
