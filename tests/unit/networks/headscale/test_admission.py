"""What a session makes in a Headscale and takes away again, where others use it too, or something fails."""

import asyncio
import fcntl
import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from huddle.errors import HuddleError, LocalError, NetworkError
from huddle.networks.headscale import admission as headscale_admission
from huddle.networks.headscale.admission import Admission, sweep, tag_of, user_name
from huddle.networks.headscale.api import HeadscaleApi, Missing
from huddle.networks.headscale.marks import PREFIX, LocalMarks, left_here
from tests.tailnet.headscale import POLICY, Headscale, Refused, serving

DIDS = {0: "did:key:zAda", 1: "did:key:zBob", 2: "did:key:zCyd"}
PORTS = {0: 4000, 1: 4001, 2: 4002}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for marks that only this test uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headscale_admission, "_SETTLE", 0.01)
    monkeypatch.setattr(headscale_admission, "_GONE", 0.1)


@pytest.fixture
def headscale() -> Iterator[Headscale]:
    with serving(Headscale()) as state:
        yield state


@pytest.mark.parametrize("problems", [False, True])
async def test_what_is_gone_already_is_no_error(headscale: Headscale, problems: bool) -> None:
    headscale.problems = problems
    for delete in (api(headscale).delete_user, api(headscale).delete_machine):
        with pytest.raises(Missing, match="not found"):
            await delete("999")
    with pytest.raises(NetworkError, match="user already exists"):
        await api(headscale).make_user("carol", "another")


def api(state: Headscale) -> HeadscaleApi:
    return HeadscaleApi(state.url, state.key)


def untouched(state: Headscale) -> bool:
    """Whether only what was there before is there, as it was."""
    return (state.names(), state.policy, state.keys, state.nodes) == ({"carol"}, POLICY, {}, {})


def marks(folder: Path) -> list[Path]:
    return list(folder.glob(f"{PREFIX}*"))


def come(state: Headscale, key: str, node: str = "nodekey:a") -> dict[str, str]:
    """A machine shows that key."""
    return state.admit({"authKey": key, "nodeKey": node, "name": "m", "known": False, "leaving": False})


async def test_a_user_a_key_and_a_line_for_each_did_and_then_nothing(
    headscale: Headscale, temporary: Path
) -> None:
    one = Admission(api(headscale))
    assert await one.open() == []
    keys = await one.arrange(DIDS, PORTS)
    made = {user["name"]: user["displayName"] for user in headscale.users.values() if user["name"] != "carol"}
    assert made == {user_name(one.tag, pid): did for pid, did in DIDS.items()}
    assert headscale.policy is not None and f"{user_name(one.tag, 1)}@:4001" in headscale.policy
    for pid, key in keys.items():
        row = headscale.keys[key]
        assert (row["reusable"], row["ephemeral"]) == (False, True)
        left = datetime.fromisoformat(row["expiration"]) - datetime.now(UTC)
        assert 0 < left.total_seconds() <= 600
        assert come(headscale, key, f"nodekey:{pid}") == {
            "login": user_name(one.tag, pid),
            "display": DIDS[pid],
        }
        assert come(headscale, key, f"nodekey:again{pid}") == {"refused": "authkey already used"}
    assert len(marks(temporary)) == 1
    await one.remove()
    assert untouched(headscale) and not marks(temporary)
    await one.remove()


@pytest.mark.parametrize(
    ("method", "path", "number"),
    [
        ("POST", "/user", 0),
        ("POST", "/user", 2),
        ("PUT", "/policy", 0),
        ("GET", "/policy", 1),
        ("POST", "/preauthkey", 0),
        ("POST", "/preauthkey", 2),
    ],
)
async def test_an_error_in_the_middle_leaves_nothing(
    headscale: Headscale, method: str, path: str, number: int
) -> None:
    one = Admission(api(headscale))
    await one.open()
    seen = 0

    def broken(*asked: str) -> None:
        nonlocal seen
        if asked == (method, path):
            seen += 1
            if seen == number + 1:
                raise Refused(500, "the disk is full")

    headscale.broken = broken
    with pytest.raises(NetworkError, match="the disk is full"):
        await one.arrange(DIDS, PORTS)
    await one.remove()
    assert untouched(headscale)


async def test_what_cannot_be_taken_away_is_named_and_goes_next_time(
    headscale: Headscale, temporary: Path
) -> None:
    one = Admission(api(headscale))
    await one.open()
    await one.arrange(DIDS, PORTS)

    def broken(method: str, path: str) -> None:
        if method == "DELETE":
            raise Refused(500, "locked")

    headscale.broken = broken
    with pytest.raises(NetworkError, match=one.tag) as caught:
        await one.remove()
    assert "locked" in caught.value.message and "next session" in caught.value.hint
    assert one.tag not in str(headscale.policy)
    headscale.broken = lambda method, path: None
    await one.remove()
    assert untouched(headscale)


async def test_sessions_at_once_do_not_disturb_each_other(headscale: Headscale) -> None:
    several = [Admission(api(headscale)) for _ in range(4)]
    for one in several:
        await one.open()
    await asyncio.gather(*(one.arrange(DIDS, PORTS) for one in several))
    for one in several:
        await one.repair()  # as the network does every few seconds
    assert all(f'"src":["{user_name(one.tag, 0)}@"' in str(headscale.policy) for one in several)
    for one in several[:2]:
        await one.remove()
    assert {tag_of(name) for name in headscale.names()} == {"", *(one.tag for one in several[2:])}
    assert [one.tag in str(headscale.policy) for one in several] == [False, False, True, True]
    await asyncio.gather(*(one.remove() for one in several[2:]))
    assert untouched(headscale)


async def test_a_line_that_an_owner_overwrote_comes_back(headscale: Headscale) -> None:
    one = Admission(api(headscale))
    await one.open()
    await one.arrange(DIDS, PORTS)
    mine = POLICY.replace("group:home:*", "group:home:22")
    headscale.policy = mine
    await one.repair()
    assert one.tag in headscale.policy
    await one.remove()
    assert headscale.policy == mine


def crashed(state: Headscale, temporary: Path, tag: str) -> None:
    """A session as a killed process leaves it: a machine is there, and the mark is not locked."""
    user = state.do("POST", "/user", {}, {"name": user_name(tag, 0), "displayName": "did:key:z"})["user"]
    body = {"user": user["id"], "expiration": "2999-01-01T00:00:00Z"}
    come(state, state.do("POST", "/preauthkey", {}, body)["preAuthKey"]["key"], f"nodekey:{tag}")
    (temporary / f"{PREFIX}{tag}").write_text(json.dumps({"url": state.url, "tag": tag}))


async def test_what_a_crash_left_is_gone_at_the_next_start(headscale: Headscale, temporary: Path) -> None:
    dead, lives, elsewhere = "d" * 12, "a" * 12, "e" * 12
    for tag in (dead, lives, elsewhere):
        crashed(headscale, temporary, tag)
    (temporary / f"{PREFIX}{elsewhere}").write_text(json.dumps({"url": "http://another", "tag": elsewhere}))
    (temporary / f"{PREFIX}nonsense").write_text("{")
    assert left_here() == sorted([headscale.url, "http://another"])
    with (temporary / f"{PREFIX}{lives}").open("r+") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        assert await Admission(api(headscale)).open() == [dead]
        assert left_here() == ["http://another"]
    assert headscale.names() == {"carol", user_name(lives, 0), user_name(elsewhere, 0)}
    assert not (temporary / f"{PREFIX}{dead}").exists() and (temporary / f"{PREFIX}{lives}").exists()


async def test_what_another_machine_s_crash_left_goes_when_it_is_old_and_empty(headscale: Headscale) -> None:
    empty, busy = "b" * 12, "c" * 12
    for tag in (empty, busy):
        user = headscale.do("POST", "/user", {}, {"name": user_name(tag, 0)})["user"]
        body = {"user": user["id"], "expiration": "2999-01-01T00:00:00Z"}
        key = headscale.do("POST", "/preauthkey", {}, body)["preAuthKey"]["key"]
        if tag == busy:
            come(headscale, key)
    now = datetime.now(UTC).timestamp()
    assert await sweep(api(headscale), LocalMarks(), now) == []
    assert await sweep(api(headscale), LocalMarks(), now + 4000) == [empty]
    assert headscale.names() == {"carol", user_name(busy, 0)}


async def test_a_key_that_has_expired_lets_nobody_in(headscale: Headscale) -> None:
    headscale.lifetime = -1.0
    one = Admission(api(headscale))
    await one.open()
    keys = await one.arrange(DIDS, PORTS)
    assert come(headscale, keys[1]) == {"refused": "authkey expired"}
    await one.remove()
    assert untouched(headscale)


@pytest.mark.parametrize(
    "policy", [None, "{}", '{"acls":[{"action":"accept","src":["*"],"dst":["*:*"]}]}', "nonsense"]
)
async def test_a_headscale_that_keeps_nobody_apart_is_refused(
    headscale: Headscale, policy: str | None
) -> None:
    headscale.policy = policy
    with pytest.raises(LocalError, match="can't keep") as caught:
        await Admission(api(headscale)).open()
    assert '{"acls": []}' in caught.value.hint
    assert headscale.names() == {"carol"} and headscale.policy == policy


async def test_a_wrong_api_key_is_named_and_never_shown(headscale: Headscale) -> None:
    wrong = HeadscaleApi(headscale.url, "not-the-key")
    with pytest.raises(LocalError, match="API key") as caught:
        await Admission(wrong).open()
    assert "not-the-key" not in f"{caught.value} {caught.value.hint} {wrong!r}"


async def test_a_headscale_that_is_not_there() -> None:
    with serving(Headscale()) as state:
        url = state.url
    with pytest.raises(NetworkError, match="can't be reached"):
        await Admission(HeadscaleApi(url, "k")).open()


@pytest.mark.parametrize("url", ["", "headscale.example", "ftp://a", "http://", "http://a/?b", "http://a#c"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(LocalError):
        HeadscaleApi(url, "k")


async def test_a_policy_in_a_file_is_explained(headscale: Headscale) -> None:
    def broken(method: str, path: str) -> None:
        if (method, path) == ("PUT", "/policy"):
            raise Refused(400, "update is disabled for modes other than 'database'")

    headscale.broken = broken
    one = Admission(api(headscale))
    await one.open()
    with pytest.raises(HuddleError) as caught:
        await one.arrange(DIDS, PORTS)
    assert "policy.mode" in caught.value.hint
    await one.remove()
    assert untouched(headscale)
