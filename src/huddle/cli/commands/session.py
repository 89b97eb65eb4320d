"""`huddle host`, `join` and `proxy`: from what was typed to a session, its screen and its exit code."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

from huddle.ceremony.messages import MAX_PARTIES
from huddle.cli import network_options
from huddle.cli.arguments import TAKEN, GuestCommand, ProgramCommand
from huddle.cli.clashes import warning
from huddle.cli.errors import complaints
from huddle.cli.expect import read_expected
from huddle.cli.forms import asked, shared_only
from huddle.cli.home import Home
from huddle.cli.named_path import NamedPath
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.program_files import Source, load, told
from huddle.cli.program_source import ProgramSource
from huddle.cli.proposal import for_guest, for_host
from huddle.cli.run_party import networks_of, run_party
from huddle.cli.session_options import Local, local_options
from huddle.cli.text import clean
from huddle.groups import MAX_GUESTS
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.session.calling import called
from huddle.session.party import Party
from huddle.session.plans import GroupsPlan, GuestPlan, HostPlan
from huddle.session.platform import Platform
from huddle.session.room_keeping import RoomKeeper
from huddle.session.samples import samples
from huddle.session.settings import Settings
from huddle.texts import t

if TYPE_CHECKING:
    from huddle.session.classroom import Classroom

_Command = Callable[..., Any]


def _counted(context: click.Context, _option: click.Parameter, parties: int | None) -> int | None:
    if parties is None and not context.params.get("with_"):
        raise click.UsageError(t("Say how many take part: --parties N."), context)
    return parties


@click.command("host", cls=ProgramCommand, context_settings={"allow_interspersed_args": False})
@click.argument("program", type=NamedPath("program", samples))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--parties",
    "-M",
    type=click.IntRange(2, MAX_PARTIES),
    callback=_counted,
    help="How many, with you; with --groups: how many in each group; with --with: you and those.",
)
@click.option(
    "--groups",
    type=click.IntRange(1, MAX_GUESTS // 2),
    help="Host so many groups at once, by one link, and be in none of them.",
)
@click.option(
    "--threshold", "-T", type=int, help="MPyC's threshold; default: the most that is safe, (parties-1)//2."
)
@click.option("--include", multiple=True, metavar="GLOB", help="More files that travel with the program.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Files that do not.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The directory of the whole program; default: the one that PROGRAM is in.",
)
@click.option("--no-prss", is_flag=True, help="MPyC's --no-prss; for more than about 15 parties.")
@click.option(
    "--again",
    is_flag=True,
    help="Come back to your last session, if it died before its start: the link that you sent leads there.",
)
@click.option("--stay", is_flag=True, help="Stay together for more runs.")
@click.option("--yes", is_flag=True, help="Let in contacts only, and start, without asking.")
@click.option("--open", "open_", is_flag=True, help="Let in WHOEVER holds the invitation, and start.")
@click.option(
    "--ask-each", is_flag=True, help="Ask about each guest as they knock, not about all when they are there."
)
@click.option(
    "--expect",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Whom you expect, one name a line: you are asked about all others, and see who is missing.",
)
@click.option(
    "--with",
    "with_",
    multiple=True,
    is_eager=True,  # before --parties, for which it stands
    metavar="NAME",
    help="Call this verified contact, who needs no link: `huddle join YOU`. As often as you like.",
)
@click.option("--allow", multiple=True, metavar="DID", help="Let this party in without asking.")
@click.option(
    "--private", "private_args", multiple=True, metavar="ARG", help="An argument of your own, never sent."
)
@network_options.hosting_options
@local_options
@complaints
def host_command(  # noqa: PLR0913 - click gives an argument an option
    program: Path,
    args: tuple[str, ...],
    parties: int | None,
    groups: int | None,
    threshold: int | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    root: Path | None,
    no_prss: bool,
    again: bool,
    stay: bool,
    yes: bool,
    open_: bool,
    ask_each: bool,
    expect: Path | None,
    with_: tuple[str, ...],
    allow: tuple[str, ...],
    private_args: tuple[str, ...],
    **local: Unpack[Local],
) -> None:
    """Host a session that runs PROGRAM with ARGs, the same for all parties.

    PROGRAM is a file, or the name of a program that comes with Huddle, such as average_salary.

    Options of huddle may stand before or behind PROGRAM; all that it does not know, and all that follows
    --, belongs to the program.
    """
    dids = _called(with_, other=open_ or groups is not None or local["pseudonym"])
    parties = parties or len(dids) + 1
    if parties <= len(dids):
        raise click.UsageError(t("--parties counts you, too: there is no seat for all whom you call."))
    expected = None if expect is None else read_expected(expect)
    if expected is not None and open_:
        raise click.UsageError(t("--open lets everybody in, so --expect has no use."))
    network_options.check_host(networks_of(local["network"]), network_options.set_options(local))
    at_terminal = sys.stdin.isatty() and not (yes or open_ or local["json_"])
    choose = for_host(program.name, ask=at_terminal, modules=yes or open_)
    # Read again before a later run, when root has become somebody else, who is elsewhere.
    where = Source(program.absolute(), include, exclude, None if root is None else root.absolute())
    mine = load(where, args, choose)
    if clash := warning(program.name, click.get_current_context().meta.get(TAKEN, ()), mine.files):
        click.secho(clean(clash), fg="yellow", err=True)
    if open_ and not local["json_"]:
        click.secho(t("--open: whoever holds the invitation comes in."), fg="yellow", err=True)
    if groups is not None:
        if again:
            raise click.UsageError(
                t(
                    "--again can't bring back a class: host it anew without --again, and send the new link. "
                    "Groups that have begun go on by themselves."
                )
            )
        if private_args or local["input_files"]:
            raise click.UsageError(t("With --groups you are in no group: --private and --input have no use."))
        mine = shared_only(mine, ask=at_terminal)
    else:
        mine, private_args, local["input_files"] = asked(
            mine, private_args, local["input_files"], ask=at_terminal
        )
    if not local["json_"]:
        for line in told(mine, len(private_args), len(local["input_files"])):
            click.echo(line)
    plan = HostPlan(
        program=mine,
        parties=parties,
        threshold=threshold,
        no_prss=no_prss,
        stay=stay,
        record=local["record"] is not None,
        rendezvous=local["rendezvous"],
        expected=expected,
        lobby=at_terminal,
        called=dids,
    )
    policy = HostPolicy(
        yes,
        open_,
        frozenset(allow),
        frozenset(dids),
        ask_each,
        parties,
        expected,
        lobby=at_terminal,
        standing=at_terminal and groups is None,
    )

    def make(
        chosen: Settings, identity: Identity, contacts: Contacts, machine: Platform, rooms: RoomKeeper
    ) -> "Party | Classroom":
        if groups is not None:
            from huddle.session.classroom import Classroom  # only who hosts a class waits for it

            return Classroom(GroupsPlan(plan, groups), chosen, identity, contacts, machine)
        return Party(plan, chosen, identity, contacts, surroundings=machine, rooms=rooms)

    planned = parties if groups is None else groups * parties + 1
    source = ProgramSource(where, mine)
    deals = groups is not None
    sys.exit(
        run_party(make, policy, local, private_args, planned=planned, source=source, again=again, deals=deals)
    )


def _called(names: tuple[str, ...], *, other: bool) -> tuple[str, ...]:
    """The dids of the contacts that are meant; LocalError where one is none, or can't be found by name."""
    if not names:
        return ()
    if other:
        raise click.UsageError(t("--with can't stand beside --open, --groups or --pseudonym."))
    return called(Home().contacts(), names)


def join_options(command: _Command) -> _Command:
    """Add the options of a guest, for `join` and `proxy`."""
    options = [
        click.argument("invitation", metavar="LINK-CODE-OR-NAME"),
        click.argument("private_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PRIVATE-ARG...]"),
        click.option(
            "--program",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Your own copy of the program; the host's must be the same.",
        ),
        click.option(
            "--include", multiple=True, metavar="GLOB", help="With --program: more files that belong to it."
        ),
        click.option("--exclude", multiple=True, metavar="GLOB", help="With --program: files that do not."),
        click.option(
            "--root",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            metavar="DIR",
            help="With --program: the directory of the whole program.",
        ),
        click.option(
            "--threshold",
            "-T",
            type=int,
            help="With --program: the threshold that the host must have chosen.",
        ),
        click.option("--no-prss", is_flag=True, help="With --program: the host must have chosen --no-prss."),
        click.option(
            "--program-digest", metavar="HEX", help="The program's digest, as you got it elsewhere."
        ),
        click.option(
            "--yes",
            is_flag=True,
            help="Accept without asking: a verified host, or with --program(-digest).",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return local_options(command)


@click.command("join", cls=GuestCommand)
@join_options
@complaints
def join_command(**options: Any) -> None:
    """Join a session by its link, its spoken code, or the name of a contact who calls you.

    What follows `--` are arguments of your own for the program; they never leave this machine.
    """
    _join(**options)


@click.command("proxy", cls=GuestCommand)
@join_options
@complaints
def proxy_command(**options: Any) -> None:
    """Join a session with an MPyC that you start by hand, in a notebook or a debugger.

    Nothing is run here: the session's links become ports of this machine, and you get the arguments that
    MPyC needs to find them.
    """
    _join(by_hand=True, **options)


def _join(  # noqa: PLR0913 - click gives an argument an option
    *,
    invitation: str,
    private_args: tuple[str, ...],
    program: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    root: Path | None,
    threshold: int | None,
    no_prss: bool,
    program_digest: str | None,
    yes: bool,
    by_hand: bool = False,
    **local: Unpack[Local],
) -> None:
    mine = load(Source(program, include, exclude, root), (), for_guest) if program is not None else None
    at_terminal = sys.stdin.isatty() and not (yes or local["json_"])
    plan = GuestPlan(
        invitation=invitation,
        rendezvous=local["rendezvous"],
        own=mine,
        digest=program_digest,
        record=local["record"] is not None,
        threshold=threshold,
        no_prss=no_prss,
        patient=at_terminal,
    )
    policy = GuestPolicy(
        yes,
        pinned=program is not None or program_digest is not None,
        lobby=at_terminal,
        taken=click.get_current_context().meta.get(TAKEN, ()),
    )
    sys.exit(
        run_party(
            lambda chosen, identity, contacts, machine, rooms: Party(
                plan, replace(chosen, by_hand=by_hand), identity, contacts, surroundings=machine
            ),
            policy,
            local,
            private_args,
        )
    )
