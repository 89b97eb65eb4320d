"""Charts show just the values that they are given, drawn as they are specified."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from huddle_lab.report.charts import Figure, Line, Mark, curves, dots, embedded, stacks


def values(figure: Figure | None) -> list[dict[str, object]]:
    """All that a figure was given to show."""
    assert figure is not None
    return [one for some in figure.spec["datasets"].values() for one in some]


def test_larger_values_are_further_to_the_right_and_tenfold_is_the_same_distance() -> None:
    figure = dots([Line(str(value), (Mark("a", value),)) for value in (0.1, 1.0, 10.0)], ["a"], "s")
    assert figure
    drawn = re.findall(r'value: ([\d.]+)" [^>]*translate\(([\d.]+),', figure.svg())
    first, second, third = (float(x) for _, x in sorted(drawn, key=lambda found: float(found[0])))
    assert abs((second - first) - (third - second)) < 0.2 and second > first


def test_an_axis_goes_no_further_than_there_are_values() -> None:
    figure = dots(
        [Line("case", tuple(Mark(name, value) for name, value in (("a", 1.1), ("b", 2.6))))], ["a", "b"], "s"
    )
    assert figure
    marks = re.findall(r'value: ([\d.]+)" [^>]*translate\(([\d.]+),', figure.svg())
    first, last = sorted(float(x) for _, x in marks)
    assert last - first > 500  # of 620
    shares = stacks({"case": {"computing": 60.0, "distance": 40.00001}}, "% of the time")
    assert shares and ">110<" not in shares.svg() and ">100<" in shares.svg()


def test_powers_of_ten_stand_under_bars_side_by_side() -> None:
    figure = stacks({"a": {"here": 0.5, "thesis": 20_000.0}}, "operations a second", beside=True)
    assert figure and all(f">{label}<" in figure.svg() for label in ("1", "10", "100", "1,000", "10,000"))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=5), st.none() | st.floats(1e-6, 1e6))
def test_every_value_is_in_the_figure_and_its_drawing_is_well_formed(
    some: list[float], model: float | None
) -> None:
    marks = [Mark(f"s{n}", value, value / 2, value * 2) for n, value in enumerate(some)]
    figure = dots([Line("case", tuple(marks), model)], [mark.series for mark in marks], "seconds")
    assert figure
    found = values(figure)
    assert [one["value"] for one in found if "value" in one] == some
    assert [one["model"] for one in found if "model" in one] == ([model] if model else [])
    root = ElementTree.fromstring(figure.svg())  # noqa: S314 - our own drawing
    assert root.get("aria-label") == "seconds, by " + ", ".join(mark.series for mark in marks)


def test_a_drawing_names_the_figures_that_it_is_of() -> None:
    one = dots([Line("case", (Mark("a", 1.0),))], ["a"], "s")
    other = dots([Line("case", (Mark("a", 1.1),))], ["a"], "s")
    assert one and other and one.digest != other.digest
    assert one.svg().startswith(f"<!-- {one.digest} -->\n") and one.digest == replace(one).digest


def test_a_bar_is_made_of_its_parts_in_their_order() -> None:
    figure = stacks({"tls": {"computing": 1.0, "distance": 2.0}, "relay": {"computing": 1.0}}, "seconds")
    assert [(one["case"], one["series"], one["value"]) for one in values(figure)] == [
        ("tls", "computing", 1.0),
        ("tls", "distance", 2.0),
        ("relay", "computing", 1.0),
    ]


def test_a_curve_goes_through_its_points() -> None:
    figure = curves({"tls": [Mark("2", 0.5), Mark("10", 1.5)]}, "parties", "seconds")
    assert [(one["across"], one["value"]) for one in values(figure)] == [(2.0, 0.5), (10.0, 1.5)]


def test_nothing_to_show_is_nothing() -> None:
    assert dots([], ["a"], "s") is None
    assert dots([Line("case", ())], ["a"], "s") is None
    assert curves({}, "parties", "s") is None and stacks({}, "s") is None


def test_a_name_can_t_end_the_script_that_carries_it() -> None:
    evil = "</script><script>alert(1)</script>"
    figure = dots([Line(evil, (Mark(evil, 1.0),))], [evil], evil)
    assert figure
    assert embedded(figure).count("<script") == 1
