"""What every party checks in a proposal before it reveals anything."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from huddle.ceremony import manifest as manifests
from huddle.ceremony.manifest import MAX_CEREMONY, Flags, ManifestError
from huddle.ceremony.messages import PROTOCOL, SUITE, Hello, Options, Proposal, Software
from huddle.ceremony.roster import Plan, bits, plain, read_proposal
from huddle.ceremony.values import EpochContext, Values
from huddle.codec import encode
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import SOFTWARE, SeededCrypto

ROOM = EpochContext(b"0" * 32, 1)
CRYPTO = SeededCrypto(1)
MANIFEST = manifests.build("prog.py", {"prog.py": b"pass\n"}, versions=SOFTWARE)


@dataclass(frozen=True)
class Sent:
    hash: bytes
    body: bytes
    hello: Hello


def hello(role: int, name: str) -> Hello:
    return ROOM.hello(role, Identity.fresh(CRYPTO).did, name, SOFTWARE, Values.fresh(CRYPTO))


HELLOS = (hello(0, "Hanna"), hello(1, "Ann"), hello(1, "Bob"))


def read(*hellos: Hello, manifest: manifests.Manifest = MANIFEST, **more: Any) -> Plan:
    sent = [Sent(ROOM.hello_hash(one.did, encode(one)), encode(one), one) for one in hellos or HELLOS]
    values: dict[str, Any] = {
        "hellos": tuple(one.hash for one in sent),
        "version": PROTOCOL,
        "suite": SUITE,
        "threshold": None,
        "options": Options(),
        "manifest": encode(manifest),
        **more,
    }
    proposal = Proposal(**values)
    return read_proposal(ROOM, encode(proposal), proposal, sent, SOFTWARE)


def test_a_valid_proposal_gives_a_roster_in_its_order() -> None:
    plan = read()
    assert [(one.pid, one.name) for one in plan.roster] == [(0, "Hanna"), (1, "Ann"), (2, "Bob")]
    assert plan.pid(HELLOS[2].did) == 2 and plan.has(HELLOS[1].did) and not plan.has("did:key:zNobody")


@pytest.mark.parametrize(
    ("hellos", "words"),
    [
        ((HELLOS[1], HELLOS[0]), "begin with its host"),
        ((HELLOS[0], replace(HELLOS[1], role=0)), "begin with its host"),
        ((HELLOS[0], HELLOS[1], replace(HELLOS[2], did=HELLOS[1].did)), "same did"),
        ((HELLOS[0], HELLOS[1], replace(HELLOS[2], commitment=HELLOS[0].commitment)), "same commitment"),
        ((HELLOS[0], HELLOS[1], replace(HELLOS[2], name="hanna")), "same name"),
        ((HELLOS[0], HELLOS[1], replace(HELLOS[2], name="H\u0430nna")), "look alike"),
        ((HELLOS[0], replace(HELLOS[1], software=(Software("bits", "32"),))), "mix32_64bit"),
    ],
)
def test_parties_that_cannot_be_a_roster_are_refused(hellos: tuple[Hello, ...], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        read(*hellos)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"version": 2}, "does not speak"),
        ({"suite": "other"}, "does not speak"),
        ({"hellos": (bytes(32), b"1" * 32)}, "nobody sent"),
        ({"threshold": 1}, "two different thresholds"),
        ({"manifest": MANIFEST.for_run(bytes(32), 1)}, "another session or run"),
        ({"manifest": MANIFEST.for_run(b"", 2)}, "another session or run"),
        (
            {"manifest": replace(MANIFEST, versions=(Software("mpyc", "0.10"),))},
            "the host has MPyC 0.10, this guest 0.11",
        ),
        (
            {"manifest": replace(MANIFEST, files=(replace(MANIFEST.files[0], size=MAX_CEREMONY + 1),))},
            "through the room",
        ),
    ],
)
def test_what_nobody_should_take_part_in_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        read(**more)


def test_more_files_may_follow_and_words_of_two_sizes_may_mix() -> None:
    large = replace(MANIFEST, files=(replace(MANIFEST.files[0], size=MAX_CEREMONY + 1),))
    assert read(manifest=large, options=Options(files_follow=True)).manifest == large
    mixed = replace(MANIFEST, flags=Flags(mix32_64bit=True))
    assert read(HELLOS[0], replace(HELLOS[1], software=(Software("bits", "32"),)), manifest=mixed)
    assert bits(()) == "64"


def test_a_part_among_plain_ends_is_one_that_there_is() -> None:
    for part in ("end", "open", "closed"):
        assert plain((*SOFTWARE, Software("plain", part))) == part
    assert plain((*SOFTWARE, Software("plain", "host"))) == plain(SOFTWARE) == ""
