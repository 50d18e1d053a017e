"""Methods about index snapshots."""

from __future__ import annotations

from dataclasses import replace

import grpc
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb

from services.retrieval.listing import list_snapshots, page_after
from services.retrieval.locked import WRITE_LOCK, locked
from services.retrieval.parse_library import page_token, parse_activation, parse_page
from services.retrieval.parts import Parts
from services.retrieval.wire import listed_message
from shared.errors import InvalidRequest, NotFound
from shared.snapshots import activate


class SnapshotMethods:
    """ListIndexSnapshots and ActivateIndexSnapshot."""

    parts: Parts

    async def ListIndexSnapshots(
        self, request: pb.ListIndexSnapshotsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListIndexSnapshotsResponse:
        """List the snapshots on this server, newest first."""
        wanted = parse_page(request)
        listed = await self.parts.workers.run(lambda: list_snapshots(self.parts.root))
        try:
            page, last_id = page_after(listed, wanted.after, wanted.size)
        except KeyError as error:
            raise InvalidRequest.of("page_token", "names a snapshot that is gone; start at the first page") from error
        return pb.ListIndexSnapshotsResponse(
            snapshots=[listed_message(entry) for entry in page], next_page_token=page_token(last_id)
        )

    async def ActivateIndexSnapshot(
        self, request: pb.ActivateIndexSnapshotRequest, context: grpc.aio.ServicerContext
    ) -> pb.ActivateIndexSnapshotResponse:
        """Make a snapshot the active one, once it has been loaded and found whole."""
        snapshot_id = parse_activation(request)
        return await self.parts.workers.run(lambda: self._activate(snapshot_id))

    def _activate(self, snapshot_id: str) -> pb.ActivateIndexSnapshotResponse:
        self.parts.shelf.get(snapshot_id)
        # One that is still in memory may be gone from the disk, where a service that starts next would miss it.
        with locked(self.parts.root / WRITE_LOCK):
            listed = next((entry for entry in list_snapshots(self.parts.root) if entry.id == snapshot_id), None)
            if listed is None:
                reason = f"index {snapshot_id} is damaged or gone from the disk; list the index snapshots"
                raise NotFound(reason, {"index_snapshot": snapshot_id})
            activate(self.parts.root, snapshot_id)
        self.parts.shelf.refresh()
        return pb.ActivateIndexSnapshotResponse(snapshot=listed_message(replace(listed, active=True)))
