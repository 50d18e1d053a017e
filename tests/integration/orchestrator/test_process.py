"""The orchestrator as a process of its own: start, catalogue, stop, sudden death."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from fiducia.advisor.v1 import advisor_service_pb2 as service
from fiducia.advisor.v1 import proposal_pb2 as pb

from services.orchestrator.catalogue.build import build_catalogue
from shared.status import reason_of
from tests.integration.orchestrator.kit import KB, SECONDS, create_request
from tests.integration.orchestrator.processes import process

NAME = "orchestrator"


@pytest.fixture
def silence() -> Iterator[dict[str, str]]:
    """Addresses that take connections and never answer: work that waits for them stays in work."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        yield {"retrieval_address": address, "optimizer_address": address}


async def test_without_a_catalogue_it_says_what_to_do_and_serves_as_soon_as_there_is_one(tmp_path: Path) -> None:
    async with process(NAME, tmp_path) as running:
        await running.until_logged("fiducia ingest kb/")
        before = await running.is_serving()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await running.stub.ListProducts(service.ListProductsRequest(), timeout=SECONDS)
        digest = build_catalogue(KB, tmp_path / "catalogue")
        await running.until_serving()
        answer = await running.stub.ListProducts(service.ListProductsRequest(), timeout=SECONDS)
        status = await running.stop()

    assert not before
    assert reason_of(refused.value) == "NOT_READY"
    assert answer.catalogue == digest
    assert status == 0


async def test_a_faulty_catalogue_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    digest = build_catalogue(KB, tmp_path / "catalogue")
    active = tmp_path / "catalogue" / "active"
    async with process(NAME, tmp_path) as running:
        await running.until_serving()
        faulty = active.with_suffix(".new")
        faulty.write_text("0" * 64)
        faulty.replace(active)
        await running.until_logged("catalogue refused")
        kept = await running.stub.ListProducts(service.ListProductsRequest(), timeout=SECONDS)

    assert kept.catalogue == digest


async def test_sudden_death_leaves_a_proposal_that_ends_as_failed_at_the_next_start(
    tmp_path: Path, silence: dict[str, str]
) -> None:
    build_catalogue(KB, tmp_path / "catalogue")
    async with process(NAME, tmp_path, **silence) as running:
        await running.until_serving()
        proposal = (await running.stub.CreateProposal(create_request(), timeout=SECONDS)).proposal
        await running.stop(with_kill=True)
    async with process(NAME, tmp_path, **silence) as again:
        await again.until_serving()
        resume = service.StreamProposalRequest(resume=service.ResumeProposal(proposal_id=proposal.id))
        events = [response.event async for response in again.stub.StreamProposal(resume, timeout=SECONDS)]

    assert proposal.state == pb.PROPOSAL_STATE_DRAFTING
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    end = events[-1].completed
    assert (end.state, end.failure.reason) == (pb.PROPOSAL_STATE_FAILED, "INTERNAL")
    assert end.situation == proposal.situation


async def test_a_stop_lets_running_work_finish_within_the_drain(tmp_path: Path, silence: dict[str, str]) -> None:
    build_catalogue(KB, tmp_path / "catalogue")
    # Searches are given up after two seconds: the work ends by itself, as failed, inside the drain.
    seconds = {"retrieval_deadline_seconds": "2", "optimizer_deadline_seconds": "2", "drain_seconds": "20"}
    async with process(NAME, tmp_path, **silence, **seconds) as running:
        await running.until_serving()
        create = service.StreamProposalRequest(create=create_request())
        call = running.stub.StreamProposal(create, timeout=SECONDS)
        first = await anext(aiter(call))
        running.child.send_signal(signal.SIGTERM)
        events = [first.event] + [response.event async for response in call]
        status = await running.child.wait()

    assert status == 0
    assert events[-1].completed.failure.reason == "UPSTREAM_UNAVAILABLE"


async def test_work_beyond_the_drain_ends_as_failed_before_the_process_does(
    tmp_path: Path, silence: dict[str, str]
) -> None:
    build_catalogue(KB, tmp_path / "catalogue")
    async with process(NAME, tmp_path, **silence, drain_seconds="0.5") as running:
        await running.until_serving()
        proposal = (await running.stub.CreateProposal(create_request(), timeout=SECONDS)).proposal
        await running.stop()
    async with process(NAME, tmp_path, **silence) as again:
        await again.until_serving()
        request = service.GetProposalRequest(proposal_id=proposal.id)
        stored = (await again.stub.GetProposal(request, timeout=SECONDS)).proposal

    assert "stopped before" in stored.failure.message


async def test_a_second_orchestrator_waits_until_the_record_is_free(tmp_path: Path) -> None:
    other = tmp_path / "other"
    for folder in (tmp_path, other):
        folder.mkdir(exist_ok=True)
        build_catalogue(KB, folder / "catalogue")
    async with process(NAME, tmp_path) as first:
        await first.until_serving()
        async with process(NAME, other, records_url=f"sqlite:///{tmp_path / 'records.db'}") as second:
            await second.until_logged("waiting for another orchestrator")
            waiting = await second.is_serving()
            await first.stop()
            await second.until_serving()

    assert not waiting


async def test_a_service_that_is_not_there_is_named_in_the_failure(tmp_path: Path) -> None:
    build_catalogue(KB, tmp_path / "catalogue")
    nowhere = {"retrieval_address": "127.0.0.1:1", "optimizer_address": "127.0.0.1:1"}
    async with process(NAME, tmp_path, **nowhere) as running:
        await running.until_serving()
        create = service.StreamProposalRequest(create=create_request())
        events = [response.event async for response in running.stub.StreamProposal(create, timeout=SECONDS)]

    failure = events[-1].completed.failure
    assert failure.reason == "UPSTREAM_UNAVAILABLE"
    assert "retrieval" in failure.message or "optimizer" in failure.message
