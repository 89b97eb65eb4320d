"""Records the short films in docs/films from sessions that take place.

    scripts/films                 all of them
    scripts/films class           this one
    scripts/films phone           a guest on a phone, as pictures side by side; needs the page and Chromium

People with shells of their own in tmux, on loopback, with a rendezvous; the keys are typed as a person would.
A film is an SVG that moves by itself and loads nothing: each line of a screen stands in it once, with the
time at which it is seen. Where nothing may move (`prefers-reduced-motion`), the last picture stands.
"""

import html
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.color import ColorType
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from scripts.picture import PORT, ROOT, Terminals

FILMS = ROOT / "docs" / "films"
COLUMNS, ROWS = 80, 24
_SPINNER = re.compile("[\u2800-\u28ff]")
_LOOK = 0.1  # seconds between two looks at a screen
_LONGEST = 3.0  # seconds that a picture stands in the film, however long the people took
_SHORTEST = 0.25  # seconds without which nobody sees it
_LAST = 5.0  # seconds of the last picture, before all begins again
_CELL, _LINE, _SIZE, _PAD, _TITLE = 8.4, 18, 14, 14, 30  # pixels


@dataclass(frozen=True)
class Picture:
    """What all filmed screens showed at a time, in seconds: rows, as the inside of an SVG's text."""

    at: float
    screens: tuple[tuple[str, ...], ...]


class Camera:
    """Looks at some people's screens until it is told to stop."""

    def __init__(self, terminals: Terminals, names: tuple[str, ...]) -> None:
        self.pictures: list[Picture] = []
        self._terminals = terminals
        self._names = names
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """One last look."""
        time.sleep(3 * _LOOK)
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        began = time.monotonic()
        while True:
            over = self._over.is_set()
            shown = tuple(drawn(self._terminals.lines(name)[:ROWS]) for name in self._names)
            if not self.pictures or self.pictures[-1].screens != shown:
                self.pictures.append(Picture(time.monotonic() - began, shown))
            if over:
                return
            self._over.wait(_LOOK)


@dataclass(frozen=True)
class Film:
    """What is played, and whose screens are seen, each with a title."""

    play: Callable[[Terminals], None]
    shells: tuple[str, ...]
    people: tuple[tuple[str, str], ...]


def serve(terminals: Terminals, *names: str) -> None:
    """The rendezvous, and a shell for each person."""
    for name in ("rendezvous", *names):
        terminals.open(name)
    terminals.type("rendezvous", f"huddle serve --host 127.0.0.1 --port {PORT}")
    terminals.wait("rendezvous", "The rendezvous runs")


def pause(seconds: float) -> None:
    """People read; so do those who see the film."""
    time.sleep(seconds)


def link_of(terminals: Terminals, name: str) -> str:
    """The link that a host's screen shows."""
    link: str = terminals.wait(name, r"http://\S+/j#\S+")
    terminals.wait(name, "waiting for the others|While you wait")
    return link


def join(terminals: Terminals, name: str, link: str, salary: int) -> None:
    """A guest types the command."""
    terminals.type(name, f"huddle join --name {name} --via lo '{link}' -- --salary={salary}")


def in_class(terminals: Terminals) -> None:
    """Six guests and one who only looks like Bob; one link, two groups."""
    terminals.type("Tia", f"printf '%s\\n' {' '.join(GUESTS)} > $HUDDLE_HOME.txt; clear")
    terminals.type(
        "Tia",
        "huddle host --name Tia --groups 2 --parties 3 --expect $HUDDLE_HOME.txt average_salary --no-log",
    )
    link = link_of(terminals, "Tia")
    for salary, name in enumerate(("Bob", "B0b", "Fay", "Ada", "Eve", "Cyd", "Dan")):
        join(terminals, name, link, 3000 + 150 * salary)
        terminals.wait("Tia", rf"\b{name}\b.*did:")
        pause(0.6)
    terminals.wait("Tia", "Deal the groups")
    pause(3)
    terminals.type("Tia", "all")
    for name in ("Ada", "Dan", "Bob", "Cyd", "Eve", "Fay"):  # the first of each group starts it
        terminals.wait(name, "Whom did you hear")
        pause(1.5)
        terminals.type(name, "all")
    terminals.wait("Tia", "All groups have their result")


def words_differ(terminals: Terminals) -> None:
    """Bob sees, or believes to see, other words: all are told, and new ones come."""
    options = "--name Ada --via lo --parties 3 --private=--salary=4200"
    terminals.type("Ada", f"huddle host {options} average_salary --no-log")
    link = link_of(terminals, "Ada")
    join(terminals, "Bob", link, 3150)
    join(terminals, "Cyd", link, 3800)
    terminals.wait("Ada", "Whom did you hear")
    pause(3)
    terminals.type("Ada", "all")
    for name in ("Bob", "Cyd"):
        terminals.wait(name, "Whom did you hear")
    pause(3)
    terminals.type("Bob", "w")
    terminals.wait("Ada", "saw other words")
    for name in ("Ada", "Bob", "Cyd"):
        terminals.wait(name, "Whom did you hear")
        pause(3)
        terminals.type(name, "all")
    for name in ("Ada", "Bob", "Cyd"):
        terminals.wait(name, r"What stays on this machine")


def replaced(terminals: Terminals) -> None:
    """Bob leaves before the start; Dan gets the seat, and nobody else does anything for it."""
    options = "--name Ada --via lo --parties 3 --private=--salary=4200"
    terminals.type("Ada", f"huddle host {options} average_salary --no-log")
    link = link_of(terminals, "Ada")
    join(terminals, "Bob", link, 3150)
    terminals.wait("Ada", "Bob has a seat|Bob wants to come in")
    pause(2)
    terminals.press("Bob", "C-c")
    terminals.wait("Ada", "Bob left the session")
    pause(2)
    join(terminals, "Cyd", link, 3800)
    terminals.wait("Ada", "Cyd wants to come in")
    pause(2)
    join(terminals, "Dan", link, 2950)
    all_heard(terminals, "Ada", "Cyd", "Dan")


MEAN = """import sys
from mpyc.runtime import mpc

secint = mpc.SecInt()
mpc.run(mpc.start())
salaries = mpc.input(secint(int(sys.argv[1])))
total = mpc.run(mpc.output(sum(salaries)))
print("Average:", total / len(salarys))
mpc.run(mpc.shutdown())
"""


def tried_again(terminals: Terminals) -> None:
    """A misspelt name, which only the run shows; Ada mends it beside the session, and all try again."""
    program = terminals.folder / "mean.py"
    program.write_text(MEAN)
    terminals.folder.chmod(0o711)  # a session that root started reads the program again as another account
    options = "--name Ada --via lo --parties 3 --private=4200"
    terminals.type("Ada", f"cd {terminals.folder}; clear; huddle host {options} mean.py")
    link = link_of(terminals, "Ada")
    for name, salary in (("Bob", 3150), ("Cyd", 3800)):
        terminals.type(name, f"huddle join --name {name} --via lo '{link}' -- {salary}")
    for name in ("Ada", "Bob", "Cyd"):
        terminals.wait(name, "Whom did you hear")
        pause(2)
        terminals.type(name, "all")
    terminals.wait("Ada", "Try again")
    pause(4)
    terminals.open("Editor")
    terminals.type("Editor", f"sed -i s/salarys/salaries/ {program}")
    terminals.wait("Editor", r"salaries.*\n\$")
    terminals.type("Ada", "y")
    for name in ("Bob", "Cyd"):
        terminals.wait(name, "Run this program here")
        pause(3)
        terminals.type(name, "y")
    for name in ("Ada", "Bob", "Cyd"):
        terminals.wait(name, "What stays on this machine")


def all_heard(terminals: Terminals, *names: str) -> None:
    """All say that they heard all, the host first: then the program goes out; and the session ends."""
    for name in names:
        terminals.wait(name, "Whom did you hear")
        pause(2)
        terminals.type(name, "all")
    for name in names:
        terminals.wait(name, "What stays on this machine")


PHONE = "phone"
GUESTS = ("Ada", "Bob", "Cyd", "Dan", "Eve", "Fay")
STORIES = {
    "class": Film(
        in_class,
        ("Tia", *GUESTS, "B0b"),
        (("Tia", "Tia teaches: she deals, and is in no group"), ("Ada", "Ada, in group 1")),
    ),
    "guest-replaced": Film(
        replaced,
        ("Ada", "Bob", "Cyd", "Dan"),
        (("Ada", "Ada hosts"), ("Bob", "Bob leaves, and Dan has the seat")),
    ),
    "tried-again": Film(
        tried_again,
        ("Ada", "Bob", "Cyd"),
        (("Ada", "Ada hosts: the run fails, she mends the file and says yes"), ("Bob", "Bob keeps his seat")),
    ),
    "words-differ": Film(
        words_differ, ("Ada", "Bob", "Cyd"), (("Ada", "Ada hosts"), ("Bob", "Bob saw other words"))
    ),
}


def shoot(film: Film) -> list[Picture]:
    """Play it, and look on."""
    with tempfile.TemporaryDirectory(prefix="huddle-") as folder:
        terminals = Terminals(Path(folder), COLUMNS, ROWS)
        try:
            serve(terminals, *film.shells)
            camera = Camera(terminals, tuple(name for name, _ in film.people))
            film.play(terminals)
            camera.stop()
        finally:
            terminals.close()
    return camera.pictures


# --- from pictures to an SVG


def cut(pictures: list[Picture]) -> tuple[list[tuple[float, Picture]], float]:
    """Each picture with the second at which it is seen in the film, and the film's length."""
    at, seen = 0.0, []
    for one, following in zip(pictures, [*pictures[1:], None], strict=True):
        stands = _LAST if following is None else min(_LONGEST, max(_SHORTEST, following.at - one.at))
        seen.append((at, one))
        at += stands
    return seen, at


def lines_of(seen: list[tuple[float, Picture]], end: float) -> Iterator[tuple[int, int, str, float, float]]:
    """Each line of a screen: which screen, which row, what it says, from when to when."""
    screens, rows = len(seen[0][1].screens), ROWS
    for screen in range(screens):
        for row in range(rows):
            began, text = 0.0, ""
            for at, picture in seen:
                lines = picture.screens[screen]
                now = lines[row] if row < len(lines) else ""
                if now != text:
                    if text:
                        yield screen, row, text, began, at
                    began, text = at, now
            if text:
                yield screen, row, text, began, end


def colour(style: Style) -> str:
    """The attributes of a piece of text."""
    found = []
    if style.color is not None and style.color.type is not ColorType.DEFAULT:
        found.append(f'fill="{style.color.get_truecolor(DIMMED_MONOKAI).hex}"')
    if style.bold:
        found.append('font-weight="bold"')
    if style.dim:
        found.append('opacity=".6"')
    return " ".join(found)


def drawn(rows: tuple[str, ...]) -> tuple[str, ...]:
    """Rows with a terminal's colours, which last beyond the end of a row, as the inside of an SVG's text."""
    still = _SPINNER.sub("\u280b", "\n".join(rows))  # or each of its pictures would be one of the film's
    return tuple(map(pieces, AnsiDecoder().decode(still)))


def pieces(text: Text) -> str:
    """The same of one row."""
    plain, marks = (
        text.plain,
        sorted({0, len(text.plain), *(m for s in text.spans for m in (s.start, s.end))}),
    )
    made = []
    for start, stop in pairwise(marks):
        style = Style.null()
        for span in text.spans:
            if span.start <= start and stop <= span.end and isinstance(span.style, Style):
                style += span.style
        inside = html.escape(plain[start:stop])
        attributes = colour(style)
        made.append(f"<tspan {attributes}>{inside}</tspan>" if attributes else inside)
    return "".join(made)


def draw(film: Film, pictures: list[Picture]) -> str:
    """The film as an SVG that moves."""
    seen, end = cut(pictures)
    width = 2 * _PAD + COLUMNS * _CELL
    height = _TITLE + 2 * _PAD + ROWS * _LINE
    texts: list[str] = []
    times: dict[tuple[float, float], str] = {}
    for screen, row, line, begins, stops in lines_of(seen, end):
        last = stops >= end
        name = "" if begins <= 0 and last else times.setdefault((begins, stops), f"t{len(times)}")
        place = f'x="{_PAD + screen * width:.0f}" y="{_TITLE + _PAD + (row + 1) * _LINE - 4}"'
        classes = f' class="{name}{" z" if last else ""}"' if name else ' class="z"'
        texts.append(f"<text {place}{classes}>{line}</text>")
    rules = []
    for (begins, stops), name in times.items():
        first, then = (f"{100 * at / end:.2f}%" for at in (begins, stops))
        shown = f"{first}{{visibility:visible}}" + (f"{then}{{visibility:hidden}}" if stops < end else "")
        before = "0%{visibility:hidden}" if begins > 0 else ""
        rules.append(
            f"@keyframes {name}{{{before}{shown}}}.{name}{{animation:{name} {end:.1f}s step-end infinite}}"
        )
    frames = "".join(
        f'<rect x="{n * width + 2:.0f}" y="2" width="{width - 4:.0f}" height="{height - 4}" rx="8"'
        ' fill="#191919"/>'
        f'<text x="{n * width + width / 2:.0f}" y="21" class="z" text-anchor="middle" opacity=".6">'
        f"{html.escape(title)}</text>"
        for n, (_, title) in enumerate(film.people)
    )
    style = (
        f"text{{font:{_SIZE}px monospace;fill:#b9bcba;white-space:pre;visibility:hidden}}"
        ".z{visibility:visible}"
        + "".join(rules)
        + "@media(prefers-reduced-motion:reduce){text{animation:none!important}}"
    )
    full = width * len(film.people)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full:.0f} {height}">'
        f"<style>{style}</style>{frames}{''.join(texts)}</svg>\n"
    )


def photograph() -> None:
    """A guest on a phone: what its page shows, one after the other (web/src/ui/stories/phone.mjs)."""
    target = FILMS / f"{PHONE}.webp"
    subprocess.run(["node", "src/ui/stories/phone.mjs", target], cwd=ROOT / "web", check=True)
    print(f"{PHONE}: {target.stat().st_size:,} bytes")


def main() -> None:
    """Record what is wanted."""
    wanted = sys.argv[1:] or [*STORIES, PHONE]
    FILMS.mkdir(exist_ok=True)
    for name in wanted:
        if name == PHONE:
            photograph()
            continue
        svg = draw(STORIES[name], shoot(STORIES[name]))
        (FILMS / f"{name}.svg").write_text(svg)
        print(f"{name}: {len(svg):,} bytes")


if __name__ == "__main__":
    main()
