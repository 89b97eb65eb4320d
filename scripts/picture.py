"""Records the pictures of the README, docs/host.svg and docs/join.svg, from a session that takes place.

    scripts/picture

Three people with shells of their own in tmux, on loopback, and a rendezvous; the keys are typed as a person
would. What stands on their screens at the end is drawn by rich. The pictures load nothing from anywhere, so
the fonts that rich's template names are taken out.
"""

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
PORT = 8037
COLUMNS, ROWS = 100, 90  # all of a session stands on one screen
PATIENCE = 60.0  # seconds for any one thing to appear
_FONT_FACE = re.compile(r"\s*@font-face \{\{.*?\}\}", re.DOTALL)


class Terminals:
    """A tmux server of our own, with a window of its own for each person."""

    def __init__(self, folder: Path, columns: int = COLUMNS, rows: int = ROWS) -> None:
        self.folder = folder
        self._size = ("-x", str(columns), "-y", str(rows))
        self._tmux = ("tmux", "-S", str(folder / "tmux"), "-f", os.devnull)

    def _do(self, *args: str) -> str:
        return subprocess.run([*self._tmux, *args], check=True, capture_output=True, text=True).stdout

    def open(self, name: str) -> None:
        """A shell for one person, with a home of their own."""
        environment = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "PS1": "$ ",
            "LANG": "C.UTF-8",
            "TERM": "screen-256color",
            "HUDDLE_HOME": str(self.folder / name),
            "HUDDLE_RENDEZVOUS": f"http://127.0.0.1:{PORT}",
        }
        shell = ["env", "-i", *(f"{key}={value}" for key, value in environment.items()), "sh"]
        self._do(
            "new-session", "-d", "-s", name, *self._size, "-c", str(ROOT), shlex.join(shell),
        )  # fmt: skip
        self.wait(name, r"^\$")

    def type(self, name: str, line: str) -> None:
        """Type a line and Enter."""
        self._do("send-keys", "-t", name, "-l", line)
        self._do("send-keys", "-t", name, "Enter")

    def press(self, name: str, key: str) -> None:
        """Press a key by tmux's name for it."""
        self._do("send-keys", "-t", name, key)

    def screen(self, name: str, *options: str) -> str:
        """What stands there."""
        return self._do("capture-pane", "-p", "-J", "-t", name, *options)

    def lines(self, name: str) -> tuple[str, ...]:
        """The rows of that screen, with their colours."""
        rows = self._do("capture-pane", "-p", "-e", "-t", name).split("\n")
        return tuple(row.rstrip() for row in rows)

    def wait(self, name: str, pattern: str) -> str:
        """Wait until the pattern stands on that screen; what it matched."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = re.search(pattern, self.screen(name), re.MULTILINE)
            if found:
                return found.group()
            time.sleep(0.1)
        raise SystemExit(f"{pattern!r} did not appear to {name}:\n{self.screen(name)}")

    def close(self) -> None:
        """End all of it."""
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


def session(terminals: Terminals) -> None:
    """The whole story, from the rendezvous to the prompts that are back."""
    for name in ("rendezvous", "Ada", "Bob", "Cyd"):
        terminals.open(name)
    terminals.type("rendezvous", f"huddle serve --host 127.0.0.1 --port {PORT}")
    terminals.wait("rendezvous", "The rendezvous runs")
    options = "--name Ada --via lo --parties 3 --private=--salary=4200"
    terminals.type("Ada", f"huddle host {options} programs/average_salary.py --no-log")
    link = terminals.wait("Ada", r"http://\S+/j#\S+")
    code = terminals.wait("Ada", r"\b[0-9]{4,}-[a-z]+-[a-z]+\s*$").strip()
    terminals.wait("Ada", "They type")
    terminals.type("Bob", f"huddle join --name Bob --via lo {code} -- --salary=3150.50")
    terminals.wait("Ada", "Bob wants to come in")
    terminals.type("Cyd", f"huddle join --name Cyd --via lo '{link}' -- --salary=3800")
    for name in ("Ada", "Bob", "Cyd"):  # the host first: then the program goes out
        terminals.wait(name, "Whom did you hear")
        terminals.type(name, "all")
        terminals.wait(name, f"{name} accepts")
    for name in ("Ada", "Bob", "Cyd"):
        terminals.wait(name, r"What stays on this machine:[^$]*^\$")


def draw(screen: str, title: str, identifier: str) -> str:
    """The screen as an SVG."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    lines = screen.rstrip().splitlines()
    console.print(Text.from_ansi("\n".join(lines[:-1])))  # but for the prompt that is back
    template = _FONT_FACE.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code, monospace", "monospace")
    svg = console.export_svg(title=title, theme=DIMMED_MONOKAI, code_format=template, unique_id=identifier)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def main() -> None:
    """Record the session and write the pictures."""
    with tempfile.TemporaryDirectory(prefix="huddle-") as folder:
        terminals = Terminals(Path(folder))
        try:
            session(terminals)
            screens = {name: terminals.screen(name, "-e") for name in ("Ada", "Bob")}
        finally:
            terminals.close()
    for name, file, title in (("Ada", "host", "Ada hosts"), ("Bob", "join", "Bob joins")):
        svg = draw(screens[name], title, f"huddle-{file}")
        if re.search(r"https?://(?!127\.0\.0\.1|www\.w3\.org|www\.textualize\.io)", svg):
            sys.exit(f"{file}.svg names another host")
        (ROOT / "docs" / f"{file}.svg").write_text(svg)


if __name__ == "__main__":
    main()
