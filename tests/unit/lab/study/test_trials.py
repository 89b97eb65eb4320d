"""A study's cells: which, in which order, and how long the rest will take."""

from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle_lab.study.study import load
from huddle_lab.study.trials import Progress, chosen, plan
from tests.unit.lab.support import STUDY, none_shipped, write_study


def cells_of(folder: Path, text: str = STUDY):  # type: ignore[no-untyped-def]
    return plan(load(write_study(folder, text), none_shipped))


def test_the_matrix_is_complete_and_a_repetition_is_run_as_a_whole(tmp_path: Path) -> None:
    cells, left_out = cells_of(tmp_path)
    found = [(cell.scenario.name, cell.network.name, cell.parties, cell.repetition) for cell in cells]
    assert found == [
        ("rtt-80", "plain", 1, 0),
        ("rtt-80", "tls", 3, 0),
        ("rtt-80", "plain", 3, 0),
        ("rtt-80", "plain", 1, 1),
        ("rtt-80", "tls", 3, 1),
        ("rtt-80", "plain", 3, 1),
    ]
    assert [one.what for one in left_out] == ["1 party over tls"]


def test_the_same_study_has_the_same_cells_and_a_change_concerns_only_its_own(tmp_path: Path) -> None:
    before = {cell.id for cell in cells_of(tmp_path)[0]}
    assert {cell.id for cell in cells_of(tmp_path)[0]} == before
    more = {cell.id for cell in cells_of(tmp_path, STUDY.replace("repetitions = 2", "repetitions = 3"))[0]}
    assert before < more
    other = {cell.id for cell in cells_of(tmp_path, STUDY.replace('"3"]', '"4"]'))[0]}
    assert not before & other


def test_another_program_is_another_cell(tmp_path: Path) -> None:
    before = {cell.id for cell in cells_of(tmp_path)[0]}
    path = write_study(tmp_path)
    (tmp_path / "demo.py").write_text("print('changed')\n")
    assert not before & {cell.id for cell in plan(load(path, none_shipped))[0]}


def test_seeds_are_shared_by_networks_and_scenarios_and_differ_by_repetition(tmp_path: Path) -> None:
    cells, _ = cells_of(tmp_path)
    three = [cell for cell in cells if cell.parties == 3]
    assert len({cell.seed for cell in three if cell.repetition == 0}) == 1
    assert len({cell.seed for cell in three}) == 2


def test_the_time_left_is_guessed_by_the_most_similar_runs(tmp_path: Path) -> None:
    cells, _ = cells_of(tmp_path)
    progress = Progress(cells)
    assert progress.seconds_left() is None
    progress.done(cells[0], 1.0)
    progress.done(cells[1], 10.0)  # tls; of the four left one is tls, and the others are not like it
    assert progress.left == 4
    left = progress.seconds_left()
    assert left is not None and 13 <= left <= 31
    for cell in cells:
        progress.done(cell)
    assert progress.seconds_left() == 0


def test_demos_and_networks_may_have_fewer_repetitions(tmp_path: Path) -> None:
    once = STUDY.replace('"demo.py"', '"demo.py"\nrepetitions = 1')
    assert {cell.repetition for cell in cells_of(tmp_path, once)[0]} == {0}
    text = STUDY.replace('["plain", "tls"]', '["plain", "few"]') + (
        '[network.few]\nnetwork = "tls"\nrepetitions = 1\ndemos = ["demo"]\n'
    )
    cells, _ = cells_of(tmp_path, text)
    assert [cell.repetition for cell in cells if cell.network.name == "few"] == [0]
    assert {cell.repetition for cell in cells if cell.network.name == "plain"} == {0, 1}
    with pytest.raises(LocalError, match="no demo other"):
        cells_of(tmp_path, text.replace('["demo"]', '["other"]'))
    more = text + '[[demos]]\nprogram = "demo.py"\nname = "more"\n'
    assert {cell.demo.name for cell in cells_of(tmp_path, more)[0] if cell.network.name == "few"} == {"demo"}


def test_a_part_is_chosen_by_any_key(tmp_path: Path) -> None:
    cells, _ = cells_of(tmp_path)
    part = chosen(cells, {"network": frozenset({"tls"}), "repetition": frozenset({"1"})})
    assert [(cell.scenario.name, cell.network.name, cell.repetition) for cell in part] == [
        ("rtt-80", "tls", 1)
    ]
    assert chosen(cells, {}) == cells


def test_a_demo_may_be_for_some_places_and_its_runs_may_all_draw_the_same(tmp_path: Path) -> None:
    text = STUDY.replace('["rtt-80"]', '["rtt-80", "one-region"]') + (
        'scenarios = ["one-region"]\ndraws = { Low = { 3 = 4 } }\n'
    )
    cells, _ = cells_of(tmp_path, text)
    assert {cell.scenario.name for cell in cells} == {"one-region"}
    assert {cell.seed for cell in cells if cell.parties == 3} == {"1/demo/Low/3/4"}
    assert {cell.seed for cell in cells if cell.parties == 1} == {"1/demo/Low/1/0", "1/demo/Low/1/1"}
    assert len({cell.id for cell in cells}) == len(cells)
    for right, wrong, said in (
        ("Low = { 3", "High = { 3", "no setting High"),
        ("{ 3 = 4", "{ x = 4", "no number of parties"),
        ('["one-region"]\nd', '["moon"]\nd', "no scenario moon"),
    ):
        with pytest.raises(LocalError, match=said):
            cells_of(tmp_path, text.replace(right, wrong))
