"""What a person types for a network is what the network gets."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from huddle.cli import network_options


def test_a_file_is_found_from_wherever_the_session_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @network_options.hosting_options
    @click.command
    def command(**values: object) -> None:
        click.echo(network_options.set_options(values)["headscale"].headscale_certificate)

    (tmp_path / "certificate.pem").touch()
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(command, ["--headscale-certificate", "certificate.pem"])
    assert found.output == f"{tmp_path / 'certificate.pem'}\n"
