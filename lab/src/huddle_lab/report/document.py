"""The tables of docs/evaluation.md, as Markdown: made of groups of rows that nothing speaks against."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from huddle_lab.markdown import line, rule
from huddle_lab.report import groups
from huddle_lab.report.groups import GroupKey, RowGroup, beside, over_links, seconds, set_up
from huddle_lab.report.least import by_model
from huddle_lab.report.statistic import Estimate
from huddle_lab.runs.rows import Row
from huddle_lab.study.scenarios import REFERENCE
from huddle_lab.traces import library

NONE = (
    "There are no rows yet that were measured on a quiet machine. `make evaluation` makes them and "
    "this document (as root, two hours, resumable)."
)
PHASES = ("page", "underlay", "invite", "meet", "link", "connect", "end")


def shown(found: Estimate | None, form: str) -> str:
    """A median with its interval."""
    if found is None:
        return ""
    interval = "" if found.low is None else f" ({found.low:{form}}–{found.high:{form}})"
    return f"{found.value:{form}}{interval}"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table without columns in which nothing stands; nothing where it has no lines."""
    if not lines:
        return ""
    used = [n for n in range(len(head)) if any(one[n] for one in lines)]
    text = [line(*(head[n] for n in used)), rule(len(used))]
    return "\n".join([*text, *(line(*(one[n] for n in used)) for one in lines)])


def undisturbed(found: Iterable[Row]) -> list[Row]:
    """Those that had the machine to themselves."""
    return [row for row in found if not any(mark.startswith(("busy", "late")) for mark in row["marks"])]


def quiet(found: Sequence[Row], enough: int) -> list[RowGroup]:
    """Of these rows the groups with so many undisturbed runs, but for those without any distance."""
    made = groups.group(undisturbed(found))
    return [one for one in made if len(one.rows) >= enough and one.key.scenario != REFERENCE]


def performance(found: Sequence[Row], places: Callable[[RowGroup], bool], enough: int) -> str:
    """Tables of all groups in these places."""
    some = [one for one in quiet(found, enough) if places(one)]
    if not some:
        return NONE
    out = left_out(found)
    parts = [about(some, out.total())]
    for demo, parties in dict.fromkeys((one.key.demo, one.key.parties) for one in some):
        these = _sorted([one for one in some if (one.key.demo, one.key.parties) == (demo, parties)])
        tables = [one for one in (times(these, out), links(these)) if one]
        heading = f"### {demo}, {parties} {'party' if parties == 1 else 'parties'}"
        parts += [text for one in ([heading, *tables] if tables else []) for text in ("", one)]
    parts += missing(found, enough)
    return "\n".join(parts)


def missing(found: Sequence[Row], enough: int) -> list[str]:
    """What failed, what was not run, and what was run too few times for a figure."""
    every = groups.group(found)
    failed = [one for one in every if one.failed]
    parts = ["", "Not finished:", ""] if failed else []
    parts += [f"- {_named(one)}: {one.failed}" for one in failed]
    ran = {one.key.network for one in quiet(found, 1)}
    absent = {one.key.network: one.not_run for one in every if one.not_run and one.key.network not in ran}
    if absent:
        parts += ["", "Not run:", "", *(f"- `{name}`: {why}" for name, why in absent.items())]
    few = [one for one in groups.group(undisturbed(found)) if 0 < len(one.rows) < enough]
    few = [one for one in few if one.key.scenario != REFERENCE]
    if few:
        parts += ["", f"Fewer than {enough} runs had the machine to themselves, and are not shown:", ""]
        out = left_out(found)
        parts += [f"- {_named(one)}: {len(one.rows)}, left out {out[one.key]}" for one in few]
    return parts


def left_out(found: Sequence[Row]) -> Counter[GroupKey]:
    """How many rows of each group others disturbed."""
    good = {id(row) for row in undisturbed(found)}
    return Counter(groups.key(row) for row in found if id(row) not in good)


def about(some: Sequence[RowGroup], disturbed: int) -> str:
    """Where and when, and how to read it."""
    rows = [row for one in some for row in one.rows]
    machine, versions = rows[0]["machine"], rows[0]["versions"]
    days = sorted({row["when"][:10] for row in rows})
    studies = ", ".join(dict.fromkeys(f"`{row['study']['name']}`" for row in rows))
    tcp = f", TCP with {machine['tcp'].upper()}" if machine.get("tcp") else ""
    return (
        f"{len(rows)} runs of {studies} on {', '.join(days)}, provider {rows[0]['provider']}; "
        f"{machine.get('cpu', '')}, {machine.get('cores', '')} cores{tcp}; Huddle {versions.get('huddle')}, "
        f"MPyC {versions.get('mpyc')}, Python {versions.get('python')}. "
        f"Left out because the machine had other work: {disturbed}. Medians with 95% confidence intervals. "
        "By plain: divided by MPyC by itself in the same place with the same seed. By model: divided by the "
        "least time, a simulation of the same computation where only computing and distance take time "
        "([lab.md](lab.md))."
    )


def times(some: Sequence[RowGroup], out: Mapping[GroupKey, int]) -> str:
    """How long it took; `out` is how many rows of a group were left out."""
    lines = []
    for one in some:
        plain = next((g for g in some if g.key.place == one.key.place and g.key.network == "plain"), None)
        compared = beside(plain, one) if plain and plain is not one else None
        lines.append(
            (
                one.label, f"`{one.key.network}`", shown(one.of(seconds), ".3f"), shown(compared, ".2f"),
                shown(one.of(by_model), ".2f"), shown(one.of(lambda row: row["rounds"]), ",.0f"),
                shown(one.of(set_up), ".2f"), str(len(one.rows)), str(out.get(one.key, 0) or ""),
            )
        )  # fmt: skip
    head = ("", "network", "seconds", "by plain", "by model", "rounds", "set-up, s", "n", "left out")
    return table(head, lines)


def links(some: Sequence[RowGroup]) -> str:
    """What the links bear, where a program measured it."""
    trip, rate = over_links("trip_ms"), over_links("mbit")
    lines = [
        (one.title, f"`{one.key.network}`", shown(one.of(trip), ".1f"), shown(one.of(rate), ",.0f"))
        for one in some
        if one.of(rate) is not None
    ]
    return table(("", "network", "there and back, ms", "one message of 8 MB, Mbit/s"), lines)


def setups(found: Sequence[Row], enough: int) -> str:
    """Set-up by phase, of all runs over a network in a place, whatever they computed afterwards."""
    lines, shown_here = [], quiet(found, enough)
    names = list(dict.fromkeys((one.title, one.key.network) for one in shown_here))
    titles = list(dict.fromkeys(title for title, _ in names))
    for place, network in sorted(names, key=lambda name: titles.index(name[0])):
        some = [one for one in shown_here if (one.title, one.key.network) == (place, network)]
        every = RowGroup(some[0].key, place, [row for one in some for row in one.rows], 0)
        phases = [every.of(lambda row, phase=phase: (row["setup"] or {}).get(phase)) for phase in PHASES]  # type: ignore[misc]
        cells = [shown(every.of(set_up), ".2f"), *("" if p is None else f"{p.value:.2f}" for p in phases)]
        lines.append((place, f"`{network}`", *cells, str(len(every.rows))))
    return table(("", "network", "set-up, s", *PHASES, "n"), lines)


def resources(found: Sequence[Row], enough: int) -> str:
    """What a computation takes of the machine and of the wire."""
    lines = []
    for one in _sorted(quiet(found, enough)):
        if one.key.scenario == "one-region" and one.key.parties > 1:
            cpu, memory = one.of(lambda row: row["cpu_s"]), one.of(lambda row: row["memory_mb"])
            cells = (shown(cpu, ".2f"), shown(memory, ".0f"), shown(one.of(on_the_wire), ".2f"))
            name = f"{one.key.demo}, {one.label}, {one.key.parties} parties"
            lines.append((name, f"`{one.key.network}`", *cells, str(len(one.rows))))
    return table(("", "network", "processor time, s", "memory, MB", "bytes on the wire", "n"), lines)


def on_the_wire(row: Row) -> float | None:
    """Bytes of all packets of a run, its set-up included, by those that the program sent; None if unknown."""
    trace = library.trace_of(row, library.shipped())
    passed = row["late"].get("bytes")
    if trace is None or not passed or not trace.total:
        return None
    return float(passed / trace.total)


def disturbed(found: Sequence[Row], places: Callable[[RowGroup], bool], enough: int) -> str:
    """What loss and pulled cables cost: by the same network where nothing is lost."""
    some, out = quiet(found, enough), left_out(found)
    lines = []
    for one in _sorted([one for one in some if places(one)]):
        same = (one.key.demo, one.key.size, one.key.parties, one.key.network)
        calm = next(
            (g for g in some if (*g.key.place[:3], g.key.network) == same and g.key.scenario == "rtt-80"),
            None,
        )
        more = shown(beside(calm, one), ".2f") if calm else ""
        most = max(one.values(seconds))
        failed = str(one.failed or "")
        lines.append(
            (one.title, f"`{one.key.network}`", shown(one.of(seconds), ".2f"), f"{most:.2f}", more, failed,
             str(len(one.rows)), str(out[one.key] or ""))
        )  # fmt: skip
    head = ("", "network", "seconds", "at most", "by undisturbed", "failed", "n", "left out")
    return table(head, lines) or "Not measured yet: `huddle lab run disturbed`."


def _sorted(some: Sequence[RowGroup]) -> list[RowGroup]:
    """By place, in their order."""
    places = list(dict.fromkeys(one.key.place for one in some))
    return sorted(some, key=lambda one: places.index(one.key.place))


def _named(one: RowGroup) -> str:
    return f"{one.key.demo} {one.key.size}, {one.key.parties} parties over {one.key.network}, {one.title}"
