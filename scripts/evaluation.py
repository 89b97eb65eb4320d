"""Writes docs/evaluation.md: docs/evaluation.in.md with tables and plots of rows, and counted steps.

    .venv/bin/python scripts/evaluation.py [--results FILE…] [--runtimes FILE]
    .venv/bin/python scripts/evaluation.py --check      1 where the file is not what this would write

Rows that were marked busy or late are left out and counted: the machine had other work. Where there are no
rows the document says how to make them, so that no figure stands in it that nobody measured.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huddle_lab.report import figures, groups, matrix
from huddle_lab.report import runtimes as runtimes_report
from huddle_lab.report.charts import Figure
from huddle_lab.report.groups import GroupKey, RowGroup, beside, over_links, seconds, set_up
from huddle_lab.report.least import by_model
from huddle_lab.report.statistic import Estimate
from huddle_lab.runs import rows
from huddle_lab.runs.rows import Row
from huddle_lab.study.scenarios import REFERENCE
from huddle_lab.usability import perform as usability_rows
from huddle_lab.usability import table as usability

ROOT = Path(__file__).parents[1]
SOURCE, TARGET = ROOT / "docs" / "evaluation.in.md", ROOT / "docs" / "evaluation.md"
KEPT = ROOT / "docs" / "results"  # the rows that the document is made of; others are not kept
RUNTIMES = KEPT / "runtimes.jsonl"
SIMULATED, VALIDATION = (
    KEPT / "simulated.jsonl",
    KEPT / "validation.md",
)  # scripts/simulated.py, huddle lab validate
EFFORT = ROOT / "docs" / "effort.json"
USABILITY = KEPT / "usability.json"
NONE = (
    "There are no rows yet that were measured on a quiet machine. `make evaluation` makes them and "
    "this document (as root, about an hour and a half, resumable)."
)
WHEN = ("first", "again", "others", "another run", "afterwards")


def shown(found: Estimate | None, form: str) -> str:
    """A median with its interval."""
    if found is None:
        return ""
    interval = "" if found.low is None else f" ({found.low:{form}}–{found.high:{form}})"
    return f"{found.value:{form}}{interval}"


def line(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def performance(found: Sequence[Row]) -> str:
    """Tables of all groups with rows that nothing speaks against."""
    quiet = undisturbed(found)
    made = [one for one in groups.group(quiet) if one.rows]
    finished = [row for row in quiet if row["outcome"] == "finished"]
    if not finished:
        return NONE
    parts = [about(finished, len(found) - len(quiet))]
    out = Counter(groups.key(row) for row in found if row not in quiet)
    for demo, parties in dict.fromkeys((one.key.demo, one.key.parties) for one in made):
        some = [one for one in made if (one.key.demo, one.key.parties) == (demo, parties)]
        places = list(dict.fromkeys(one.key.place for one in some))
        some.sort(key=lambda one: places.index(one.key.place))
        tables = [one for one in (times(some, out), links(some)) if one.count("\n") > 1]
        heading = f"### {demo}, {parties} {'party' if parties == 1 else 'parties'}"
        parts += [text for one in ([heading, *tables] if tables else []) for text in ("", one)]
    failed = [one for one in groups.group(found) if one.failed]
    if failed:
        parts += ["", "Not finished:", ""]
        parts += [
            f"- {one.key.demo} {one.key.size}, {one.key.parties} parties over {one.key.network}, "
            f"{one.title}: {one.failed}"
            for one in failed
        ]
    ran = {one.key.network for one in made}
    absent = {
        one.key.network: one.not_run
        for one in groups.group(found)
        if one.not_run and one.key.network not in ran
    }
    if absent:
        parts += ["", "Not run:", "", *(f"- `{name}`: {why}" for name, why in absent.items())]
    return "\n".join(parts)


def undisturbed(found: Sequence[Row]) -> list[Row]:
    """Those that had the machine to themselves."""
    return [row for row in found if not any(mark.startswith(("busy", "late")) for mark in row["marks"])]


def plots(found: Sequence[Row], runtimes: Sequence[dict[str, Any]]) -> dict[str, Figure]:
    """The plots of the document by name, each of what was measured undisturbed."""
    made = [one for one in groups.group(undisturbed(found)) if one.rows and one.key.scenario != REFERENCE]
    demos = {name: [one for one in made if one.key.demo == name] for name in ("Secret Santa", "CNN")}
    low = {name: [one for one in some if one.key.size == "Low"] for name, some in demos.items()}
    three = {name: [one for one in some if one.key.parties == 3] for name, some in low.items()}
    drawn = {
        "distance": figures.by_distance(three["Secret Santa"]),
        "parties": figures.by_parties(demos["Secret Santa"]),
        "parts-santa": figures.parts(apart(three["Secret Santa"])),
        "parts-cnn": figures.parts(apart(three["CNN"])),
        "overhead": figures.overhead([*three["Secret Santa"], *three["CNN"]]),
        "runtimes": figures.runtimes(runtimes),
    }
    return {name: one for name, one in drawn.items() if one}


def apart(some: Sequence[RowGroup]) -> list[RowGroup]:
    """Those in one region, and those in the place that is furthest apart."""

    def far(one: RowGroup) -> float:
        return max(one.values(lambda row: row["one_way_ms"]), default=0.0)

    furthest = max(some, key=far).key.scenario if some else ""
    return [one for one in some if one.key.scenario in ("one-region", furthest)]


def links(some: Sequence[RowGroup]) -> str:
    """What the links bear, where a program measured it."""
    trip, rate = over_links("trip_ms"), over_links("mbit")
    text = [line("", "network", "there and back, ms", "one message of 8 MB, Mbit/s"), line(*["---"] * 4)]
    for one in some:
        if one.of(rate) is None:
            continue
        text.append(
            line(one.title, f"`{one.key.network}`", shown(one.of(trip), ".1f"), shown(one.of(rate), ",.0f"))
        )
    return "\n".join(text)


def about(quiet: Sequence[Row], left_out: int) -> str:
    """Where and when, and how to read it."""
    first, machine = quiet[0], quiet[0]["machine"]
    days = sorted({row["when"][:10] for row in quiet})
    studies = ", ".join(dict.fromkeys(f"`{row['study']['name']}`" for row in quiet))
    versions = first["versions"]
    return (
        f"{len(quiet)} runs of {studies} on {', '.join(days)}, provider {first['provider']}; "
        f"{machine.get('cpu', '')}, {machine.get('cores', '')} cores; Huddle {versions.get('huddle')}, "
        f"MPyC {versions.get('mpyc')}, Python {versions.get('python')}. "
        f"Left out because the machine had other work: {left_out}. Medians with 95% confidence intervals. "
        "By plain: divided by MPyC by itself in the same place with the same seed. By model: divided by the "
        "least time, a simulation of the same computation where only computing and distance take time "
        "([lab.md](lab.md))."
    )


def times(some: Sequence[RowGroup], out: Mapping[GroupKey, int]) -> str:
    """One table; `out` is how many rows of a group were left out."""
    text = [
        line("", "network", "seconds", "by plain", "by model", "rounds", "set-up, s", "n", "left out"),
        line(*["---"] * 9),
    ]
    for one in some:
        plain = next((g for g in some if g.key.place == one.key.place and g.key.network == "plain"), None)
        if one.key.scenario == REFERENCE and one is plain:
            continue  # only for the model
        compared = beside(plain, one) if plain and plain is not one else None
        text.append(
            line(
                f"{one.title}{f', {one.key.size}' if one.key.size else ''}", f"`{one.key.network}`",
                shown(one.of(seconds), ".3f"), shown(compared, ".2f"), shown(one.of(by_model), ".2f"),
                shown(one.of(lambda row: row["rounds"]), ",.0f"), shown(one.of(set_up), ".2f"),
                str(len(one.rows)), str(out.get(one.key, 0) or ""),
            )
        )  # fmt: skip
    return "\n".join(text)


def effort(counted: dict[str, dict[str, dict[str, list[str]]]]) -> str:
    """How many steps, of host and guest."""
    text = [line("network", *WHEN), line(*["---"] * (len(WHEN) + 1))]
    for network, steps in counted.items():
        cells = [
            f"{len(steps[when]['host'])} + {len(steps[when]['guest'])}" if when in steps else ""
            for when in WHEN
        ]
        text.append(line(f"`{network}`", *cells))
    return (
        "\n".join(text)
        + "\n\nhost + guest; *first*: people who never met; *again*: the same people another day; "
        "*others*: the host with other people; *another run*: in the same session; "
        "*afterwards*: until nothing is left."
    )


def steps(counted: dict[str, dict[str, dict[str, list[str]]]]) -> str:
    """What they are, networks with the same ones together."""
    together: dict[str, list[str]] = {}
    for network, one in counted.items():
        together.setdefault(json.dumps(one), []).append(f"`{network}`")
    text = []
    for key, networks in together.items():
        one = json.loads(key)
        text.append(f"{', '.join(networks)}:")
        text.append("")
        for when in (when for when in WHEN if when in one):
            said = [f"{who}: {'; '.join(one[when][who])}" for who in ("host", "guest") if one[when][who]]
            text.append(f"- {when}: {'. '.join(said) or 'nothing'}")
        text.append("")
    return "\n".join(text).rstrip()


def document(results: Sequence[Path], runtimes: Path) -> tuple[str, dict[str, Figure]]:
    """The whole document, and the plots that it shows."""
    counted = json.loads(EFFORT.read_text(encoding="utf-8"))
    measured = runtimes_report.read(runtimes) if runtimes.is_file() else []
    found = [row for path in results for row in rows.read(path)]
    drawn = plots(found, measured)
    parts = {
        "performance": performance(found),
        "simulated": matrix.markdown(matrix.read(SIMULATED), groups.group(undisturbed(found))),
        "validation": VALIDATION.read_text(encoding="utf-8").strip(),
        "runtimes": runtimes_report.markdown(measured)
        if measured
        else "Not measured on a quiet machine yet: `scripts/runtimes`, then `huddle lab runtimes`.",
        "effort": effort(counted),
        "steps": steps(counted),
        "by doing": usability.usability(usability_rows.read(USABILITY)),
        "attackers": usability.security(),
    }
    text = SOURCE.read_text(encoding="utf-8")
    for name, content in parts.items():
        text = text.replace("{{" + name + "}}", content)

    def picture(match: re.Match[str]) -> str:
        one = drawn.get(match[1])
        return f"![{one.says}](plots/{match[1]}.svg)" if one else "No rows for this plot yet."

    return re.sub(r"\{\{plot ([a-z-]+)\}\}", picture, text), drawn


def is_drawn(figure: Figure, path: Path) -> bool:
    """Whether that file is a drawing of it. Drawings themselves differ by the fonts of the machine."""
    return path.is_file() and path.read_text(encoding="utf-8").startswith(f"<!-- {figure.digest} -->")


def main() -> None:
    """As the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    kept = sorted(path for path in KEPT.glob("*.jsonl") if path not in (RUNTIMES, SIMULATED))
    parser.add_argument("--results", type=Path, nargs="+", default=kept)
    parser.add_argument("--runtimes", type=Path, default=RUNTIMES)
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    text, drawn = document(options.results, options.runtimes)
    folder = options.target.with_name("plots")
    stale = [name for name, one in drawn.items() if not is_drawn(one, folder / f"{name}.svg")]
    if options.check:
        sys.exit(0 if options.target.read_text(encoding="utf-8") == text and not stale else 1)
    options.target.write_text(text, encoding="utf-8")
    for name in stale:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.svg").write_text(drawn[name].svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
