"""RetrievalService: checked messages in, work in threads, messages out."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc as pb_grpc

from services.retrieval.parse_search import Search, parse_batch, parse_search
from services.retrieval.parts import Parts
from services.retrieval.rpc_embed import EmbedMethods
from services.retrieval.rpc_import import ImportMethods
from services.retrieval.rpc_library import LibraryMethods
from services.retrieval.rpc_snapshots import SnapshotMethods
from services.retrieval.search import search
from services.retrieval.wire import search_response

SERVICE = "fiducia.retrieval.v1.RetrievalService"


class RetrievalServicer(LibraryMethods, ImportMethods, SnapshotMethods, EmbedMethods, pb_grpc.RetrievalServiceServicer):
    """Finds passages of the knowledge base in the snapshots of a shelf."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def SearchPassages(
        self, request: pb.SearchPassagesRequest, context: grpc.aio.ServicerContext
    ) -> pb.SearchPassagesResponse:
        """Return the passages nearest to a question."""
        wanted = parse_search(request, self.parts.today())
        responses = await self.parts.workers.run(lambda: self._answer([wanted]))
        return responses[0]

    async def BatchSearchPassages(
        self, request: pb.BatchSearchPassagesRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchSearchPassagesResponse:
        """Run several searches over one snapshot, embedding all questions at once."""
        wanted = parse_batch(request, self.parts.today())
        responses = await self.parts.workers.run(lambda: self._answer(wanted))
        return pb.BatchSearchPassagesResponse(responses=responses)

    def _answer(self, wanted: Sequence[Search]) -> list[pb.SearchPassagesResponse]:
        engine = self.parts.engine()
        snapshot = self.parts.shelf.get(wanted[0].snapshot)
        queries = [one.query for one in wanted]
        found = search(snapshot, engine, queries)
        return [search_response(one, query, engine, snapshot.id) for query, one in zip(queries, found, strict=True)]
