"""Dot plots put values where they belong."""

import re

from hypothesis import given
from hypothesis import strategies as st

from huddle_lab.report.svg import Line, Mark, dots


def test_larger_values_are_further_to_the_right_and_tenfold_is_the_same_distance() -> None:
    lines = [Line(str(value), (Mark("a", value),)) for value in (0.1, 1.0, 10.0)]
    at = [float(x) for x in re.findall(r'<circle cx="([\d.]+)" cy="[\d.]+" r', dots(lines, ["a"], "s"))]
    first, second, third = at[1:]  # the first of all is in the legend
    assert abs((second - first) - (third - second)) < 0.2 and second > first


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=5), st.none() | st.floats(1e-6, 1e6))
def test_nothing_is_drawn_outside(values: list[float], model: float | None) -> None:
    marks = tuple(Mark("a", value, value / 2, value * 2) for value in values)
    picture = dots([Line("case", marks, model)], ["a"], "seconds")
    for x in re.findall(r' (?:cx|x1|x2)="([-\d.]+)"', picture):
        assert 300 <= float(x) <= 900


def test_nothing_to_show_is_nothing() -> None:
    assert dots([], ["a"], "s") == ""
    assert dots([Line("case", ())], ["a"], "s") == ""
