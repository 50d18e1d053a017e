"""Answers that a deadline cut short, kept so that the same request gets the same answer again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from fiducia.optimizer.v1 import optimizer_service_pb2 as service

# An answer over 1,000 products takes about 100 kB.
_CAPACITY = 500


class Replay:
    """The last answers of one process, by request; the oldest leaves first. They are gone when the process ends."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[bytes, service.OptimizePortfolioResponse] = OrderedDict()

    def find(
        self, request: service.OptimizePortfolioRequest, snapshot: str
    ) -> service.OptimizePortfolioResponse | None:
        """Return the answer that was cut short before for this request over this market."""
        if not self._kept:
            return None
        return self._kept.get(_key(request, snapshot))

    def keep(self, request: service.OptimizePortfolioRequest, response: service.OptimizePortfolioResponse) -> None:
        """Keep the answer if a time limit ended its search; any other is found again by computing it."""
        if not response.optimal.time_limited:
            return
        self._kept[_key(request, response.market_snapshot)] = response
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)


def _key(request: service.OptimizePortfolioRequest, snapshot: str) -> bytes:
    return hashlib.sha256(snapshot.encode() + b"\0" + request.SerializeToString(deterministic=True)).digest()
