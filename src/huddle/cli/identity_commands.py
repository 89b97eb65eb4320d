"""`huddle whoami`, `contacts`, `verify` and `forget`: what a person keeps on this machine."""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from huddle.cli.errors import complaints
from huddle.cli.home import KINDS, Home
from huddle.cli.text import clean
from huddle.errors import LocalError
from huddle.identity.contacts import Contact, Contacts
from huddle.identity.names import folded
from huddle.identity.native import NativeCrypto

_json_option = click.option("--json", "json_", is_flag=True, help="Print JSON and nothing else.")


@click.command("whoami")
@_json_option
@complaints
def whoami_command(json_: bool) -> None:
    """Show your identity: the did by which others know you. The first time, it is made."""
    home = Home()
    made = not home.has_identity()
    did = home.identity(NativeCrypto()).did
    if json_:
        click.echo(json.dumps({"did": did, "home": str(home.root), "made": made}))
        return
    click.echo(did)
    if made:
        click.echo(f"This identity was made just now; it is kept in {home.root}.", err=True)


@click.group("contacts", invoke_without_command=True)
@_json_option
@click.pass_context
@complaints
def contacts_group(context: click.Context, json_: bool) -> None:
    """Show whom you know. A contact is verified once you heard that person say the words."""
    if context.invoked_subcommand is not None:
        return
    contacts = Home().contacts()
    if json_:
        click.echo(json.dumps([asdict(contact) for contact in contacts.people], ensure_ascii=False))
        return
    if not contacts.people:
        click.echo("No contacts yet: the people of your sessions become contacts.")
        return
    table = Table(box=None)
    for column in ("Name", "Verified", "Last seen", "Did"):
        table.add_column(column, overflow="fold")
    for contact in contacts.people:
        seen = time.strftime("%Y-%m-%d %H:%M", time.localtime(contact.last_seen))
        verified = "[green]yes[/]" if contact.verified else "no"
        table.add_row(escape(clean(contact.name)), verified, seen, contact.did)
    Console().print(table)


@contacts_group.command("verify")
@click.argument("who", metavar="NAME|DID")
@complaints
def verify_contact_command(who: str) -> None:
    """Mark a contact as verified, once you have compared its did with the person's `huddle whoami`."""
    changed = Home().change_contacts(lambda contacts: contacts.verified([_one(contacts, who).did]))
    click.echo(f"{clean(_one(changed, who).name)} is verified.")


@contacts_group.command("remove")
@click.argument("who", metavar="NAME|DID")
@complaints
def remove_contact_command(who: str) -> None:
    """Forget a contact, for example one whose key has really changed."""
    gone: list[Contact] = []

    def without(contacts: Contacts) -> Contacts:
        gone.append(_one(contacts, who))
        return contacts.without(gone[0].did)

    Home().change_contacts(without)
    click.echo(f"{clean(gone[0].name)} is forgotten.")


def _one(contacts: Contacts, who: str) -> Contact:
    """The one contact that is meant by a did, its end, or a name."""
    meant = [contact for contact in contacts.people if contact.did == who] or [
        contact for contact in contacts.people if folded(contact.name) == folded(who)
    ]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise LocalError(f"{len(meant)} contacts are called {who}", hint="Give the did instead.")
    raise LocalError(f"{who} is no contact", hint="`huddle contacts` shows all of them.")


@click.command("verify")
@click.argument("record", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_json_option
@complaints
def verify_command(record: Path, json_: bool) -> None:
    """Check a session RECORD, offline: who took part, in which program, and that all of them signed it."""
    raise LocalError("records cannot be checked yet")


@click.command("forget")
@click.argument(
    "kinds", nargs=-1, type=click.Choice([*KINDS, "all"]), metavar="[identity|contacts|records|all]..."
)
@click.option("--yes", is_flag=True, help="Delete without asking.")
@_json_option
@complaints
def forget_command(kinds: tuple[str, ...], yes: bool, json_: bool) -> None:
    """List what Huddle keeps on this machine, and delete the kinds that you name."""
    home = Home()
    wanted = KINDS if "all" in kinds else tuple(kinds)
    items = [item for item in home.left_behind() if not kinds or item.kind in wanted]
    if not json_:
        for item in items:
            click.echo(f"{item.path}: {item.what}, {item.why}")
        if not items:
            click.echo(
                "Nothing of that is on this machine." if kinds else "Nothing of Huddle is on this machine."
            )
    if kinds and items:
        if not yes:
            if json_ or not sys.stdin.isatty():
                raise click.UsageError("Without a terminal to ask on, --yes must be given.")
            click.confirm("Delete this for good?", abort=True)
        items = home.forget(wanted)
    if json_:
        rows = [
            {"kind": item.kind, "path": str(item.path), "what": item.what, "why": item.why} for item in items
        ]
        click.echo(json.dumps({"deleted" if kinds else "kept": rows}, ensure_ascii=False))
    elif kinds and items:
        click.echo("Deleted.")
    elif items:
        click.echo("`huddle forget all` deletes it; `identity`, `contacts` or `records` only that.")
