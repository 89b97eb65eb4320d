"""The lab is a distribution of its own, of the same version as Huddle."""

import importlib.metadata

import huddle
import huddle_lab


def test_the_lab_and_huddle_have_one_version() -> None:
    assert huddle_lab.__version__ == huddle.__version__


def test_huddle_by_itself_has_nothing_of_the_lab() -> None:
    wanted = importlib.metadata.requires("mpyc-huddle") or []
    assert wanted and not [one for one in wanted if "asyncssh" in one or "lab" in one.split(";")[0]]
