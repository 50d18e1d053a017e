"""Run the orchestrator: python -m services.orchestrator."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from fiducia.advisor.v1 import advisor_service_pb2, advisor_service_pb2_grpc

from services.orchestrator.desk import Bounds, Desk
from services.orchestrator.ports import Upstream
from services.orchestrator.records.engine import open_records
from services.orchestrator.records.journal import Journal
from services.orchestrator.records.lock import RecordsLock
from services.orchestrator.records.store import RecordStore
from services.orchestrator.servicer import AdvisorServicer
from services.orchestrator.settings import OrchestratorSettings
from services.orchestrator.shelf import CatalogueShelf
from services.orchestrator.upstream import GrpcAdvice, GrpcOptimizer, GrpcRetrieval
from shared.client import connect
from shared.logs import configure_logs
from shared.server import serve

SERVICE = advisor_service_pb2.DESCRIPTOR.services_by_name["AdvisorService"].full_name


async def run(settings: OrchestratorSettings) -> None:
    """Serve until told to stop."""
    channels = [
        connect(address)
        for address in (settings.retrieval_address, settings.optimizer_address, settings.advice_address)
    ]
    retrieval, optimizer, advice = channels
    upstream = Upstream(
        GrpcRetrieval(retrieval, settings.retrieval_deadline_seconds),
        GrpcOptimizer(optimizer, settings.optimizer_deadline_seconds),
        GrpcAdvice(advice, settings.advice_deadline_seconds),
    )
    shelf = CatalogueShelf(settings.data_dir / "catalogue", settings.catalogue_poll_seconds)
    lock = RecordsLock(settings.records)
    journal = Journal(RecordStore(open_records(settings.records)), lambda: datetime.now(UTC))
    desk = Desk(journal, upstream, Bounds(settings.max_running_proposals, settings.max_queued_proposals))
    servicer = AdvisorServicer(shelf.current, journal, desk, upstream)
    watch: list[asyncio.Task[None]] = []

    async def load() -> None:
        await lock.hold()
        await desk.fail_lost_work()
        await shelf.wait()
        watch.append(asyncio.create_task(shelf.watch()))

    async def close() -> None:
        for task in watch:
            task.cancel()
        await desk.drain(settings.drain_seconds)
        journal.close()
        lock.release()
        for channel in channels:
            await channel.close()

    await serve(
        SERVICE,
        lambda server: advisor_service_pb2_grpc.add_AdvisorServiceServicer_to_server(servicer, server),
        settings,
        load,
        close,
    )


def main() -> None:
    """Read the settings and run."""
    settings = OrchestratorSettings()
    configure_logs("orchestrator", settings.log_level)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
