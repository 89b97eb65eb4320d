"""Charts by Vega-Lite: where dots, curves and bars stand, and how they look. Knows no rows.

A chart is drawn once as SVG, which needs nothing else, and carried along as its specification, with which a
page draws it again so that it answers when it is pointed at. Series are told apart by colour (first those of
Okabe and Ito, which colour-blind people tell apart) and, where they are dots, by shape.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import altair as alt
import vl_convert

_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999",
    "#882255", "#44AA99", "#DDCC77", "#AA4499",
)  # fmt: skip
_MODEL = "#777777"
_INTERVAL = ("low:Q", "high:Q")
_WIDTH = 620  # of what is drawn, without labels
_LINE = 30  # height of a case
_LEGEND = alt.Legend(orient="top", columns=8, labelLimit=240)
_LOGARITHMIC = alt.Scale(type="log", nice=False, padding=12)  # no further than there are values
_ROOM = {
    "left": 36,
    "top": 5,
    "right": 24,
    "bottom": 5,
}  # fonts differ between those who draw and those who look


@dataclass(frozen=True, slots=True)
class Mark:
    """One value of a series, above 0, with its interval."""

    series: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One case: its label, its marks, and what the model says."""

    label: str
    marks: tuple[Mark, ...]
    model: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart that was made: its specification in Vega-Lite, and what it shows, in words."""

    spec: Mapping[str, Any]
    says: str

    @property
    def digest(self) -> str:
        """Of the specification. A drawing that names it is a drawing of just these figures."""
        return hashlib.sha256(json.dumps(self.spec, sort_keys=True).encode()).hexdigest()

    def svg(self) -> str:
        """The drawing, which needs nothing else; its first line names the digest."""
        drawn = vl_convert.vegalite_to_svg(dict(self.spec))
        said = f'<svg role="img" aria-label="{escape(self.says)}" '
        return f"<!-- {self.digest} -->\n{drawn.replace('<svg ', said, 1)}\n"


def dots(lines: Sequence[Line], series: Sequence[str], axis: str) -> Figure | None:
    """A line for each case, a dot for each series with its interval, the model as a bar beside it.

    `axis` is logarithmic. None where there is nothing to show.
    """
    values = [
        {"case": line.label, "series": mark.series, "value": mark.value}
        | ({"low": mark.low, "high": mark.high} if mark.low and mark.high else {})
        for line in lines
        for mark in line.marks
    ]
    if not values:
        return None
    cases, high = list(dict.fromkeys(line.label for line in lines)), max(_LINE, 7 * len(series))
    y = alt.Y("case:N", sort=cases, title=None, axis=alt.Axis(labelLimit=320, grid=True))
    offset = alt.YOffset("series:N", sort=list(series))
    base = alt.Chart({"values": values}).encode(y=y, yOffset=offset, color=_colour(series))
    x = alt.X("value:Q", scale=_LOGARITHMIC, title=axis, axis=alt.Axis(labelSeparation=6))
    sure = any("low" in value for value in values)
    tooltip = _tooltip("case:N", "series:N", "value:Q", *_INTERVAL * sure)
    form = alt.Shape("series:N", title=None, scale=alt.Scale(domain=list(series)), legend=_LEGEND)
    layers = [base.mark_point(filled=True, size=60, opacity=1).encode(x=x, shape=form, tooltip=tooltip)]
    if sure:
        known = base.transform_filter("isValid(datum.low)")
        layers.append(known.mark_rule().encode(x=alt.X("low:Q", title=axis), x2="high:Q"))
    expected = [{"case": line.label, "model": line.model} for line in lines if line.model]
    if expected:
        layers.append(
            alt.Chart({"values": expected})
            .mark_tick(color=_MODEL, thickness=3, height=high * 0.8)
            .encode(x=alt.X("model:Q", title=axis), y=y, tooltip=_tooltip("case:N", "model:Q"))
        )
    chart = alt.layer(*layers).properties(width=_WIDTH, height=alt.Step(high, **{"for": "position"}))
    return _figure(chart, f"{axis}, by {_listed(series)}")


def curves(
    points: Mapping[str, Sequence[Mark]], across: str, axis: str, *, logarithmic: bool = True
) -> Figure | None:
    """A curve for each series. The series of a mark stands for its place `across`, a number as text."""
    values = [
        {"series": name, "across": float(mark.series), "value": mark.value}
        | ({"low": mark.low, "high": mark.high} if mark.low and mark.high else {})
        for name, marks in points.items()
        for mark in marks
    ]
    if not values:
        return None
    scale = _LOGARITHMIC if logarithmic else alt.Scale()
    base = alt.Chart({"values": values}).encode(
        x=alt.X(
            "across:Q", title=across, scale=alt.Scale(zero=False), axis=alt.Axis(tickMinStep=1, format=",~r")
        ),
        color=_colour(list(points)),
    )
    y = alt.Y("value:Q", scale=scale, title=axis)
    sure = any("low" in value for value in values)
    tooltip = _tooltip("series:N", "across:Q", "value:Q", *_INTERVAL * sure)
    layers = [base.mark_line(point=True).encode(y=y, tooltip=tooltip)]
    if sure:
        known = base.transform_filter("isValid(datum.low)")
        layers.append(known.mark_rule().encode(y=alt.Y("low:Q", title=axis), y2="high:Q"))
    chart = alt.layer(*layers)
    return _figure(chart.properties(width=_WIDTH, height=300), f"{axis} by {across}, of {_listed(points)}")


def stacks(bars: Mapping[str, Mapping[str, float]], axis: str, *, beside: bool = False) -> Figure | None:
    """A bar for each case, made of its parts, or with its parts side by side."""
    parts = list(dict.fromkeys(part for bar in bars.values() for part in bar))
    values = [
        {"case": case, "series": part, "value": value, "order": parts.index(part)}
        for case, bar in bars.items()
        for part, value in bar.items()
    ]
    if not values:
        return None
    place = alt.Y("case:N", sort=list(bars), title=None, axis=alt.Axis(labelLimit=320))
    few = alt.Axis(tickCount=8)
    length = alt.X("value:Q", title=axis, axis=few, stack="zero", scale=alt.Scale(nice=False))
    if beside:  # from tenths to tens of thousands
        powers = alt.Axis(values=[0, *(10**power for power in range(6))])
        length = alt.X("value:Q", title=axis, axis=powers, scale=alt.Scale(type="symlog"))
    chart = (
        alt.Chart({"values": values})
        .mark_bar()
        .encode(
            x=length,
            y=place,
            color=_colour(parts),
            order=alt.Order("order:Q"),
            tooltip=_tooltip("case:N", "series:N", "value:Q"),
        )
    )
    if beside:
        chart = chart.encode(yOffset=alt.YOffset("series:N", sort=parts))
    height = alt.Step(9 if beside else _LINE, **{"for": "offset"} if beside else {})
    return _figure(chart.properties(width=_WIDTH, height=height), f"{axis}: {_listed(parts)}")


def script() -> str:
    """What a page needs beside its figures to draw them again: Vega itself, and a loop over them."""
    own = """
        document.querySelectorAll("script[type='application/vega-lite+json']").forEach((one) => {
            const how = { actions: false, renderer: "svg" };
            window.vegaEmbed(one.parentNode, JSON.parse(one.textContent), how);
        });
    """
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;\n" + own)
    return f'<script type="module">{bundle.replace("</script", "<\\/script")}</script>'


def embedded(figure: Figure) -> str:
    """The figure in a page: drawn already, with what `script` draws it anew from."""
    spec = json.dumps(figure.spec).replace("<", "\\u003c")
    held = f'<script type="application/vega-lite+json">{spec}</script>'
    return f'<div class="figure">{figure.svg()}{held}</div>'


def _figure(chart: alt.Chart | alt.LayerChart | alt.FacetChart, says: str) -> Figure:
    plain = chart.properties(padding=_ROOM).configure_view(stroke=None).configure_axis(gridColor="#eeeeee")
    return Figure(json.loads(plain.to_json(indent=None)), says)


def _colour(series: Sequence[str]) -> alt.Color:
    return alt.Color(
        "series:N",
        sort=list(series),
        title=None,
        scale=alt.Scale(domain=list(series), range=[_COLOURS[n % len(_COLOURS)] for n in range(len(series))]),
        legend=_LEGEND,
    )


def _tooltip(*fields: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(name, format=".4g") if name.endswith(":Q") else alt.Tooltip(name) for name in fields]


def _listed(names: Any) -> str:
    return ", ".join(names)
