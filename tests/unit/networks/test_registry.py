"""A network of another distribution is one like all others, with no file of Huddle's changed."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_the_document_s_network_is_the_plug_in() -> None:
    code = (installed.UDP / "huddle_udp.py").read_text()
    assert f"```python\n{code}```" in (ROOT / "docs/adding-a-network.md").read_text()
