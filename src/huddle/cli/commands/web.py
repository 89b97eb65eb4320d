"""`huddle web`: the page for browsers. `check` tells whether a rendezvous serves this installation's."""

import hashlib
import re
import sys
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

import click

from huddle.cli.commands.vendor import vendor_command
from huddle.cli.errors import complaints
from huddle.cli.text import clean
from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous.server.site import INDEX, SUMS, find_site
from huddle.texts import t

_MOST = 64 << 20  # bytes of one file
_PATIENCE = 30.0
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


@click.group("web")
def web_group() -> None:
    """The page with which people take part from a browser."""


web_group.add_command(vendor_command)


@web_group.command("check")
@click.argument("url")
@complaints
def check_command(url: str) -> None:
    """Compare the page that the rendezvous at URL serves with the one in this installation.

    It is asked for every file of this installation's page, and for its front page as invitations open it.
    A server can still send others another page: this finds one that is old, or changed for all.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise LocalError(
            f"{clean(url)} is no address of a rendezvous.", hint="Such as https://huddle.example"
        )
    root = find_site()
    if root is None:
        raise LocalError(
            "There is no page in this installation to compare with.",
            hint="In a checkout scripts/build-web makes it.",
        )
    base = url.rstrip("/")
    wanted = {name: digest for digest, name in _LINE.findall((root / SUMS).read_text(encoding="utf-8"))}
    asked = wanted | {"": wanted[INDEX], "j": wanted[INDEX]}
    other = [name for name, digest in asked.items() if _served(f"{base}/{quote(name)}") != digest]
    for name in other:
        click.echo(t("differs: {path}", path=f"/{name}"))
    if other:
        said = t("{url} serves another page than this installation has; of another version?", url=clean(base))
        click.echo(said)
        sys.exit(1)
    click.echo(
        t(
            "{url} serves this installation's page, in all its {count} files.",
            url=clean(base),
            count=len(wanted),
        )
    )


def _served(address: str) -> str:
    """The SHA-256 of what is there; empty where there is nothing."""
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as answer:  # noqa: S310 - http or https, see above
            return hashlib.sha256(answer.read(_MOST)).hexdigest()
    except urllib.error.HTTPError:
        return ""
    except OSError as error:
        raise RendezvousError(
            f"{clean(address)} can't be fetched: {clean(str(error))}.",
            hint="Is the address right, and the server up?",
        ) from error
