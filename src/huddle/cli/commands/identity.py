"""`huddle whoami`, `contacts`, `verify` and `forget`: what a person keeps on this machine."""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from huddle.cli import leftovers
from huddle.cli.confirm import confirm
from huddle.cli.errors import complaints
from huddle.cli.home import KINDS, Home, LeftBehind
from huddle.cli.text import clean, listing
from huddle.errors import LocalError
from huddle.identity.contacts import Contact, Contacts
from huddle.identity.native import NativeCrypto
from huddle.record.signed import MAX_FILE, RecordError, Report
from huddle.record.unfinished import UnfinishedReport, verify_either
from huddle.running import scratch
from huddle.texts import t, translated

LEFTOVERS = "leftovers"

_json_option = click.option("--json", "json_", is_flag=True, help="Print JSON and nothing else.")


@click.command("whoami")
@_json_option
@complaints
def whoami_command(json_: bool) -> None:
    """Show your identity: the did by which others know you. The first time, it is made."""
    home = Home()
    made = not home.has_identity()
    did = home.did(NativeCrypto()) or home.identity(NativeCrypto()).did
    if json_:
        click.echo(json.dumps({"did": did, "home": str(home.root), "made": made}))
        return
    click.echo(did)
    if made:
        click.echo(t("This identity is new; it is kept in {root}.", root=home.root), err=True)


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
        rows = [{**asdict(contact), "meeting": contact.meeting is not None} for contact in contacts.people]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    if not contacts.people:
        click.echo(
            t("No contacts yet: people become contacts once you have heard them say the words of a session.")
        )
        return
    table = Table(box=None)
    for column in (t("Name"), t("Verified"), t("Last seen"), t("Did")):
        table.add_column(column, overflow="fold")
    for contact in contacts.people:
        seen = time.strftime("%Y-%m-%d %H:%M", time.localtime(contact.last_seen))
        verified = f"[green]{t('yes')}[/]" if contact.verified else t("no")
        table.add_row(escape(clean(contact.name)), verified, seen, contact.did)
    Console(emoji=False).print(table)  # else the :key: of a did is a picture


@contacts_group.command("verify")
@click.argument("who", metavar="NAME|DID")
@complaints
def verify_contact_command(who: str) -> None:
    """Mark a contact as verified, once you have compared its did with the person's `huddle whoami`."""
    changed = Home().change_contacts(lambda contacts: contacts.verified([contacts.meant(who).did]))
    click.echo(t("{name} is verified.", name=clean(changed.meant(who).name)))


@contacts_group.command("remove")
@click.argument("who", metavar="NAME|DID")
@complaints
def remove_contact_command(who: str) -> None:
    """Forget a contact, for example one whose key has really changed."""
    gone: list[Contact] = []

    def without(contacts: Contacts) -> Contacts:
        gone.append(contacts.meant(who))
        return contacts.without(gone[0].did)

    Home().change_contacts(without)
    click.echo(t("{name} is forgotten.", name=clean(gone[0].name)))


@click.command("verify")
@click.argument("record", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_json_option
@complaints
def verify_command(record: Path, json_: bool) -> None:
    """Check a session RECORD, offline: who took part, in which program, and that all of them signed it.

    The record of a session that was cut short is signed by one party alone; it is shown, and the exit code
    is 1.
    """
    with record.open("rb") as file:
        data = file.read(MAX_FILE + 1)
    try:
        found = verify_either(NativeCrypto(), data)
    except RecordError as exc:
        raise LocalError(
            f"The record {record.name} is not valid: {exc}.",
            hint="Do not rely on it; ask another party for their copy.",
        ) from exc
    cut = found if isinstance(found, UnfinishedReport) else None
    report = found.report if isinstance(found, UnfinishedReport) else found
    if json_:
        click.echo(json.dumps(_as_json(report, cut), ensure_ascii=False))
    else:
        _show(report, cut)
    if cut is not None:
        sys.exit(1)


def _show(report: Report, cut: UnfinishedReport | None) -> None:
    home = Home()
    contacts, own = home.contacts(), home.did(NativeCrypto())
    count = len(report.roster)
    if cut is None:
        click.echo(t("The record is valid: all {count} parties signed it.", count=count))
    else:
        name = clean(report.roster[cut.party].name)
        click.echo(t("The record is valid and not complete: its session was cut short."))
        click.echo("  " + t("why: {reason}", reason=clean(translated(cut.reason))))
        click.echo("  " + t("All {count} parties signed who takes part and the first program.", count=count))
        click.echo("  " + t("What came then is the word of {name}, who alone signed this.", name=name))
    click.echo(
        t("Session {digest}, words: {words}", digest=report.digest.hex(), words=" ".join(report.words))
    )
    began, ended = _time(report.started), _time(report.ended)
    if cut is None:
        click.echo(t("From {began} to {ended} by the host's clock", began=began, ended=ended))
    else:
        click.echo(t("From {began} to {ended} by {name}'s clock", began=began, ended=ended, name=name))
    for member in report.roster:
        standing = "self" if member.did == own else contacts.standing(member.name, member.did)
        who = f"{clean(member.name)} ({translated(_STANDINGS[standing])}) {member.did}"
        click.echo("  " + t("party {pid}: {who}", pid=member.pid, who=who))
    for manifest, run in zip(report.manifests, report.runs, strict=True):
        program = manifest.program_digest.hex()
        what = f"{clean(manifest.entry)}, {clean(translated(_OUTCOMES.get(run.outcome, run.outcome)))}"
        line = t("run {number}: {what}, program {digest}", number=manifest.run, what=what, digest=program)
        click.echo(f"  {line}")
        for path in report.paths:
            if path.run == manifest.run:
                ends = listing([clean(report.roster[pid].name) for pid in (path.lower, path.higher)])
                click.echo(f"    {ends}: {clean(path.network)}, {clean(path.path)}")


_STANDINGS = {
    "self": "you",
    "new": "new to you",
    "known": "a contact, not verified",
    "verified": "a verified contact",
    "alarm": "NOT the key of your contact of this name",
}


_OUTCOMES = {"finished": "finished", "failed": "failed", "not ended": "not known how it ended"}


def _time(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return t("second {number}", number=seconds)  # a host may write any 64-bit number


def _as_json(report: Report, cut: UnfinishedReport | None) -> dict[str, Any]:
    """A report as JSON: digests and hashes in hexadecimal, times in seconds since 1970.

    `signed_by` are the pids of those who signed all of it, `cut_short` is why the session was, or null.
    """
    return {
        "cut_short": cut.reason if cut is not None else None,
        "signed_by": [cut.party] if cut is not None else [member.pid for member in report.roster],
        "digest": report.digest.hex(),
        "words": report.words,
        "parties": [asdict(member) for member in report.roster],
        "threshold": report.threshold,
        "started": report.started,
        "ended": report.ended,
        "runs": [
            {
                "run": manifest.run,
                "entry": manifest.entry,
                "program": manifest.program_digest.hex(),
                "args": manifest.args,
                "files": [
                    {"path": file.path, "size": file.size, "sha256": file.sha256.hex()}
                    for file in manifest.files
                ],
                "started": run.started,
                "ended": run.ended,
                "outcome": run.outcome,
            }
            for manifest, run in zip(report.manifests, report.runs, strict=True)
        ],
        "paths": [asdict(path) for path in report.paths],
    }


@click.command("forget")
@click.argument(
    "kinds",
    nargs=-1,
    type=click.Choice([*KINDS, LEFTOVERS, "all"]),
    metavar="[identity|contacts|records|invitations|leftovers|all]...",
)
@click.option("--yes", is_flag=True, help="Delete without asking.")
@_json_option
@complaints
def forget_command(kinds: tuple[str, ...], yes: bool, json_: bool) -> None:
    """List what Huddle keeps on this machine, and delete the kinds that you name.

    `leftovers` are the directories of sessions that crashed or were killed.
    """
    home = Home()
    wanted = (*KINDS, LEFTOVERS) if not kinds or "all" in kinds else tuple(kinds)
    items = [item for item in (*home.left_behind(), *_leftovers()) if item.kind in wanted]
    if not json_:
        for item in items:
            click.echo(f"{item.path}: {translated(item.what)}, {translated(item.why)}")
        if not items:
            click.echo(
                t("Nothing of that is on this machine.")
                if kinds
                else t("Nothing of Huddle is on this machine.")
            )
    if kinds and items:
        if not yes:
            if json_ or not sys.stdin.isatty():
                raise click.UsageError(t("Without a terminal to ask on, --yes must be given."))
            confirm(t("Delete this for good?"))
        items = home.forget(wanted) + [item for item in _leftovers(wanted) if scratch.remove(item.path)]
    if json_:
        rows = [
            {"kind": item.kind, "path": str(item.path), "what": item.what, "why": item.why} for item in items
        ]
        click.echo(json.dumps({"deleted" if kinds else "kept": rows}, ensure_ascii=False))
    elif kinds and items:
        click.echo(t("Deleted."))
    elif items:
        names = ", ".join(f"`{kind}`" for kind in (*KINDS, LEFTOVERS))
        click.echo(t("`huddle forget all` deletes it; {names} only that.", names=names))


def _leftovers(wanted: tuple[str, ...] = (LEFTOVERS,)) -> list[LeftBehind]:
    if LEFTOVERS not in wanted:
        return []
    what, why = "the directory of a session", "it crashed or was killed"
    return [LeftBehind(LEFTOVERS, path, what, why) for path in leftovers.directories()]
