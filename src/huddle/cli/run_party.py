"""One session at this terminal, from the options of `host` and `join` to the exit code."""

import getpass
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import uvloop

from huddle.cli import network_options
from huddle.cli.archive import Archive, LocalArchive
from huddle.cli.home import Home
from huddle.cli.kept_rooms import HomeRooms
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.program_source import ProgramSource
from huddle.cli.rights import as_ordinary
from huddle.cli.session_options import Local
from huddle.cli.terminal.driver import Driver
from huddle.cli.terminal.json_view import JsonView
from huddle.cli.terminal.output_buffer import OutputBuffer
from huddle.cli.terminal.screens import Screen, screen
from huddle.cli.unlock import unlock_identity
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.networks import registry
from huddle.running.limits import RunLimits
from huddle.session.native_platform import NativePlatform
from huddle.session.party import Party
from huddle.session.platform import Platform
from huddle.session.room_keeping import NoKeeper, RoomKeeper
from huddle.session.settings import Settings

if TYPE_CHECKING:
    from huddle.session.classroom import Classroom


def networks_of(value: str) -> tuple[str, ...]:
    """The networks that `--network` means, auto being all of its own."""
    usual = registry.automatic()
    names = [one for name in value.split(",") for one in (usual if name == "auto" else (name,))]
    return tuple(dict.fromkeys(names))


def settings(local: Local, private_args: tuple[str, ...]) -> Settings:
    """The local side of a session from its options."""
    return Settings(
        name=local["name"] or getpass.getuser(),
        networks=networks_of(local["network"]),
        via=local["via"],
        advertise=local["advertise"],
        port=local["port"],
        options=network_options.set_options(local),
        python=_absolute(local["python"]),
        private_args=private_args,
        inputs=tuple(path.resolve() for _, path in local["input_files"]),
        input_targets=tuple(target for target, _ in local["input_files"]),
        environment=local["variables"],
        output=None if local["output"] is None else local["output"].absolute(),
        carry=local["carry"],
        pseudonym=local["pseudonym"],
        sandbox=local["sandbox"],
        limits=RunLimits.read(local["limit"]),
        grace=local["grace"],
        stall=local["stall"],
        max_queue=local["max_queue"],
    )


def _unwritable(record: Path) -> str:
    """Why no record can be written there, which nobody wants to hear at the end; empty where it can."""
    if not record.parent.is_dir():
        return f"There is no directory {record.parent}."
    return "" if os.access(record.parent, os.W_OK | os.X_OK) else f"{record.parent} can't be written to."


def _absolute(command: str) -> str:
    found = shutil.which(command)
    return os.path.abspath(found) if found else command


def run_party(
    make: Callable[[Settings, Identity, Contacts, Platform, RoomKeeper], "Party | Classroom"],
    policy: HostPolicy | GuestPolicy,
    local: Local,
    private_args: tuple[str, ...],
    *,
    planned: int | None = None,
    source: ProgramSource | None = None,
    again: bool = False,
    deals: bool = False,
) -> int:
    """Run one session on this terminal, or go on with a host's last one; its exit code.

    `deals`: it is a class, whose host deals guests to groups.
    """
    crypto = NativeCrypto()
    record = None if local["record"] is None else local["record"].absolute()

    def archive() -> LocalArchive:
        if record is not None and (problem := _unwritable(record)):
            raise LocalError(problem, hint="Choose another --record.")
        home = Home()
        kept = None if local["pseudonym"] else home.kept_identity(crypto, unlock_identity)
        identity = kept or Identity.fresh(crypto)
        lasting = not local["pseudonym"]
        if again and not lasting:
            raise LocalError(
                "Nobody comes back under a pseudonym: each session has its own.", hint="Host without --again."
            )
        rooms = HomeRooms(home, again=again) if lasting else NoKeeper()
        return LocalArchive(home, crypto, identity, home.contacts(), lasting, record, rooms)

    here = settings(local, private_args)
    needed = [path for kind in here.kinds() for path in kind.needed(here.options_of(kind))]
    with as_ordinary(
        archive,
        networks=here.networks,
        python=here.python,
        inputs=here.inputs,
        port=here.port,
        needed=needed,
    ) as rights:
        here = replace(here, inputs=rights.inputs)
        if not local["name"]:
            here = replace(here, name=getpass.getuser())  # who typed sudo is meant, not root
        kept = rights.archive
        party = make(here, kept.identity, kept.contacts, NativePlatform(rights.networks), kept.rooms)
        return _run(party, policy, local, kept, planned, source, deals)


def _run(
    party: "Party | Classroom",
    policy: HostPolicy | GuestPolicy,
    local: Local,
    archive: Archive,
    planned: int | None,
    source: ProgramSource | None,
    deals: bool,
) -> int:
    out = OutputBuffer(sys.stdout)

    async def main() -> int:
        text = cast(TextIO, out)  # all of it that is used here
        shown: Screen = JsonView(text) if local["json_"] else screen(text, planned=planned)

        def finish() -> tuple[str, ...]:
            return archive.finish(party.contacts, party.record)

        return await Driver(party, shown, policy, finish, archive.entered, out, source, deals).run()

    try:
        try:
            return uvloop.run(main())
        finally:
            out.finish()
    except BrokenPipeError:  # whoever read the events has gone; the session has ended in order
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
