"""The way in from Python: what scripts give is what the session gets."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import huddle
from huddle import api, events, notebook
from huddle.errors import LocalError
from huddle.identity.contacts import MeetingPlace
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig


def test_a_program_is_its_file_and_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"pass\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "t.csv").write_bytes(b"1")
    program = api.program(tmp_path / "a.py", ["-n", "3"], ["data/t.csv"])
    assert program.entry == "a.py" and program.args == ("-n", "3")
    assert dict(program.files) == {"a.py": b"pass\n", "data/t.csv": b"1"}
    with pytest.raises(OSError):
        api.program(tmp_path / "none.py")


def test_everything_that_is_promised_is_there() -> None:
    for name in huddle.__all__:
        assert getattr(huddle, name) is getattr(notebook if hasattr(notebook, name) else api, name)
    assert huddle.events is events
    with pytest.raises(AttributeError):
        huddle.nonsense  # noqa: B018


def test_importing_huddle_loads_no_more_than_it_must() -> None:
    code = "import huddle, sys; print([m for m in sys.modules if m.startswith(('huddle.', 'cryptography'))])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("what", ["path", "program"])
def test_shared_arguments_reach_the_others_however_the_program_is_given(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_bytes(b"pass\n")
    path = tmp_path / "a.py"
    given = path if what == "path" else api.program(path, ["-n"])
    plans: list[api.HostPlan] = []
    monkeypatch.setattr(api, "Party", lambda plan, *rest: plans.append(plan))
    huddle.host(given, "3", parties=2, name="Ada")
    assert plans[0].program.args == (("3",) if what == "path" else ("-n", "3"))


def known(*dids: str) -> api.Contacts:
    """Verified contacts who can be called."""
    contacts = api.Contacts()
    for number, did in enumerate(dids):
        contacts = contacts.met(f"P{number}", did, 1).verified([did])
        contacts = contacts.agreed(did, MeetingPlace(bytes([number]) * 32, "https://huddle.example.org"))
    return contacts


ADA, BEN, CYD = (api.Identity.fresh(NativeCrypto()) for _ in range(3))


def test_contacts_are_called_by_name_and_make_up_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_bytes(b"pass\n")
    plans: list[api.HostPlan] = []
    monkeypatch.setattr(api, "Party", lambda plan, *rest: plans.append(plan))
    person: dict[str, Any] = {"name": "Ada", "identity": ADA, "contacts": known(BEN.did, CYD.did)}
    huddle.host(tmp_path / "a.py", with_=["P0", CYD.did, "p0"], **person)
    huddle.host(tmp_path / "a.py", with_=["P1"], parties=3, **person)
    assert [(plan.called, plan.parties) for plan in plans] == [((BEN.did, CYD.did), 3), ((CYD.did,), 3)]
    for wrong in (
        person | {"with_": ["Eve"]},
        person | {"with_": ["P0", "P1"], "parties": 2},
        person | {"with_": ["P0"], "identity": None},
        person | {"with_": ["P0"], "contacts": api.Contacts().met("P0", BEN.did, 1)},
        person,
        person | {"parties": 1},
    ):
        with pytest.raises(LocalError):
            huddle.host(tmp_path / "a.py", **wrong)
    assert len(plans) == 2


async def test_two_who_know_each_other_meet_by_name_from_python(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(
        b"from mpyc.runtime import mpc\nmpc.run(mpc.start())\nmpc.run(mpc.shutdown())\n"
    )
    async with asyncio.timeout(40), RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        place = MeetingPlace(bytes(32), url)
        contacts = [
            api.Contacts().met(name, one.did, 1).verified([one.did]).agreed(one.did, place)
            for name, one in (("Ben", BEN), ("Ada", ADA))
        ]
        local: dict[str, Any] = {"via": "127.0.0.1", "sandbox": False}
        host = huddle.host(
            tmp_path / "a.py",
            name="Ada",
            with_=["Ben"],
            rendezvous=url,
            identity=ADA,
            contacts=contacts[0],
            **local,
        )
        guest = huddle.join("ada", name="Ben", identity=BEN, contacts=contacts[1], **local)
        ends = await asyncio.gather(lived(host), lived(guest))
    assert all(end.clean for end in ends)
    (ada,), (ben,) = guest.contacts.people, host.contacts.people
    assert ada.meeting == ben.meeting not in (None, place)


async def lived(party: api.Party) -> events.Ended:
    """To the end, with a yes to everything."""
    async for event in party:
        match event:
            case events.Question(what="admit", did=did):
                party.admit(did)
            case events.Question():
                party.accept()
            case events.Ended():
                return event
    raise AssertionError("no end")


async def test_a_session_from_python_ends_with_its_error_as_an_event() -> None:
    told = [event async for event in huddle.join("nonsense", name="Bob", sandbox=False)]
    assert isinstance(told[-2], events.Error) and told[-2].whose == LocalError.whose
    assert isinstance(told[-1], events.Ended) and not told[-1].clean
