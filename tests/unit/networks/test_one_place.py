"""A network is named in its own folder and in the registry, and nowhere else in Huddle or its lab."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from huddle.networks import registry

ROOT = Path(__file__).parents[3]
NETWORKS = ROOT / "src/huddle/networks"
NAMES = registry.names()
# Common words, which mean something else where they stand alone; in sentences they are looked for.
WORDS = {"plain", "relay"}
# Where a name means another thing than a network of a session, or just that one is meant.
OTHERS = {
    "lab/src/huddle_lab/underlays/wireguard.py": "WireGuard itself, under whatever networks a study runs",
    "lab/src/huddle_lab/usability/tailscale.py": "what a person does who uses Tailscale without Huddle",
    "lab/src/huddle_lab/usability/headscale.py": "the same with Headscale, and a certificate for it",
    "lab/src/huddle_lab/usability/huddle.py": "what people type who share a rendezvous alone",
    "lab/src/huddle_lab/usability/registry.py": "the thesis's solutions, with and without Huddle",
    "lab/src/huddle_lab/report/matrix.py": "the thesis's matrix, which names those whose costs were measured",
    "src/huddle/browser/direct.py": "the only connections that a page can make from one browser to another",
}


def sources() -> list[Path]:
    """All files but those of a network's own folder, and the registry."""
    found = [*(ROOT / "src").rglob("*.py"), *(ROOT / "lab/src").rglob("*.py")]
    own = [NETWORKS / name for name in NAMES]
    left_out = {NETWORKS / "registry.py", *(ROOT / name for name in OTHERS)}
    return [one for one in found if one not in left_out and not any(map(one.is_relative_to, own))]


def named(code: str) -> Iterator[str]:
    """What names a network: an import from its folder, its name as a text, or in a text for people."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom | ast.Import):
            modules = [one.name for one in node.names]
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or "", *(f"{node.module}.{name}" for name in modules)]
            for module in modules:
                if (
                    module.removeprefix("huddle.networks.").partition(".")[0] in NAMES
                    and "networks" in module
                ):
                    yield f"line {node.lineno}: {module}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            words = text.replace(",", " ").replace("`", " ").split()
            said = [b for a, b in pairwise(words) if a.endswith(("network", "auto"))]
            if (text in NAMES and text not in WORDS) or any(one.strip(".;:)") in NAMES for one in said):
                yield f"line {node.lineno}: {text[:60]!r}"


def test_no_file_elsewhere_names_a_network() -> None:
    found = [f"{one.relative_to(ROOT)}, {what}" for one in sources() for what in named(one.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "from huddle.networks.tls.network import TlsNetwork",
        "from huddle.networks import wireguard",
        "import huddle.networks.iroh.kind",
        "if name == 'webrtc': pass",
        "hint = 'Choose --network relay.'",
        "'''The network `plain` is another one.'''",
        "hint = f'{who}: --network auto,plain'",
    ],
)
def test_what_names_one_is_found(code: str) -> None:
    assert list(named(code))
