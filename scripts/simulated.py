"""Simulates each cell of the evaluation's matrix that has a trace, into docs/results/simulated.jsonl.

.venv/bin/python scripts/simulated.py [--anew]      what is there is kept, unless anew

What networks and pauses cost is derived from the rows in docs/results first.
"""

import sys
from pathlib import Path

from huddle_lab.report import kept, matrix
from huddle_lab.runs import rows
from huddle_lab.simulator import costs
from huddle_lab.traces import library

KEPT = Path(__file__).parents[1] / "docs" / "results"
TARGET = KEPT / "simulated.jsonl"

if __name__ == "__main__":
    costs.save(costs.derive([row for path in kept.of_costs(KEPT) for row in rows.read(path)]), costs.SHIPPED)
    headers = library.headers()
    wanted = {(matrix.key(one), one["seed"]) for _, one in matrix.missing(headers)}
    before = [] if "--anew" in sys.argv[1:] else matrix.read(TARGET)
    found = [one for one in before if (matrix.key(one), one["seed"]) in wanted]
    for cell in matrix.simulated(headers, costs.load(), list(found)):
        found.append(cell)
        print(*matrix.key(cell), cell["seconds"], flush=True)
        if len(found) % 50 == 0:
            matrix.write(found, TARGET)  # so that it may be stopped
    matrix.write(found, TARGET)
