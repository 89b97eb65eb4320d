"""Studies are parsed strictly, and mistakes say where they are."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huddle.errors import LocalError
from huddle_lab.study.study import instead, load
from huddle_lab.study.trials import plan
from tests.unit.lab.support import STUDY, none_shipped, write_study

ROOT = Path(__file__).parents[4]


def test_a_study_holds_all_that_its_runs_need(tmp_path: Path) -> None:
    study = load(write_study(tmp_path), none_shipped)
    assert study.name == "study" and study.provider == "netns" and study.backend == "emulator"
    assert [one.name for one in study.networks] == ["plain", "tls"] and study.parties == (1, 3)
    assert [scenario.rtt_ms for scenario in study.scenarios] == [80]
    (demo,) = study.demos
    assert demo.entry == "demo.py" and demo.files["demo.py"] == b"print('a program')\n"
    assert [(size.name, size.args) for size in demo.sizes] == [("Low", ("--size", "3"))]


def test_one_of_huddles_own_programs_is_found_by_its_name(tmp_path: Path) -> None:
    path = write_study(tmp_path, STUDY.replace("demo.py", "shipped.py"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "shipped.py").write_text("pass")
    assert load(path, lambda name: tmp_path / "elsewhere" / name).demos[0].files == {"shipped.py": b"pass"}


def test_any_program_can_take_the_place_of_the_demos(tmp_path: Path) -> None:
    study = load(write_study(tmp_path), none_shipped)
    (tmp_path / "my_own.py").write_text("pass")
    (demo,) = instead(study, tmp_path / "my_own.py", ("--big",)).demos
    assert (demo.name, demo.entry, demo.sizes[0].args) == ("my own", "my_own.py", ("--big",))
    with pytest.raises(LocalError, match="can't be read"):
        instead(study, tmp_path / "none.py")


def test_a_study_may_have_scenarios_of_its_own(tmp_path: Path) -> None:
    text = STUDY.replace('"rtt-80"', '"mine", "places"') + (
        "\n[scenario.mine]\nrtt_ms = 5\nrate_mbit = 10\nloss = 0.1\njitter_ms = 1\n"
        '[scenario.places]\nregions = ["tokyo", "london"]\n'
    )
    mine, places = load(write_study(tmp_path, text), none_shipped).scenarios
    assert (mine.rtt_ms, mine.rate_mbit, mine.loss, mine.jitter_ms) == (5, 10, 0.1, 1)
    assert places.regions == ("tokyo", "london")


def test_a_network_may_lie_over_an_underlay(tmp_path: Path) -> None:
    text = STUDY.replace(
        'networks = ["plain", "tls"]', 'networks = ["plain", "plain+tinc", "tls+openvpn-hub"]'
    )
    plain, tinc, session = load(write_study(tmp_path, text), none_shipped).networks
    assert (plain.underlay, tinc.network, tinc.underlay) == ("", "plain", "tinc")
    assert session.is_session and not tinc.is_session
    assert [one.decides() for one in (plain, tinc, session)] == ["plain", "plain+tinc", "tls+openvpn-hub"]


def test_networks_may_have_options_and_scenarios_routers_and_changes(tmp_path: Path) -> None:
    text = STUDY.replace('["plain", "tls"]', '["plain", "mine"]').replace('"rtt-80"', '"moves"') + (
        '[network.mine]\nnetwork = "tls"\noptions = ["--port", "8443"]\n'
        '[scenario.moves]\nrtt_ms = 5\nnat = ["open", "symmetric"]\n'
        "changes = [{ at = 2, machine = 1, up = false }, { at = 3, machine = 1, address = true }]\n"
    )
    study = load(write_study(tmp_path, text), none_shipped)
    mine, moves = study.networks[1], study.scenarios[0]
    assert (mine.name, mine.network, mine.options) == ("mine", "tls", ("--port", "8443")) and mine.is_session
    assert moves.nat == ("open", "symmetric")
    assert [(one.at, one.up, one.address) for one in moves.changes] == [(2, False, False), (3, None, True)]
    # MPyC by itself is not tried where nobody could reach a party.
    cells, left_out = plan(study)
    assert {cell.network.name for cell in cells if cell.scenario is moves} == {"mine"}
    assert any("behind a router" in one.why for one in left_out)
    with pytest.raises(LocalError, match="no router moat"):
        load(write_study(tmp_path, text.replace('"symmetric"', '"moat"')), none_shipped)
    with pytest.raises(LocalError, match="either up"):
        load(write_study(tmp_path, text.replace("up = false", "up = false, address = true")), none_shipped)


def test_parties_may_be_in_browsers(tmp_path: Path) -> None:
    text = STUDY.replace('["plain", "tls"]', '["webrtc-browser", "some", "tls"]') + (
        '[network.some]\nnetwork = "relay"\nbrowsers = 1\n'
    )
    all_, some, none = load(write_study(tmp_path, text), none_shipped).networks
    assert [one.in_browser(pid, 3) for one in (all_, some, none) for pid in range(3)] == (
        [True] * 3 + [False, False, True] + [False] * 3
    )
    assert (all_.network, some.network) == ("webrtc", "relay") and all_.is_session
    for old, new, said in (
        ('"relay"', '"tls"', "browsers don't have tls"),
        ("browsers = 1", 'browsers = 1\noptions = ["--via", "x"]', "browsers have none"),
    ):
        with pytest.raises(LocalError, match=said):
            load(write_study(tmp_path, text.replace(old, new)), none_shipped)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('networks = ["plain", "tls"]', 'networks = ["carrier-pigeon"]', "no carrier-pigeon"),
        ('networks = ["plain", "tls"]', 'networks = ["tls+pigeon"]', "no underlay pigeon"),
        ('networks = ["plain", "tls"]', 'networks = ["tls+netbird"]', "no package registry"),
        ('networks = ["plain", "tls"]', 'networks = ["relay-browser+tinc"]', "choose no address"),
        ('networks = ["plain", "tls"]', 'networks = ["plain", "plain"]', "without repetitions"),
        ('networks = ["plain", "tls"]', "", "networks is missing"),
        ('["rtt-80"]', '["the-moon"]', "no scenario the-moon"),
        ("[1, 3]", "[0]", "parties must be a list of whole numbers between 1 and"),
        ("[1, 3]", "3", "parties must be a list"),
        ("[1, 3]", "[true]", "parties must be a list"),
        ("repetitions = 2", "repetitions = 0", "repetitions must be a whole number between 1"),
        ("repetitions = 2", "repititions = 2", "no setting repititions"),
        ("repetitions = 2", "timeout = -1", "timeout must be a number between 1"),
        ("repetitions = 2", 'provider = "moon"', "no provider moon"),
        ("repetitions = 2", "repetitions = = 2", "this is no TOML"),
        ('"demo.py"', '"other.py"', "no program other.py"),
        ('"demo.py"', '"demo.py"\ninclude = ["table.txt"]', "table.txt can't be read"),
        ('["--size", "3"]', '"3"', "Low must be a list of texts"),
        ("[[demos]]", "[demos]", "demos must be at least one table"),
        ("parties = [1, 3]", "parties = [1]\n[scenario.x]\nregions = ['atlantis']", "no region atlantis"),
        ("parties = [1, 3]", "parties = [1]\n[scenario.x]\nregions = ['tokyo']\nrtt_ms = 1", "exclude each"),
        (
            "parties = [1, 3]",
            "parties = [1]\n[scenario.x]\nrtt_ms = 1\nloss = 0.9",
            "loss must be a number between",
        ),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in STUDY
    path = write_study(tmp_path, STUDY.replace(old, new))
    with pytest.raises(LocalError, match=r"study\.toml") as raised:
        load(path, none_shipped)
    assert said in raised.value.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.integers(0, len(STUDY)).map(lambda cut: STUDY[:cut]))
def test_whatever_the_file_holds_ends_in_a_study_or_an_error_with_words(tmp_path: Path, text: str) -> None:
    path = write_study(tmp_path)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(path, none_shipped)
    except LocalError as error:
        assert error.message


@pytest.mark.parametrize("name", ["quick", "thesis"])
def test_the_studies_that_huddle_brings_are_good(name: str) -> None:
    study = load(ROOT / "studies" / f"{name}.toml", lambda program: ROOT / "programs" / program)
    assert study.name == name
