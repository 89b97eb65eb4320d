"""`huddle web vendor`: fetches packages once, so that a rendezvous can serve them to programs in browsers."""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from huddle.cli.errors import complaints
from huddle.cli.text import clean
from huddle.errors import LocalError, NetworkError
from huddle.rendezvous.server.packages import INDEX, LIST, Wheel, check_source, read_list, write_list
from huddle.rendezvous.server.site import find_site
from huddle.texts import t

DIRECTORY = "huddle-packages"
_MOST = 256 << 20  # bytes of one file
_PATIENCE = 30.0


@click.command("vendor")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.option(
    "--to",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DIRECTORY,
    show_default=True,
    help="Where they go; what is there already stays.",
)
@click.option("--from", "source", metavar="URL", help="Where they are; default: Pyodide's own distribution.")
@click.option(
    "--list",
    "list_",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A lock file of Pyodide's kind with their hashes; default: that of this installation's page.",
)
@complaints
def vendor_command(names: tuple[str, ...], directory: Path, source: str | None, list_: Path | None) -> None:
    """Fetch packages, such as numpy and gmpy2, that programs in browsers may import, and what they need.

    Each has to have the SHA-256 that the list says. A rendezvous serves them then: huddle serve --packages.
    """
    known, usual = _known(list_)
    base = check_source(source or usual or "")
    wanted = _with_needs(names, known)
    directory.mkdir(parents=True, exist_ok=True)
    index = directory / INDEX
    there = read_list(index) if index.exists() else {}
    for name, package in wanted.items():
        path = directory / package.file_name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == package.sha256:
            click.echo(t("{name} {version} is there.", name=name, version=package.version))
        else:
            size = _fetch(name, package, base + package.file_name, path)
            what = f"{name} {package.version}: {size / 1e6:.1f} MB"
            click.echo(t("{package}, and the hash is right.", package=what))
        there[name] = package
    write_list(index, there)
    command = f"huddle serve --packages {clean(str(directory))}"
    click.echo(t("Serve them with: {command}", command=command))


def usual_source() -> str:
    """Where Pyodide's own distribution is, as this installation's page says; raises LocalError."""
    return _known(None)[1]


def _known(list_: Path | None) -> tuple[Mapping[str, Wheel], str]:
    if list_ is not None:
        return read_list(list_), ""
    site = find_site()
    if site is None or not (site / LIST).is_file():
        raise LocalError(
            "There is no page for browsers in this installation, and so no list of packages.",
            hint="In a checkout scripts/build-web makes it; or name one with --list.",
        )
    return read_list(site / LIST), str(json.loads((site / LIST).read_text(encoding="utf-8"))["source"])


def _with_needs(names: Iterable[str], known: Mapping[str, Wheel]) -> dict[str, Wheel]:
    """These and all that they need."""
    found = dict[str, Wheel]()
    queue = [name.lower() for name in names]
    while queue:
        name = queue.pop(0)
        if name not in known:
            raise LocalError(
                f"The list has no package {clean(name)}.",
                hint="Only packages that were built for Pyodide work in a browser.",
            )
        if name not in found:
            found[name] = known[name]
            queue += known[name].depends
    return found


def _fetch(name: str, package: Wheel, address: str, path: Path) -> int:
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as answer:  # noqa: S310 - http or https, as checked
            data: bytes = answer.read(_MOST)
    except urllib.error.HTTPError as error:
        error.close()
        raise NetworkError(
            f"{name} is not at {address}: HTTP {error.code}.", hint="Is --from right?"
        ) from None
    except OSError as error:
        raise NetworkError(
            f"{address} can't be fetched: {clean(str(getattr(error, 'reason', error)))}.",
            hint="Is this machine connected to it?",
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if found != package.sha256:
        raise NetworkError(
            f"What {address} sends is not {name} {package.version}: its SHA-256 is {found}.",
            hint=f"It should be {package.sha256}. Nothing was kept of it.",
        )
    new = path.with_name(path.name + ".new")
    new.write_bytes(data)
    new.replace(path)
    return len(data)
