"""How a figure is said: one JSON line."""

import json


def say(name: str, value: float, unit: str, reference: float | None = None) -> None:
    """Print one figure."""
    ratio = None if not reference else round(value / reference, 3)
    shown = None if reference is None else float(f"{reference:.4g}")
    line = {"name": name, "value": float(f"{value:.4g}"), "unit": unit, "reference": shown, "ratio": ratio}
    print(json.dumps(line), flush=True)
