"""A network of another distribution is one like all others, with no file of Huddle's changed."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from huddle.networks import registry
from scripts import networks_table
from tests.plugins import installed

ROOT = Path(__file__).parents[3]


def with_udp(*words: str) -> str:
    """What a command says where the plug-in is installed."""
    env = os.environ | {"PYTHONPATH": str(installed.UDP)}
    return subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True).stdout


def test_help_doctor_and_lab_have_the_plug_in() -> None:
    assert "--udp-window" in with_udp("-m", "huddle", "host", "--help")
    assert '"udp"' in with_udp("-m", "huddle", "doctor", "--json")
    assert "True" in with_udp("-c", "from huddle_lab.study.variants import KNOWN; print('udp' in KNOWN)")


def test_the_walk_s_pieces_are_the_plug_in() -> None:
    code = (installed.UDP / "huddle_udp.py").read_text()
    walk = (ROOT / "docs/adding-a-network.md").read_text()
    pieces = re.findall(r"^```python\n(.*?)^```$", walk, re.MULTILINE | re.DOTALL)
    assert len(pieces) > 10
    # The document's are not indented, and stand apart.
    assert "\n".join(pieces).split() == code.split()


def test_the_table_of_networks_is_the_registry_s() -> None:
    assert all(kind.needs and kind.secured_by and kind.seen_by for kind in registry.OWN)
    text = networks_table.DOCUMENT.read_text()
    assert text == networks_table.renewed(text), "run scripts/networks_table.py"


def test_each_file_that_an_option_names_is_shown_to_the_account_that_root_becomes(tmp_path: Path) -> None:
    found = 0
    for kind in registry.OWN:
        named = {
            one.name: tmp_path / one.name for one in fields(kind.Options) if one.type in (Path, Path | None)
        }
        assert set(kind.needed(kind.Options(**named))) == set(named.values()), kind.name
        found += len(named)
    assert found >= 2
