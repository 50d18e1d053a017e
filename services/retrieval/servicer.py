"""RetrievalService: checked messages in, searches in worker threads, messages out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import grpc
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc as pb_grpc

from services.retrieval.listing import list_snapshots, page_after
from services.retrieval.search import QueryEmbedder, search
from services.retrieval.shelf import SnapshotShelf
from services.retrieval.wire import (
    Search,
    listed_message,
    page_token,
    parse_batch,
    parse_page,
    parse_search,
    search_response,
)
from services.retrieval.workers import Workers
from shared.errors import InvalidRequest, NotReady

SERVICE = "fiducia.retrieval.v1.RetrievalService"


class RetrievalServicer(pb_grpc.RetrievalServiceServicer):
    """Finds passages of the knowledge base in the snapshots of a shelf."""

    def __init__(
        self,
        root: Path,
        shelf: SnapshotShelf,
        embedder: Callable[[], QueryEmbedder | None],
        workers: Workers,
        today: Callable[[], date],
        dense_weight: float,
    ) -> None:
        """root: folder of snapshots.  embedder: returns the model once it is loaded.  today: in UTC."""
        self._root = root
        self._shelf = shelf
        self._embedder = embedder
        self._workers = workers
        self._today = today
        self._dense_weight = dense_weight

    async def SearchPassages(
        self, request: pb.SearchPassagesRequest, context: grpc.aio.ServicerContext
    ) -> pb.SearchPassagesResponse:
        """Return the passages nearest to a question."""
        wanted = parse_search(request, self._today())
        responses = await self._workers.run(lambda: self._answer([wanted]))
        return responses[0]

    async def BatchSearchPassages(
        self, request: pb.BatchSearchPassagesRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchSearchPassagesResponse:
        """Run several searches over one snapshot, embedding all questions at once."""
        wanted = parse_batch(request, self._today())
        responses = await self._workers.run(lambda: self._answer(wanted))
        return pb.BatchSearchPassagesResponse(responses=responses)

    async def ListIndexSnapshots(
        self, request: pb.ListIndexSnapshotsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListIndexSnapshotsResponse:
        """List the snapshots on this server, newest first."""
        size, last_id = parse_page(request)
        listed = await self._workers.run(lambda: list_snapshots(self._root))
        try:
            page, last_id = page_after(listed, last_id, size)
        except KeyError as error:
            raise InvalidRequest.of("page_token", "names a snapshot that is gone; start at the first page") from error
        return pb.ListIndexSnapshotsResponse(
            snapshots=[listed_message(entry) for entry in page], next_page_token=page_token(last_id)
        )

    def _answer(self, wanted: Sequence[Search]) -> list[pb.SearchPassagesResponse]:
        embedder = self._embedder()
        if embedder is None:
            raise NotReady("the embedding model is not loaded yet; try again in a moment", {"missing": "embedder"})
        snapshot = self._shelf.get(wanted[0].snapshot)
        found = search(snapshot, embedder, [one.query for one in wanted], self._dense_weight)
        return [search_response(hits, snapshot.id) for hits in found]
