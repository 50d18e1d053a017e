"""The method that brings documents into a new snapshot."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

import grpc
from fiducia.retrieval.v1 import import_pb2 as pb
from google.protobuf.message import DecodeError

from services.retrieval.import_process import ImportFailed, events_of
from services.retrieval.ingest.plan import Plan
from services.retrieval.locked import IMPORT_LOCK, locked
from services.retrieval.parse_import import LARGEST_PART, parse_path, parse_plan
from services.retrieval.parts import Parts
from services.retrieval.upload import LARGEST_UPLOAD, Upload, uploading
from services.retrieval.wire_import import response_of
from shared.errors import CapacityExceeded, InvalidRequest, ServiceError

log = logging.getLogger(__name__)

# Files received between two reports.
_REPORT_EVERY = 20


class ImportMethods:
    """ImportDocuments."""

    parts: Parts

    async def ImportDocuments(
        self, request_iterator: AsyncIterator[pb.ImportDocumentsRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.ImportDocumentsResponse]:
        """Receive documents, build the snapshot that holds them, and tell of the progress."""
        try:
            async with aclosing(self._imported(_readable(request_iterator))) as responses:
                async for response in responses:
                    yield response
        except ServiceError:
            await _drained(request_iterator)
            raise
        except OSError as error:
            log.exception("import cannot be kept")
            await _drained(request_iterator)
            raise CapacityExceeded(f"the files cannot be kept here ({error.strerror}); tell the operator") from error

    async def _imported(
        self, requests: AsyncIterator[pb.ImportDocumentsRequest]
    ) -> AsyncGenerator[pb.ImportDocumentsResponse, None]:
        root = self.parts.root
        with locked(root / IMPORT_LOCK, wait=False) as lock:
            if lock is None:
                raise CapacityExceeded("another import or ingest is running; try again when it has ended")
            with uploading(root) as upload:
                plan = await _plan(requests)
                async for received in _received(requests, upload):
                    yield received
                upload.end(plan)
                async with aclosing(self._worked(upload, lock)) as events:
                    async for event in events:
                        yield event

    async def _worked(self, upload: Upload, lock: int) -> AsyncGenerator[pb.ImportDocumentsResponse, None]:
        try:
            async with aclosing(events_of(upload, self.parts.root, lock)) as events:
                async for event in events:
                    if event["event"] == "done":
                        await self._follow(event)
                    if response := response_of(event):
                        yield response
        except ImportFailed as error:
            if error.refused:
                raise InvalidRequest.of("document", str(error)) from error
            raise

    async def _follow(self, outcome: dict[str, Any]) -> None:
        # Whoever is told that the snapshot is active finds it so.
        if outcome["active"]:
            await self.parts.workers.run(self.parts.shelf.refresh)


async def _drained(requests: AsyncIterator[pb.ImportDocumentsRequest]) -> None:
    """Take in what is still being sent: a client that sends into a call that has ended never reads why it has."""
    left = LARGEST_UPLOAD
    with suppress(DecodeError):
        async for request in requests:
            left -= request.ByteSize()
            if left < 0:
                break


async def _readable(requests: AsyncIterator[pb.ImportDocumentsRequest]) -> AsyncIterator[pb.ImportDocumentsRequest]:
    try:
        async for request in requests:
            yield request
    except DecodeError as error:
        raise InvalidRequest.of("request", f"the bytes are no message of this method: {error}") from error


async def _plan(requests: AsyncIterator[pb.ImportDocumentsRequest]) -> Plan:
    async for request in requests:
        if request.WhichOneof("part") == "plan":
            return parse_plan(request.plan)
        break
    raise InvalidRequest.of("plan", "is missing; send it in the first message")


async def _received(
    requests: AsyncIterator[pb.ImportDocumentsRequest], upload: Upload
) -> AsyncIterator[pb.ImportDocumentsResponse]:
    async for request in requests:
        _take(request, upload)
        if upload.count % _REPORT_EVERY == 1 and request.WhichOneof("part") == "document":
            yield _receiving(upload.count)
    yield _receiving(upload.count)


def _take(request: pb.ImportDocumentsRequest, upload: Upload) -> None:
    part = request.WhichOneof("part")
    content = request.more if part == "more" else request.document.content
    if len(content) > LARGEST_PART:
        raise InvalidRequest.of(str(part), f"holds {len(content)} bytes, expected at most {LARGEST_PART}; split it")
    if part == "document":
        upload.begin(parse_path(request.document.path), content)
    elif part == "more":
        upload.more(content)
    elif part == "plan":
        raise InvalidRequest.of("plan", "was sent before; send it once")
    else:
        raise InvalidRequest.of("part", "is missing; send a document or more of one")


def _receiving(count: int) -> pb.ImportDocumentsResponse:
    return pb.ImportDocumentsResponse(progress=pb.ImportProgress(stage=pb.IMPORT_STAGE_RECEIVING, done=count))
