"""Solves one problem with few positions by SCIP and prints the result as JSON. Runs in the peers' own environment.

python positions_exact.py PROBLEM.npz SECONDS
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any

import numpy as np


def main() -> None:
    """Solve the perspective reformulation: own risk c w^2 <= v z, common risk as one cone."""
    scip = import_module("pyscipopt")
    data: dict[str, Any] = dict(np.load(sys.argv[1]))
    model = scip.Model()
    model.hideOutput()
    model.setParam("limits/time", float(sys.argv[2]))
    model.setParam("timing/clocktype", 1)
    model.setParam("parallel/maxnthreads", 1)
    n, k = data["root"].shape
    weights = [model.addVar(lb=0.0, ub=float(high)) for high in data["high"]]
    held = [model.addVar(vtype="B") for _ in range(n)]
    own = [model.addVar(lb=0.0) for _ in range(n)]
    common, exposures = model.addVar(lb=0.0), [model.addVar(lb=None) for _ in range(k)]
    for i in range(n):
        model.addCons(weights[i] <= float(data["high"][i]) * held[i])
        model.addCons(weights[i] >= float(data["low"][i]) * held[i])
        model.addCons(float(data["own"][i]) * weights[i] * weights[i] <= own[i] * held[i])
    for j in range(k):
        model.addCons(exposures[j] == _dot(scip, data["root"][:, j], weights))
    model.addCons(float(data["quadratic"]) * scip.quicksum(y * y for y in exposures) <= common)
    model.addCons(scip.quicksum(held) <= int(data["count"]))
    model.addCons(scip.quicksum(weights) == 1.0)
    for row, limit in zip(data["matrix"], data["limits"], strict=True):
        model.addCons(_dot(scip, row, weights) <= float(limit))
    if data["max_turnover"] < 1.0:
        bought = [model.addVar(lb=0.0) for _ in range(n)]
        for i in range(n):
            model.addCons(weights[i] - float(data["current"][i]) <= bought[i])
        model.addCons(scip.quicksum(bought) <= float(data["max_turnover"]))
    model.setObjective(0.5 * common + 0.5 * scip.quicksum(own) - _dot(scip, data["linear"], weights))
    before = time.process_time()
    model.optimize()
    cpu_ms = 1e3 * (time.process_time() - before)
    places = [i for i in range(n) if model.getVal(held[i]) > 0.5]
    answer = {"cpu_ms": cpu_ms, "places": places, "bound": model.getDualbound(), "version": str(model.version())}
    print(json.dumps(answer))


def _dot(scip: Any, numbers: Any, variables: list[Any]) -> Any:
    return scip.quicksum(float(a) * x for a, x in zip(numbers, variables, strict=True))


if __name__ == "__main__":
    main()
