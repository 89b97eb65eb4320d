"""What may travel with a program is asked on a terminal, and never sent unasked."""

import click
import pytest
from click.testing import CliRunner

from huddle.cli.proposal import for_guest, for_host
from huddle.session.belongings import Belongings

FOUND = Belongings(("b.py", "c/d.py"), ("t.csv",))


@pytest.mark.parametrize(
    ("typed", "taken"),
    [("y\n", "b.py c/d.py t.csv"), ("n\n", ""), ("e\ny\n\nN\ny\n", "b.py t.csv"), ("what\n\nye\nn\n", "")],
)
def test_a_person_is_asked(typed: str, taken: str) -> None:
    @click.command()
    def ask() -> None:
        click.echo("taken: " + " ".join(for_host("a.py", ask=True, modules=False)(FOUND)))

    done = CliRunner().invoke(ask, input=typed)
    assert done.output.endswith(f"taken: {taken}\n")
    assert "a.py uses 3 more files" in done.output and "t.csv   (data)" in done.output


def test_without_a_person_data_never_travels(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(for_host("a.py", ask=False, modules=True)(FOUND)) == ["b.py", "c/d.py"]
    told = capsys.readouterr().err
    assert "b.py and c/d.py of this program travel with it." in told
    assert "a.py uses t.csv, which stays here unless you --include it." in told
    assert list(for_host("a.py", ask=False, modules=False)(FOUND)) == []
    assert "uses b.py, c/d.py and t.csv, which stay here" in capsys.readouterr().err
    assert for_guest(FOUND) == FOUND.all
