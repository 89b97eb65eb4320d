"""Records the short films in docs/films from sessions that take place.

    scripts/films                 all of them
    scripts/films class phone     these

People with shells of their own in tmux, on loopback, with a rendezvous; the keys are typed as a person would.
A film is an SVG that moves by itself and loads nothing: each line of a screen stands in it once, with the
time at which it is seen. Where nothing may move (`prefers-reduced-motion`), the last picture stands. The
phone's film is a strip of the page as a real browser shows it.
"""

import base64
import contextlib
import html
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.ansi import AnsiDecoder
from rich.color import ColorType
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from huddle.errors import LocalError
from huddle_lab.runs.chrome import Chrome
from scripts.picture import PATIENCE, PORT, ROOT, Terminals

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
    terminals.wait("Ada", "Bob has left")
    pause(2)
    join(terminals, "Cyd", link, 3800)
    terminals.wait("Ada", "Cyd wants to come in")
    pause(2)
    join(terminals, "Dan", link, 2950)
    all_heard(terminals, "Ada", "Cyd", "Dan")


_WRONG = """from mpyc.runtime import mpc

mpc.run(mpc.start())
secint = mpc.SecInt(32)
total = mpc.run(mpc.output(mpc.sum(mpc.input(secint(mpc.pid + 1)))))
print("The total is", totl)
mpc.run(mpc.shutdown())
"""


def tried_again(terminals: Terminals) -> None:
    """A program with a mistake fails; it is mended, and runs with the same people, who join nothing anew."""
    terminals.folder.chmod(0o755)  # an ordinary account, which root becomes, reads the program too
    program = terminals.folder / "total.py"
    program.write_text(_WRONG)
    terminals.type("Ada", "cd $HUDDLE_HOME/.. 2>/dev/null || cd ${HUDDLE_HOME%/*}; clear")
    terminals.type("Ada", "huddle host --name Ada --via lo --parties 3 total.py --no-log")
    link = link_of(terminals, "Ada")
    for name in ("Bob", "Cyd"):
        terminals.type(name, f"huddle join --name {name} --via lo '{link}'")
    for name in ("Ada", "Bob", "Cyd"):
        terminals.wait(name, "Whom did you hear")
        pause(2)
        terminals.type(name, "all")
    terminals.wait("Ada", "Try again")
    pause(3)
    program.write_text(_WRONG.replace("totl", "total"))
    terminals.type("Ada", "y")
    for name in ("Bob", "Cyd"):
        terminals.wait(name, "Run this program here")
        pause(2)
        terminals.type(name, "y")
    terminals.wait("Ada", "The total is 6")
    terminals.wait("Ada", "What stays on this machine")


def all_heard(terminals: Terminals, *names: str) -> None:
    """All say that they heard all, the host first: then the program goes out; and the session ends."""
    for name in names:
        terminals.wait(name, "Whom did you hear")
        pause(2)
        terminals.type(name, "all")
    for name in names:
        terminals.wait(name, "What stays on this machine")


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
        tried_again, ("Ada", "Bob", "Cyd"), (("Ada", "Ada hosts a program with a mistake"), ("Bob", "Bob"))
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


# --- the phone

_PHONE = {"width": 390, "height": 780, "deviceScaleFactor": 1, "mobile": True}


class Phone:
    """A page as somebody on a phone sees it, and the pictures that were taken of it."""

    def __init__(self, chrome: Chrome, link: str) -> None:
        self.shots: list[bytes] = []
        self._page = chrome.open("about:blank")
        self._call("Emulation.setDeviceMetricsOverride", **_PHONE)
        self._call("Page.navigate", url=link)

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._page.call(method, parameters)

    def look(self, what: str) -> None:
        """Wait until an expression is true in the page."""
        until = time.monotonic() + 4 * PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(LocalError):  # the page is just being replaced by its link's
                if self._page.evaluate(what):
                    return
            time.sleep(_LOOK)
        raise SystemExit(f"not in the page: {what}: {self._page.evaluate('document.body.innerText')}")

    def type(self, field: str, text: str) -> None:
        """Fill a field in."""
        self.look(f"!!document.querySelector({field!r})")
        self._page.evaluate(
            f"{{const f = document.querySelector({field!r}); f.value = {text!r};"
            " f.dispatchEvent(new Event('input', {bubbles: true}))}"
        )

    def press(self, label: str) -> None:
        """Press a button, once it can be pressed."""
        button = f"[...document.querySelectorAll('button')].find((b) => b.textContent.trim() === {label!r})"
        self.look(f"{button} && !{button}.disabled")
        self._page.evaluate(f"{button}.click()")

    def tick(self) -> None:
        """Tick everybody whose words were heard."""
        self.look("!!document.querySelector('fieldset input[type=checkbox]')")
        self._page.evaluate(
            "document.querySelectorAll('fieldset input[type=checkbox]').forEach((b) => b.click())"
        )

    def shoot(self) -> None:
        """Take a picture."""
        pause(1)
        data = self._call("Page.captureScreenshot", format="webp", quality=60)["data"]
        self.shots.append(base64.b64decode(data))

    def strip(self) -> bytes:
        """All pictures side by side."""
        images = "".join(
            f"<img src='data:image/webp;base64,{base64.b64encode(shot).decode()}'>" for shot in self.shots
        )
        style = "<style>body{margin:0;display:flex;gap:12px;background:#888;padding:12px}</style>"
        width, height = (390 + 12) * len(self.shots) + 12, 780 + 24
        page = base64.b64encode(f"<!doctype html>{style}{images}".encode()).decode()
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=0.75,
            mobile=False,
        )
        self._call("Page.navigate", url=f"data:text/html;base64,{page}")
        self.look(
            f"document.images.length === {len(self.shots)} && [...document.images].every((i) => i.complete)"
        )
        data: str = self._call("Page.captureScreenshot", format="webp", quality=60)["data"]
        return base64.b64decode(data)


def phone() -> bytes:
    """Somebody on a phone joins Ada and Bob, who are at terminals."""
    with tempfile.TemporaryDirectory(prefix="huddle-") as folder, Chrome() as chrome:
        terminals = Terminals(Path(folder), COLUMNS, ROWS)
        try:
            serve(terminals, "Ada", "Bob")
            options = "--name Ada --via lo --parties 3 --private=--salary=4200 --network auto,relay"
            terminals.type("Ada", f"huddle host {options} average_salary --no-log")
            link = link_of(terminals, "Ada")
            one = Phone(chrome, link)
            one.type("#own-name", "Cyd")
            one.shoot()
            one.press("Join")
            terminals.wait("Ada", "Cyd wants to come in")
            one.shoot()
            join(terminals, "Bob", link, 3150)
            for name in ("Ada", "Bob"):
                terminals.wait(name, "Whom did you hear")
                terminals.type(name, "all")
            one.look("!!document.querySelector('fieldset input[type=checkbox]')")
            one.tick()
            one.shoot()
            one.press("Accept and run")
            one.look("!!document.querySelector('form.waits input')")
            one.type("form.waits input", "3800")
            one.shoot()
            one.press("Send")
            one.look("/You have the result/.test(document.body.innerText)")
            one.shoot()
            return one.strip()
        finally:
            terminals.close()


def main() -> None:
    """Record what is wanted."""
    wanted = sys.argv[1:] or [*STORIES, "phone"]
    FILMS.mkdir(exist_ok=True)
    for name in wanted:
        if name == "phone":
            strip = phone()
            (FILMS / "phone.webp").write_bytes(strip)
            print(f"phone: {len(strip):,} bytes")
            continue
        svg = draw(STORIES[name], shoot(STORIES[name]))
        (FILMS / f"{name}.svg").write_text(svg)
        print(f"{name}: {len(svg):,} bytes")


if __name__ == "__main__":
    main()
