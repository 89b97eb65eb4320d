"""Dot plots as SVG text: a line for each case, a mark for each series, its interval, and a model beside it.

Marks differ by form and by colour (those of Okabe and Ito, told apart by colour-blind people too), and
each says its value when it is pointed at. Knows nothing of rows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINE, _TOP, _BOTTOM, _LABELS, _WIDTH, _RIGHT = 26, 34, 44, 300, 900, 24
_LEGEND = 20  # height of a row
_MODEL = "#777"


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


def dots(lines: Sequence[Line], series: Sequence[str], axis: str) -> str:
    """The plot, with a logarithmic axis called `axis`; empty where there is nothing to show."""
    values = [
        value
        for line in lines
        for value in (line.model, *(v for m in line.marks for v in (m.value, m.low, m.high)))
        if value
    ]
    if not values:
        return ""
    low, high = _decade(min(values), max(values))
    legend, rows = _legend(series, any(line.model for line in lines))
    top = _TOP + _LEGEND * (rows - 1)
    height = top + _LINE * len(lines) + _BOTTOM

    def x(value: float) -> float:
        part = (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return round(_LABELS + part * (_WIDTH - _LABELS - _RIGHT), 1)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'font-family="sans-serif" font-size="12" aria-label="{escape(axis)}">',
        *legend,
    ]
    bottom = height - _BOTTOM
    for tick in _ticks(low, high):
        out.append(f'<line x1="{x(tick)}" x2="{x(tick)}" y1="{top - 6}" y2="{bottom}" stroke="#ddd"/>')
        out.append(f'<text x="{x(tick)}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    middle = (_LABELS + _WIDTH - _RIGHT) / 2
    out.append(f'<text x="{middle}" y="{bottom + 34}" text-anchor="middle">{escape(axis)}</text>')
    for number, line in enumerate(lines):
        y = top + _LINE * number + _LINE / 2
        out.append(f'<text x="{_LABELS - 10}" y="{y + 4}" text-anchor="end">{escape(line.label)}</text>')
        out.append(f'<line x1="{_LABELS}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#eee"/>')
        if line.model:
            at = x(line.model)
            out.append(
                f'<line x1="{at}" x2="{at}" y1="{y - 10}" y2="{y + 10}" stroke="{_MODEL}" stroke-width="3">'
                f"<title>model: {line.model:.4g}</title></line>"
            )
        spread = _LINE * 0.5 / max(1, len(series) - 1)
        for mark in line.marks:
            index = series.index(mark.series)
            out += _mark(mark, index, x, y + (index - (len(series) - 1) / 2) * spread)
    return "\n".join([*out, "</svg>"])


def _legend(series: Sequence[str], model: bool) -> tuple[list[str], int]:
    """What the marks mean, and how many rows that takes."""
    out, at, row = [], float(_LABELS), 0
    names = [*series, "model"] if model else list(series)
    for index, name in enumerate(names):
        wide = 34 + 7 * len(name)
        if at > _LABELS and at + wide > _WIDTH:
            at, row = float(_LABELS), row + 1
        y = 12 + _LEGEND * row
        if index < len(series):
            out.append(_form(index, at + 6, y))
        else:
            out.append(
                f'<line x1="{at + 6}" x2="{at + 6}" y1="{y - 8}" y2="{y + 8}" '
                f'stroke="{_MODEL}" stroke-width="3"/>'
            )
        out.append(f'<text x="{at + 16}" y="{y + 4}">{escape(name)}</text>')
        at += wide
    return out, row + 1


def _mark(mark: Mark, index: int, x: Callable[[float], float], y: float) -> list[str]:
    colour = _COLOURS[index % len(_COLOURS)]
    out, said = [], f"{mark.series}: {mark.value:.4g}"
    if mark.low and mark.high:
        said += f" ({mark.low:.4g} to {mark.high:.4g})"
        out.append(f'<line x1="{x(mark.low)}" x2="{x(mark.high)}" y1="{y}" y2="{y}" stroke="{colour}"/>')
    out.append(f"<g>{_form(index, x(mark.value), y)}<title>{escape(said)}</title></g>")
    return out


def _form(index: int, x: float, y: float) -> str:
    colour = _COLOURS[index % len(_COLOURS)]
    match index % 4:
        case 0:
            return f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>'
        case 1:
            return f'<rect x="{x - 4}" y="{y - 4}" width="8" height="8" fill="{colour}"/>'
        case 2:
            points = f"{x},{y - 5.5} {x + 5},{y + 4} {x - 5},{y + 4}"
        case _:
            points = f"{x},{y - 6} {x + 6},{y} {x},{y + 6} {x - 6},{y}"
    return f'<polygon points="{points}" fill="{colour}"/>'


def _decade(low: float, high: float) -> tuple[float, float]:
    """The 1, 2 or 5 times a power of ten below and above."""
    steps = [digit * 10.0**power for power in range(-9, 10) for digit in (1, 2, 5)]
    below = max((step for step in steps if step <= low), default=low)
    above = min((step for step in steps if step >= high and step > below), default=high)
    return below, above


def _ticks(low: float, high: float) -> list[float]:
    digits = (1, 2, 5) if high / low < 1000 else (1,)
    steps = [digit * 10.0**power for power in range(-9, 10) for digit in digits]
    return [step for step in steps if low * 0.999 <= step <= high * 1.001]
