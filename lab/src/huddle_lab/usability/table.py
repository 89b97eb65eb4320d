"""Tables of the rows, in Markdown: what people do and wait, what stays, and what attackers see."""

from collections.abc import Callable, Sequence

from huddle_lab.markdown import line, rule
from huddle_lab.usability.perform import Row
from huddle_lab.usability.registry import NOT_PERFORMED, OVERLAYS, SOLUTIONS

_WHEN = ("install", "first", "again", "others", "end")
_COLUMNS = 3 + len(_WHEN)


def usability(rows: Sequence[Row]) -> str:
    """A row for each solution; what was not performed says why."""
    made = [row for row in rows if "steps" in row]
    lines = [
        line("solution", *(f"{when}: steps, waiting" for when in _WHEN), "values told", "stays at each"),
        rule(_COLUMNS),
    ]
    lines += [line(row["title"], *map(_cell(row), _WHEN), _told(row), _stays(row)) for row in made]
    lines += [
        line(row["title"], f"not run: {row['not_run']}", *[""] * (_COLUMNS - 2))
        for row in rows
        if "not_run" in row
    ]
    lines += [line(name, f"not run: {why}", *[""] * (_COLUMNS - 2)) for name, why in NOT_PERFORMED.items()]
    return "\n".join(lines)


def attackers() -> list[tuple[str, str, str, str]]:
    """All of them: title of the solution, who, what they see and can do, and the test."""
    own = [(one.title, *attacker) for one in SOLUTIONS for attacker in one.security]
    return [*own, *OVERLAYS]


def security() -> str:
    """A row for each attacker of each solution."""
    lines = [line("solution", "attacker", "sees and can do", "tried by"), rule(4)]
    for title, attacker, power, test in attackers():
        lines.append(line(title, attacker, power, f"`{test}`" if test.startswith("tests/") else test))
    return "\n".join(lines)


def _cell(row: Row) -> Callable[[str], str]:
    def of(when: str) -> str:
        steps = [step for step in row["steps"] if step["when"] == when]
        people = {step["who"] for step in steps}  # who do not wait for each other
        seconds = max((sum(s["seconds"] for s in steps if s["who"] == one) for one in people), default=0)
        return f"{len(steps)}, {seconds:.0f} s" if steps else "0"

    return of


def _told(row: Row) -> str:
    return str(sum(step["kind"] == "tell" and step["when"] in _WHEN for step in row["steps"]))


def _stays(row: Row) -> str:
    left = row["left"]["Bob"]
    parts = []
    if left["installed"]:
        parts.append(f"{left['installed']} files of what was installed, {left['mb']:.0f} MB")
    own = [*left["files"], *([f"{left['more']} more"] if left["more"] else [])]
    parts += [", ".join(f"`{name}`" if name.startswith("/") else name for name in own)] if own else []
    for kind in ("users", "interfaces", "processes"):
        parts += [f"{kind}: {', '.join(left[kind])}"] if left[kind] else []
    parts += [f"in the browser: {kept}"] if (kept := row.get("browser", {}).get("Bob")) else []
    return "; ".join(parts)
