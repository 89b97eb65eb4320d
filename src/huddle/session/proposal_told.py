"""What a person is told of a proposal before they decide: the program, and all else that one agrees to."""

from huddle import events
from huddle.ceremony import events as heard
from huddle.ceremony.manifest import Manifest
from huddle.ceremony.sealed import Member
from huddle.errors import HuddleError
from huddle.networks import outsiders, registry
from huddle.running.limits import Confinement


def program_event(manifest: Manifest, locked: Confinement | None) -> events.Program:
    """What a person is told of a program before they accept it; `locked` is None without a sandbox."""
    files = tuple({"path": f.path, "size": f.size, "sha256": f.sha256.hex()} for f in manifest.files)
    digest = manifest.program_digest.hex()
    flags = tuple(
        flag
        for flag, given in (
            (f"--threshold {manifest.flags.threshold}", manifest.flags.threshold is not None),
            ("--no-prss", manifest.flags.no_prss),
            ("--mix32-64bit", manifest.flags.mix32_64bit),
        )
        if given
    )
    told = locked or Confinement()
    return events.Program(
        manifest.entry,
        digest,
        files,
        manifest.args,
        locked is not None,
        manifest.run,
        flags,
        told.weaker,
        told.limits,
        manifest.folders,
        manifest.workdir,
    )


def terms(proposed: heard.Proposed) -> list[str]:
    """What one agrees to beside people and program, where it is not what one would expect."""
    usual = (len(proposed.roster) - 1) // 2
    threshold = usual if proposed.threshold is None else proposed.threshold
    terms = []
    if threshold == 0:
        terms.append("MPyC's threshold is 0: each party can read the inputs of all others.")
    elif threshold < usual:
        terms.append(
            f"MPyC's threshold is {threshold} and not {usual}: {threshold + 1} parties together"
            " can read the inputs of all others."
        )
    if proposed.options.stay:
        terms.append("More runs may follow; you are asked before each.")
    if proposed.options.record:
        terms.append("At the end all sign a record of who took part in what, and each may keep it.")
    return terms


def _roles(roster: tuple[Member, ...]) -> dict[int, str]:
    return {member.pid: member.plain for member in roster}


def _names(roster: tuple[Member, ...]) -> dict[int, str]:
    return {member.pid: member.name for member in roster}


def outsiders_explained(roster: tuple[Member, ...]) -> list[str]:
    """What it means that some of these run plain MPyC."""
    return list(outsiders.explained(_roles(roster), _names(roster)))


def outsiders_problem(roster: tuple[Member, ...]) -> HuddleError | None:
    """Why these can't be linked with those among them who run plain MPyC; None where they can."""
    return outsiders.problem(_roles(roster), _names(roster), registry.for_outsiders().name)


def begun_again(reason: str, *, told: bool, held: bool) -> list[events.Notice]:
    """That all begins anew, and why, unless the person was `told` that a moment ago.

    `held`: nothing begins before the host's person says so, who is asked for that.
    """
    if held:
        return [] if told else [events.Notice(f"{reason[:1].upper()}{reason[1:]}.")]
    if told:
        return [events.Notice("It begins again, with other words.")]
    return [events.Notice(f"It begins again, with other words: {reason}")]
