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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huddle_lab.markdown import line, rule
from huddle_lab.report import document, figures, kept, matrix
from huddle_lab.report import runtimes as runtimes_report
from huddle_lab.report.charts import Figure
from huddle_lab.report.groups import RowGroup
from huddle_lab.runs import rows
from huddle_lab.runs.rows import Row
from huddle_lab.simulator import costs, validation
from huddle_lab.traces import library
from huddle_lab.usability import perform as usability_rows
from huddle_lab.usability import table as usability

ROOT = Path(__file__).parents[1]
SOURCE, TARGET = ROOT / "docs" / "evaluation.in.md", ROOT / "docs" / "evaluation.md"
KEPT = ROOT / "docs" / "results"
RUNTIMES = KEPT / "runtimes.jsonl"
SIMULATED = KEPT / "simulated.jsonl"  # by scripts/simulated.py
EFFORT = ROOT / "docs" / "effort.json"
USABILITY = KEPT / "usability.json"
WHEN = ("first", "again", "others", "another run", "afterwards")
OLDER = """\
These rows are of a part of `studies/quick.toml` and `studies/thesis.toml`, most of them run once (n), on a
machine whose TCP had BBR and not Linux's default; `make evaluation` makes those of
`studies/evaluation.toml`, and what it makes stands here then. They were chosen by an older rule that took
a sandboxed program's processor time for somebody else's, so that more were left out than had to be.
Parties in browsers drew other random numbers than those in terminals: compare theirs by their rounds, not
by plain. The lab lets them draw alike now."""
WHOLE = """\
All runs of a computation draw the same random numbers, those with which it sends the median number of bytes
of several seeds: so runs differ by network and machine, not by the luck of retries. No figure is of fewer
than seven runs."""
BBR = """\
These runs were made before the lab gave its machines Linux's default, CUBIC: they have this computer's BBR,
which paces, so that large messages over long ways, such as those of the CNN's two parties, took longer than a
simulation of CUBIC does."""


def plots(
    found: Sequence[Row], runtimes: Sequence[dict[str, Any]], cells: Sequence[matrix.Cell], enough: int
) -> dict[str, Figure]:
    """The plots of the document by name, each of what was measured undisturbed."""
    made = [one for one in document.quiet(found, enough) if is_calm(one)]
    demos = {name: [one for one in made if one.key.demo == name] for name in ("Secret Santa", "CNN")}
    low = {name: [one for one in some if one.key.size == "Low"] for name, some in demos.items()}
    three = {name: [one for one in some if one.key.parties == 3] for name, some in low.items()}
    drawn = {
        "distance": figures.by_distance(three["Secret Santa"]),
        "parties": figures.simulated_by_parties(cells, "CNN", "Low", "two-nearby"),
        "parts-santa": figures.parts(apart(three["Secret Santa"])),
        "parts-cnn": figures.parts(apart(three["CNN"])),
        "overhead": figures.overhead([*three["Secret Santa"], *three["CNN"]]),
        "runtimes": figures.runtimes(runtimes),
    }
    return {name: one for name, one in drawn.items() if one}


def is_calm(one: RowGroup) -> bool:
    """Whether nothing is lost there and no cable is pulled."""
    place = one.rows[0]["scenario"]
    return not place.get("loss") and not place.get("changes")


def apart(some: Sequence[RowGroup]) -> list[RowGroup]:
    """Those in one region, and those in the place that is furthest apart."""

    def far(one: RowGroup) -> float:
        return max(one.values(lambda row: row["one_way_ms"]), default=0.0)

    furthest = max(some, key=far).key.scenario if some else ""
    return [one for one in some if one.key.scenario in ("one-region", furthest)]


def validated() -> str:
    """Simulated times beside those emulated in one sitting, with the traces of their seeds."""
    path = KEPT / f"{kept.VALIDATION}.jsonl"
    if not path.is_file():
        return "Not measured yet: `huddle lab run validation`."
    found = rows.read(path)
    headers = library.headers(KEPT / "traces")
    tables = validation.markdown(validation.compare(found, headers, costs.derive(found)))
    day, tcp = found[0]["when"][:10], found[0]["machine"].get("tcp")
    head = f"Rows of `studies/{kept.VALIDATION}.toml` on {day}, made in one sitting on a quiet machine."
    return f"{head}{'' if tcp else f' {BBR}'}\n\n{tables}"


def effort(counted: dict[str, dict[str, dict[str, list[str]]]]) -> str:
    """How many steps, of host and guest."""
    text = [line("network", *WHEN), rule(len(WHEN) + 1)]
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


def written(results: Sequence[Path], runtimes: Path, whole: bool) -> tuple[str, dict[str, Figure]]:
    """The whole document, and the plots that it shows."""
    counted = json.loads(EFFORT.read_text(encoding="utf-8"))
    measured = runtimes_report.read(runtimes) if runtimes.is_file() else []
    found = [row for path in results for row in rows.read(path)]
    enough = kept.ENOUGH if whole else 1
    cells = matrix.read(SIMULATED)
    drawn = plots(found, measured, cells, enough)
    parts = {
        "rows": WHOLE if whole else OLDER,
        "performance": document.performance(found, is_calm, enough),
        "set-ups": document.setups(found, enough) or document.NONE,
        "resources": document.resources(found, enough) or document.NONE,
        "disturbed": document.disturbed(found, lambda one: not is_calm(one), enough),
        "simulated": matrix.markdown(cells, document.quiet(found, enough)),
        "validation": validated(),
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
    parser.add_argument("--results", type=Path, nargs="+", help="Default: those in docs/results.")
    parser.add_argument("--runtimes", type=Path, default=RUNTIMES)
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    whole = not options.results and kept.is_whole(KEPT)
    text, drawn = written(options.results or kept.files(KEPT), options.runtimes, whole)
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
