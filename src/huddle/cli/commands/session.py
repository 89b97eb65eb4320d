"""`huddle host`, `join` and `proxy`: from what was typed to a session, its screen and its exit code."""

import getpass
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, TypedDict, Unpack, cast

import click
import uvloop

from huddle.ceremony.messages import MAX_PARTIES
from huddle.cli.archive import Archive, LocalArchive
from huddle.cli.arguments import TAKEN, ProgramCommand
from huddle.cli.clashes import warning
from huddle.cli.errors import complaints
from huddle.cli.home import Home
from huddle.cli.named_path import NamedPath
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.program_files import load, told
from huddle.cli.rights import as_ordinary
from huddle.cli.terminal.driver import Driver
from huddle.cli.terminal.json_view import JsonView
from huddle.cli.terminal.output_buffer import OutputBuffer
from huddle.cli.terminal.screens import Screen, screen
from huddle.cli.text import clean, listing
from huddle.cli.unlock import unlock_identity
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.running.limits import Limits, usual
from huddle.session.native_platform import NativePlatform
from huddle.session.party import Party
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.platform import Platform
from huddle.session.samples import samples
from huddle.session.settings import ALL, BY_NAME, NETWORKS, Settings

_Command = Callable[..., Any]


class Local(TypedDict):
    """The options that hosts and guests have in common, as click hands them over."""

    name: str | None
    pseudonym: bool
    rendezvous: str | None
    network: str
    via: str | None
    advertise: tuple[str, ...]
    port: int
    map_port: bool
    iroh_relay: str
    iroh_discovery: bool
    login_server: str | None
    tailscaled: str | None
    python: str
    input_files: tuple[Path, ...]
    sandbox: bool | None
    limit: tuple[str, ...]
    grace: float
    stall: float | None
    max_queue: int
    record: Path | None
    json_: bool


def _networks(_context: click.Context, _option: click.Parameter, value: str) -> str:
    for name in value.split(","):
        if name != "auto" and name not in ALL:
            raise click.BadParameter(f"{name!r} is not one of auto, {', '.join(ALL)}.")
    return value


def _chosen(value: str) -> tuple[str, ...]:
    """The networks that `--network` means, auto being all of its own."""
    names = [one for name in value.split(",") for one in (NETWORKS if name == "auto" else (name,))]
    return tuple(dict.fromkeys(names))


def local_options(command: _Command) -> _Command:
    """Add the options that every party has."""
    options = [
        click.option("--name", help="What the others see; default: your account's name."),
        click.option("--pseudonym", is_flag=True, help="Use a fresh identity that is forgotten at the end."),
        click.option(
            "--rendezvous",
            envvar="HUDDLE_RENDEZVOUS",
            metavar="URL",
            help="The rendezvous (HUDDLE_RENDEZVOUS).",
        ),
        click.option(
            "--network",
            default="auto",
            show_default=True,
            metavar="NAME,…",
            callback=_networks,
            help=f"How to reach the others: {', '.join(ALL)}, or several with commas; auto takes the "
            f"best that works for each; {' and '.join(BY_NAME)} only by name (auto,{BY_NAME[0]}).",
        ),
        click.option(
            "--via", metavar="INTERFACE|ADDRESS", help="Use tls and iroh over this interface or address only."
        ),
        click.option(
            "--advertise", multiple=True, metavar="HOST", help="A name or address others reach you under."
        ),
        click.option(
            "--port",
            default=0,
            type=click.IntRange(0, 65535),
            help="The port of tls, and of plain by UDP; default: any.",
        ),
        click.option(
            "--map-port", is_flag=True, help="Ask the router for a port that leads here, until the end."
        ),
        click.option(
            "--iroh-relay",
            default="",
            metavar="URL",
            help="An iroh relay; n0: those of iroh's makers. Default: none.",
        ),
        click.option(
            "--iroh-discovery", is_flag=True, help="Let iroh use its makers' directory of addresses, too."
        ),
        click.option(
            "--login-server",
            envvar="HUDDLE_TS_LOGIN_SERVER",
            metavar="URL",
            help="Where an auth key in HUDDLE_TS_AUTHKEY is good; default: Tailscale itself.",
        ),
        click.option(
            "--tailscaled",
            envvar="HUDDLE_TS_SOCKET",
            metavar="SOCKET",
            help="The socket of the tailscaled to use; default: where packages put it.",
        ),
        click.option(
            "--python", default=sys.executable, metavar="EXE", help="The interpreter that runs the program."
        ),
        click.option(
            "--input",
            "input_files",
            multiple=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A private file that the program may read here; it never travels.",
        ),
        click.option(
            "--sandbox/--no-sandbox", default=None, help="Lock the program in; default: where it works."
        ),
        click.option(
            "--limit",
            multiple=True,
            metavar="WHAT=NUMBER",
            help="The most that a program in the sandbox may take; default: "
            f"{', '.join(usual())} (memory: half of this machine's).",
        ),
        click.option(
            "--grace",
            default=30.0,
            show_default=True,
            type=click.FloatRange(min=1),
            help="Seconds of silence until a party is gone.",
        ),
        click.option(
            "--stall",
            type=click.FloatRange(min=1),
            metavar="SECONDS",
            help="End a run that makes no progress for so long.",
        ),
        click.option(
            "--max-queue",
            default=0,
            type=click.IntRange(min=0),
            metavar="BYTES",
            help="End a run when a peer leaves so much unread; default: no limit.",
        ),
        click.option(
            "--record",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Keep a record of the session here, signed by all (all must agree to it).",
        ),
        click.option(
            "--json", "json_", is_flag=True, help="Print events as JSON, one a line, and nothing else."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def settings(local: Local, private_args: tuple[str, ...]) -> Settings:
    """The local side of a session from its options."""
    return Settings(
        name=local["name"] or getpass.getuser(),
        networks=_chosen(local["network"]),
        via=local["via"],
        advertise=local["advertise"],
        port=local["port"],
        map_port=local["map_port"],
        iroh_relay=local["iroh_relay"],
        iroh_discovery=local["iroh_discovery"],
        tailscale_key=os.environ.get("HUDDLE_TS_AUTHKEY") or None,
        login_server=local["login_server"],
        tailscaled=local["tailscaled"],
        python=_absolute(local["python"]),
        private_args=private_args,
        inputs=tuple(path.resolve() for path in local["input_files"]),
        sandbox=local["sandbox"],
        limits=Limits.read(local["limit"]),
        grace=local["grace"],
        stall=local["stall"],
        max_queue=local["max_queue"],
    )


def _absolute(command: str) -> str:
    found = shutil.which(command)
    return os.path.abspath(found) if found else command


def run_party(
    make: Callable[[Settings, Identity, Contacts, Platform], Party],
    policy: HostPolicy | GuestPolicy,
    local: Local,
    private_args: tuple[str, ...],
    *,
    planned: int | None = None,
) -> int:
    """Run one session on this terminal; its exit code."""
    crypto = NativeCrypto()
    record = None if local["record"] is None else local["record"].absolute()

    def archive() -> LocalArchive:
        if record is not None and not os.access(record.parent, os.W_OK | os.X_OK):
            raise LocalError(f"{record.parent} can't be written to.", hint="Choose another --record.")
        home = Home()
        kept = None if local["pseudonym"] else home.kept_identity(crypto, unlock_identity)
        identity = kept or Identity.fresh(crypto)
        return LocalArchive(home, crypto, identity, home.contacts(), not local["pseudonym"], record)

    here = settings(local, private_args)
    needed = (here.tailscaled,) if here.tailscaled else ()
    with as_ordinary(
        archive,
        networks=here.networks,
        python=here.python,
        inputs=here.inputs,
        port=here.port,
        needed=[Path(path) for path in needed],
    ) as rights:
        here = replace(here, inputs=rights.inputs)
        if not local["name"]:
            here = replace(here, name=getpass.getuser())  # who typed sudo is meant, not root
        kept = rights.archive
        party = make(here, kept.identity, kept.contacts, NativePlatform(rights.maker))
        return _run(party, policy, local, kept, planned)


def _run(
    party: Party, policy: HostPolicy | GuestPolicy, local: Local, archive: Archive, planned: int | None
) -> int:
    out = OutputBuffer(sys.stdout)

    async def main() -> int:
        text = cast(TextIO, out)  # all of it that is used here
        shown: Screen = JsonView(text) if local["json_"] else screen(text, planned=planned)

        def finish() -> tuple[str, ...]:
            return archive.finish(party.contacts, party.record)

        return await Driver(party, shown, policy, finish, archive.entered, out).run()

    try:
        try:
            return uvloop.run(main())
        finally:
            out.finish()
    except BrokenPipeError:  # whoever read the events has gone; the session has ended in order
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


@click.command("host", cls=ProgramCommand, context_settings={"allow_interspersed_args": False})
@click.argument("program", type=NamedPath("program", samples))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--parties", "-M", required=True, type=click.IntRange(2, MAX_PARTIES), help="How many, with you."
)
@click.option(
    "--threshold", "-T", type=int, help="MPyC's threshold; default: the most that is safe, (parties-1)//2."
)
@click.option("--include", multiple=True, metavar="GLOB", help="More files that travel with the program.")
@click.option("--no-prss", is_flag=True, help="MPyC's --no-prss; for more than about 15 parties.")
@click.option("--stay", is_flag=True, help="Stay together for more runs.")
@click.option("--yes", is_flag=True, help="Let in contacts only, and start, without asking.")
@click.option("--open", "open_", is_flag=True, help="Let in WHOEVER holds the invitation, and start.")
@click.option(
    "--ask-each", is_flag=True, help="Ask about each guest as they knock, not about all when they are there."
)
@click.option("--allow", multiple=True, metavar="DID", help="Let this party in without asking.")
@click.option(
    "--private", "private_args", multiple=True, metavar="ARG", help="An argument of your own, never sent."
)
@click.option(
    "--headscale",
    envvar="HUDDLE_HEADSCALE",
    metavar="URL",
    help="Your Headscale, for --network headscale; its API key in HUDDLE_HEADSCALE_KEY.",
)
@click.option(
    "--headscale-certificate",
    "headscale_certificate",
    envvar="HUDDLE_HEADSCALE_CERTIFICATE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The certificate (PEM) that it shows, where no authority vouches for it; guests are told.",
)
@local_options
@complaints
def host_command(
    program: Path,
    args: tuple[str, ...],
    parties: int,
    threshold: int | None,
    include: tuple[str, ...],
    no_prss: bool,
    stay: bool,
    yes: bool,
    open_: bool,
    ask_each: bool,
    allow: tuple[str, ...],
    private_args: tuple[str, ...],
    headscale: str | None,
    headscale_certificate: Path | None,
    **local: Unpack[Local],
) -> None:
    """Host a session that runs PROGRAM with ARGs, the same for all parties.

    PROGRAM is a file, or the name of a program that comes with Huddle, such as average_salary.

    Options of huddle may stand before or behind PROGRAM; all that it does not know, and all that follows
    --, belongs to the program.
    """
    if local["network"] == "headscale" and not headscale:
        raise LocalError("The host of a session over headscale names one.", hint="Give --headscale URL.")
    mine, missing = load(program, include, args)
    if missing:
        names = listing([clean(name) for name in missing])
        click.secho(
            f"{program.name} imports {names}, which stays here unless you --include it.",
            fg="yellow",
            err=True,
        )
    if clash := warning(program.name, click.get_current_context().meta.get(TAKEN, ()), mine.files):
        click.secho(clean(clash), fg="yellow", err=True)
    if open_ and not local["json_"]:
        click.secho("--open: whoever holds the invitation comes in.", fg="yellow", err=True)
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
    )
    policy = HostPolicy(yes, open_, frozenset(allow), ask_each, parties)
    sys.exit(
        run_party(
            lambda chosen, identity, contacts, machine: Party(
                plan,
                replace(
                    chosen,
                    headscale=headscale,
                    headscale_key=os.environ.get("HUDDLE_HEADSCALE_KEY") or None,
                    headscale_certificate=_certificate(headscale_certificate),
                ),
                identity,
                contacts,
                surroundings=machine,
            ),
            policy,
            local,
            private_args,
            planned=parties,
        )
    )


def _certificate(path: Path | None) -> str:
    if path is None:
        return ""
    from huddle.networks.headscale.auth_keys import MAX_CERTIFICATE  # guests need none of it, and wait

    text = path.read_text(encoding="ascii", errors="replace")
    if "-----BEGIN CERTIFICATE-----" not in text or len(text) > MAX_CERTIFICATE:
        raise LocalError(f"{path} has no certificate (PEM) of a Headscale.")
    return text


def join_options(command: _Command) -> _Command:
    """Add the options of a guest, for `join` and `proxy`."""
    options = [
        click.argument("invitation", metavar="LINK-OR-CODE"),
        click.argument("private_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PRIVATE-ARG...]"),
        click.option(
            "--program",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Your own copy of the program; the host's must be the same.",
        ),
        click.option(
            "--include", multiple=True, metavar="GLOB", help="With --program: more files that belong to it."
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


@click.command("join")
@join_options
@complaints
def join_command(**options: Any) -> None:
    """Join a session by its link or its spoken code.

    What follows `--` are arguments of your own for the program; they never leave this machine.
    """
    _join(**options)


@click.command("proxy")
@join_options
@complaints
def proxy_command(**options: Any) -> None:
    """Join a session with an MPyC that you start by hand, in a notebook or a debugger.

    Nothing is run here: the session's links become ports of this machine, and you get the arguments that
    MPyC needs to find them.
    """
    _join(by_hand=True, **options)


def _join(
    *,
    invitation: str,
    private_args: tuple[str, ...],
    program: Path | None,
    include: tuple[str, ...],
    threshold: int | None,
    no_prss: bool,
    program_digest: str | None,
    yes: bool,
    by_hand: bool = False,
    **local: Unpack[Local],
) -> None:
    mine = load(program, include, ())[0] if program is not None else None
    plan = GuestPlan(
        invitation=invitation,
        rendezvous=local["rendezvous"],
        own=mine,
        digest=program_digest,
        record=local["record"] is not None,
        threshold=threshold,
        no_prss=no_prss,
    )
    policy = GuestPolicy(yes, pinned=program is not None or program_digest is not None)
    sys.exit(
        run_party(
            lambda chosen, identity, contacts, machine: Party(
                plan, replace(chosen, by_hand=by_hand), identity, contacts, surroundings=machine
            ),
            policy,
            local,
            private_args,
        )
    )
