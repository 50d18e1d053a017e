"""Methods about single documents and passages."""

from __future__ import annotations

from datetime import UTC, datetime

import grpc
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb

from services.retrieval.library import Surrounded, catalogue, page_of, surrounded
from services.retrieval.on_disk import is_held
from services.retrieval.parse_library import (
    Decision,
    WantedDocuments,
    WantedPassage,
    page_token,
    parse_decision,
    parse_documents,
    parse_passage,
)
from services.retrieval.parts import Parts
from services.retrieval.passage import Document, TrustLevel
from services.retrieval.quarantine import Ruling
from services.retrieval.wire import document_message, passage_message
from shared.errors import NotFound


class LibraryMethods:
    """GetPassage, ListDocuments and QuarantineDocument."""

    parts: Parts

    async def GetPassage(
        self, request: pb.GetPassageRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetPassageResponse:
        """Return one passage with its neighbours."""
        wanted = parse_passage(request)
        return await self.parts.workers.run(lambda: self._passage(wanted))

    async def ListDocuments(
        self, request: pb.ListDocumentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListDocumentsResponse:
        """List documents by id."""
        wanted = parse_documents(request)
        return await self.parts.workers.run(lambda: self._documents(wanted))

    async def QuarantineDocument(
        self, request: pb.QuarantineDocumentRequest, context: grpc.aio.ServicerContext
    ) -> pb.QuarantineDocumentResponse:
        """Withdraw a document, or let it back in."""
        decision = parse_decision(request)
        return await self.parts.workers.run(lambda: self._rule(decision))

    def _passage(self, wanted: WantedPassage) -> pb.GetPassageResponse:
        snapshot = self.parts.shelf.get(wanted.snapshot)
        found = surrounded(snapshot, wanted.passage_id, wanted.neighbours)
        if found is None or self._is_withdrawn(found.passage.document):
            reason = f"there is no passage {wanted.passage_id} in the index {snapshot.id}, or it was withdrawn"
            raise NotFound(reason, {"passage_id": wanted.passage_id})
        return _passage_response(found, snapshot.id)

    def _is_withdrawn(self, document: Document) -> bool:
        return document.trust is TrustLevel.QUARANTINED or document.id in self.parts.quarantine.reasons()

    def _documents(self, wanted: WantedDocuments) -> pb.ListDocumentsResponse:
        listed = [
            one
            for one in catalogue(self.parts.shelf.get(wanted.snapshot), self.parts.quarantine.reasons())
            if wanted.collection in ("", one.document.collection)
            and (one.quarantine_reason or not wanted.quarantined_only)
        ]
        page, last_id = page_of(listed, wanted.page.after, wanted.page.size)
        return pb.ListDocumentsResponse(
            documents=[document_message(one) for one in page], next_page_token=page_token(last_id)
        )

    def _rule(self, decision: Decision) -> pb.QuarantineDocumentResponse:
        active = self.parts.shelf.active
        count = sum(one.document.id == decision.document_id for one in active.passages) if active else 0
        if not count and not self._is_known(decision.document_id):
            reason = f"no index here holds a document {decision.document_id}; list the documents"
            raise NotFound(reason, {"document_id": decision.document_id})
        now = datetime.now(UTC).isoformat()
        self.parts.quarantine.rule(Ruling(decision.document_id, decision.reason, decision.release, now))
        return pb.QuarantineDocumentResponse(
            document_id=decision.document_id, quarantined=not decision.release, passage_count=count
        )

    def _is_known(self, document_id: str) -> bool:
        # A document may be withdrawn before the snapshot that holds it is activated, or after it was replaced.
        return document_id in self.parts.quarantine.reasons() or is_held(self.parts.root, document_id)


def _passage_response(found: Surrounded, snapshot_id: str) -> pb.GetPassageResponse:
    return pb.GetPassageResponse(
        passage=passage_message(found.passage),
        before=[passage_message(one) for one in found.before],
        after=[passage_message(one) for one in found.after],
        index_snapshot=snapshot_id,
    )
