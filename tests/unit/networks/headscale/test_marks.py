"""Marks of sessions: one's own, those of the dead, and what a helper keeps of them for another account."""

import fcntl
import tempfile
from pathlib import Path
from typing import Any

import pytest

from huddle.codec import decode
from huddle.networks.headscale import marks as headscale_marks
from huddle.networks.headscale.kind import HeadscaleKind
from huddle.networks.headscale.marks import (
    MOST,
    PREFIX,
    Dead,
    DeleteMark,
    FindDead,
    LocalMarks,
    MakeMark,
    MarkService,
    ReleaseMarks,
    left_here,
)

URL = "https://headscale.example"
ONE, OTHER = "1" * 12, "2" * 12


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left(folder: Path) -> list[str]:
    return sorted(path.name.removeprefix(PREFIX) for path in folder.glob(f"{PREFIX}*"))


def killed(folder: Path, tag: str, url: str = URL) -> None:
    (folder / f"{PREFIX}{tag}").write_text(f'{{"url": "{url}", "tag": "{tag}"}}')


async def test_a_dead_mark_is_one_session_s_until_it_is_released(folder: Path) -> None:
    killed(folder, ONE)
    killed(folder, OTHER)
    first, second = LocalMarks(), LocalMarks()
    assert sorted(await first.dead(URL)) == [ONE, OTHER]
    assert await second.dead(URL) == () and left_here() == []
    await first.delete(ONE)
    await first.release()
    assert await second.dead(URL) == (OTHER,)
    assert left(folder) == [OTHER]


async def test_a_living_session_s_mark_is_not_found_and_one_for_another_headscale_stays(
    folder: Path,
) -> None:
    marks = LocalMarks()
    await marks.make(URL, ONE)
    killed(folder, OTHER, "https://another")
    assert await LocalMarks().dead(URL) == ()
    assert left_here() == ["https://another"]
    await marks.delete(ONE)
    assert left(folder) == [OTHER]


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"url": 1, "tag": "a"}', '{"url": "u", "tag": "../../x"}', ""]
)
async def test_what_is_no_mark_is_left_alone(folder: Path, content: str) -> None:
    (folder / f"{PREFIX}x").write_text(content)
    (folder / f"{PREFIX}link").symlink_to("/etc/passwd")
    assert await LocalMarks().dead("u") == ()
    assert len(left(folder)) == 2


async def test_a_helper_keeps_marks_whose_locks_go_with_it_and_which_stay(folder: Path) -> None:
    service = MarkService()
    killed(folder, OTHER)
    await service.do(MakeMark(URL, ONE), -1)
    assert decode(Dead, (await service.do(FindDead(URL), -1)).data).tags == (OTHER,)
    await service.do(DeleteMark(OTHER), -1)
    await service.close()
    assert left(folder) == [ONE]
    with (folder / f"{PREFIX}{ONE}").open("r+") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until its process ends


@pytest.mark.parametrize(
    "asked", [MakeMark(URL, "../../../x"), MakeMark(URL, "A" * 12), MakeMark(URL, ""), DeleteMark(OTHER)]
)
async def test_a_helper_does_nothing_that_is_not_a_mark_s(folder: Path, asked: Any) -> None:
    killed(folder, OTHER)
    with pytest.raises(ValueError, match="mark"):
        await MarkService().do(asked, -1)
    assert left(folder) == [OTHER]


async def test_a_helper_deletes_nothing_that_was_released(folder: Path) -> None:
    service = MarkService()
    killed(folder, OTHER)
    await service.do(FindDead(URL), -1)
    await service.do(ReleaseMarks(), -1)
    with pytest.raises(ValueError, match="not this session's"):
        await service.do(DeleteMark(OTHER), -1)
    assert left(folder) == [OTHER]


async def test_a_helper_makes_so_many_marks_and_no_more(folder: Path) -> None:
    service = MarkService()
    for number in range(MOST):
        await service.do(MakeMark(URL, f"{number:012x}"), -1)
    with pytest.raises(ValueError, match=f"mark {MOST}"):
        await service.do(MakeMark(URL, ONE), -1)
    await service.do(DeleteMark(f"{0:012x}"), -1)
    await service.do(MakeMark(URL, ONE), -1)
    assert len(left(folder)) == MOST


def test_root_keeps_marks_only_for_who_has_no_home() -> None:
    kind = HeadscaleKind()
    assert [type(one) for one in kind.root_services(0, homeless=True)] == [headscale_marks.MarkService]
    assert not kind.root_services(0, homeless=False)
