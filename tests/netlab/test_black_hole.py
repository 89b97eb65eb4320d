"""Packets of browsers' direct channels vanish: web/tests/black-hole.test.ts, in a network of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.netlab.conftest import ROOT
from tests.netlab.net import Net, _ip

WEB = ROOT / "web"
NEEDED = {
    "Chromium": Path("/usr/bin/chromium"),
    "Firefox": Path("/usr/bin/firefox-esr"),
    "the page (scripts/build-web)": WEB / "build" / "bare.js",
}


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_packets_of_direct_channels_vanish_and_nothing_is_lost(net: Net) -> None:
    missing = [name for name, path in NEEDED.items() if not path.exists()]
    if missing or shutil.which("node") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"missing: {missing or 'Node.js'}")
    node = net.node("10.77.0.2/24")
    # Firefox looks for addresses only where there is a way out.
    _ip("-n", node.name, "route", "add", "default", "via", "10.77.0.1")
    with node.inside():
        done = subprocess.run(
            [WEB / "node_modules" / ".bin" / "vitest", "run", "tests/black-hole.test.ts"],
            cwd=WEB,
            env=os.environ | {"HUDDLE_NETWORK_OF_ITS_OWN": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-20_000:]
    assert "skipped" not in done.stdout, done.stdout[-2000:]
