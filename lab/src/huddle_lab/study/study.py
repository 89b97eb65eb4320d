"""A study: what is to be measured, as a person writes it in TOML (docs/lab.md has all settings).

Parsed strictly; a mistake is a LocalError that says where it is. Programs are read here, so that a study in
memory holds all that its runs depend on. Knows no machines and runs nothing.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from huddle.errors import LocalError
from huddle_lab.study import parsing
from huddle_lab.study.parsing import Table, wrong
from huddle_lab.study.scenarios import Scenario, scenarios, shipped
from huddle_lab.study.variants import MOST, Variant, variants

PROVIDERS = ("netns", "ssh", "cloud")
MOST_PARTIES = 20


@dataclass(frozen=True, slots=True)
class Size:
    """How much a demo has to do, as arguments of its program."""

    name: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Demo:
    """An MPyC program to measure: its entry, its files by relative path, its sizes."""

    name: str
    entry: str
    sizes: tuple[Size, ...]
    files: dict[str, bytes] = field(repr=False)
    repetitions: int = MOST  # at most so many, where the study has more
    scenarios: tuple[str, ...] = ()  # all, if none is named
    draws: Mapping[str, Mapping[int, int]] = field(default_factory=dict)  # by size and parties: whose numbers

    @property
    def digest(self) -> str:
        """Of all its files."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{len(name)} {name} {len(content)} ".encode() + content)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Study:
    """provider x scenario x network x demo x size x parties x repetitions, and the seed."""

    name: str
    provider: str
    backend: str
    networks: tuple[Variant, ...]
    scenarios: tuple[Scenario, ...]
    parties: tuple[int, ...]
    repetitions: int
    attempts: int
    timeout: float
    seed: int
    demos: tuple[Demo, ...]
    digest: str
    hosts: Path | None = None  # of the provider ssh
    cloud: Path | None = None  # of the provider cloud


_PACKAGE = Path(__file__).resolve().parents[1]
# In an installed lab, and in a checkout.
FOLDERS = (_PACKAGE / "studies", _PACKAGE.parents[2] / "studies")


def studies() -> dict[str, Path]:
    """The studies that come with the lab, by name, such as `quick`."""
    for folder in FOLDERS:
        if found := sorted(folder.glob("*.toml")):
            return {path.stem: path for path in found}
    return {}


def load(path: Path, find: Callable[[str], Path], hosts: Path | None = None) -> Study:
    """Read a study; `find` gives the path of one of Huddle's own programs, or raises LocalError.

    `hosts` is a hosts file in place of the machines of which the study speaks.
    """
    table = parsing.load(path)
    provider = _one_of(table, "provider", PROVIDERS, "netns")
    of_hosts, of_cloud = table.text("hosts", ""), table.text("cloud", "")
    if hosts is not None:
        provider = "ssh"
    elif of_hosts:
        hosts = path.parent / of_hosts
    if provider == "ssh" and hosts is None:
        raise wrong(path.name, "the provider ssh needs hosts", 'Add hosts = "FILE", or say --hosts FILE.')
    if provider == "cloud" and not of_cloud:
        raise wrong(path.name, "the provider cloud needs its file", 'Add cloud = "FILE"; see docs/lab.md.')
    chosen = _choose(table, elsewhere=provider != "netns")
    networks = variants(table, table.texts("networks"), table.table("network", optional=True))
    study = Study(
        name=table.text("name", path.stem),
        provider=provider,
        backend=_one_of(table, "backend", ("emulator", "netem"), "emulator"),
        networks=networks,
        scenarios=chosen,
        parties=table.counts("parties", 1, MOST_PARTIES),
        repetitions=table.count("repetitions", 1, MOST, 3),
        attempts=table.count("attempts", 1, 10, 3),
        timeout=table.number("timeout", 1, 86_400, 600),
        seed=table.count("seed", 0, 2**63, 1),
        demos=tuple(_demo(one, path.parent, find) for one in table.tables("demos")),
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        hosts=hosts if provider == "ssh" else None,
        cloud=path.parent / of_cloud if provider == "cloud" else None,
    )
    table.end()
    if provider != "netns":
        study = replace(study, backend="hosts")
    for demo in study.demos:
        if unknown := set(demo.scenarios) - {one.name for one in chosen}:
            raise wrong(path.name, f"{demo.name}: there is no scenario {', '.join(sorted(unknown))} here")
    names = [demo.name for demo in study.demos]
    if len(set(names)) != len(names):
        raise wrong(path.name, "two demos have the same name")
    for network in networks:
        if unknown := set(network.demos) - set(names):
            raise wrong(
                f"{path.name} [network.{network.name}]",
                f"there is no demo {', '.join(sorted(unknown))}",
                f"There are {', '.join(names)}.",
            )
    return study


def instead(study: Study, program: Path, args: tuple[str, ...] = ()) -> Study:
    """The same study of this one program, in place of its demos."""
    try:
        files = {program.name: program.read_bytes()}
    except OSError as exc:
        raise LocalError(f"{program} can't be read: {exc.strerror}") from exc
    demo = Demo(program.stem.replace("_", " "), program.name, (Size("", args),), files)
    return replace(study, demos=(demo,))


def _choose(table: Table, *, elsewhere: bool) -> tuple[Scenario, ...]:
    regions, own = shipped()
    mine = scenarios(table.table("scenario", optional=True), None if elsewhere else regions)
    every = {**own, **mine}
    names = table.texts("scenarios")
    for name in names:
        if name not in every:
            raise wrong(
                table.place,
                f"there is no scenario {name}",
                f"There are {', '.join(every)}; or add a table [scenario.{name}].",
            )
    return tuple(every[name] for name in names)


def _one_of(table: Table, name: str, known: tuple[str, ...], default: str) -> str:
    value = table.text(name, default)
    if value not in known:
        raise wrong(table.place, f"there is no {name} {value}", f"There is {', '.join(known)}.")
    return value


def _demo(table: Table, folder: Path, find: Callable[[str], Path]) -> Demo:
    program = table.text("program")
    path = folder / program
    if not path.is_file():
        try:
            path = find(program)
        except LocalError as exc:
            hint = "Give a path from the study's own directory, or one of Huddle's programs."
            raise wrong(table.place, f"there is no program {program}", hint) from exc
    files = {}
    for name in (path.name, *table.texts("include", empty=True)):
        try:
            files[name] = (path.parent / name).read_bytes()
        except OSError as exc:
            raise wrong(table.place, f"{name} can't be read: {exc.strerror}") from exc
    named = table.text("name", path.stem.replace("_", " "))
    rows = table.table("sizes", optional=True)
    sizes = tuple(Size(name, rows.texts(name, empty=True, different=False)) for name in rows.keys())
    repetitions = table.count("repetitions", 1, MOST, MOST)
    places = table.texts("scenarios", empty=True)
    drawn = table.table("draws", optional=True)
    sizes = sizes or (Size("", ()),)
    draws = {size.name: _draws(drawn.table(size.name)) for size in sizes if size.name in drawn.keys()}
    drawn.end()
    table.end()
    return Demo(named, path.name, sizes, files, repetitions, places, draws)


def _draws(table: Table) -> dict[int, int]:
    """Of each number of parties: the repetition whose numbers all of its runs draw."""
    found = {}
    for name in table.keys():
        if not name.isdecimal() or not 1 <= int(name) <= MOST_PARTIES:
            raise wrong(table.place, f"{name} is no number of parties")
        found[int(name)] = table.count(name, 0, MOST)
    return found
