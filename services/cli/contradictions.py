"""What to loosen where limits contradict each other, for proposals and for the optimizer's own answers.

A bound that was not computed is told apart from one that does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from fiducia.optimizer.v1 import portfolio_pb2

from services.cli.format import percent

# Tenths of a per cent, the last digit shown; the slack keeps 3.4 % from becoming 3.5 % by the last bit of a float.
_TENTHS = 1000
_SLACK = 1e-6


def way_out(found: portfolio_pb2.Infeasibility) -> str:
    """Return in a sentence whether loosening one limit alone is enough."""
    if any(limit.HasField("relaxed_bound") for limit in found.conflicts):
        return "Loosening any one of them as shown makes the request possible."
    if any(limit.relaxation_not_sought for limit in found.conflicts):
        return "Whether loosening one limit alone is enough was not computed; it may be."
    if len(found.conflicts) > 1:
        return "No single one of them can resolve it; loosen several."
    return "Loosening it alone does not help: other limits are in the way too."


def together(found: portfolio_pb2.Infeasibility) -> Sequence[portfolio_pb2.ConflictingLimit]:
    """Return the limits to relax all at once; none where it is a single one whose relaxation is known anyway."""
    alone = {limit.field for limit in found.conflicts if limit.HasField("relaxed_bound")}
    if len(found.relax_together) == 1 and found.relax_together[0].field in alone:
        return ()
    return found.relax_together


def tells_relaxations(found: portfolio_pb2.Infeasibility) -> bool:
    """Return whether an absent bound means something; proposals of earlier versions did not keep why it is absent."""
    return bool(found.relax_together) or any(limit.relaxation_not_sought for limit in found.conflicts)


def enough(limit: portfolio_pb2.ConflictingLimit) -> str:
    """Return the relaxed bound of a weight or rate as `3.4 %`, rounded outward: what is shown must be enough."""
    tenths = _TENTHS * limit.relaxed_bound
    rounded = math.floor(tenths + _SLACK) if limit.relaxed_bound < limit.bound else math.ceil(tenths - _SLACK)
    return percent(rounded / _TENTHS)
