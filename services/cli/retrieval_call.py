"""Call the retrieval service: where it listens, and what its refusals say of the command's options."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import grpc
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc

from services.cli.connect import find_deployment
from services.cli.errors import SERVICE_DOWN, CliError, Problem, from_call
from shared.client import connect
from shared.status import reason_of

if TYPE_CHECKING:
    from fiducia.retrieval.v1.retrieval_service_pb2_grpc import RetrievalServiceAsyncStub

RETRIEVAL = "retrieval"
# A search takes milliseconds; to activate a snapshot of a million passages loads it first.
CALL_SECONDS = 120.0
_BUSY = "CAPACITY"
_NUMBER = re.compile(r"\[\d+\]")
# What the command calls the fields of the contract.
_OPTIONS = {
    "query": "QUESTION",
    "limit": "--limit",
    "as_of": "--as-of",
    "index_snapshot": "--snapshot",
    "filter.languages": "--language",
    "filter.product_ids": "--product",
    "filter.asset_classes": "--asset-class",
    "filter.risk_levels": "--risk-level",
    "filter.jurisdictions": "--jurisdiction",
    "filter.kinds": "--kind",
    "document_id": "DOCUMENT",
    "reason": "--reason",
    "collection": "--collection",
    "plan.collection": "--collection",
    "plan.delete_document_ids": "--delete",
    "plan.defaults.source": "--source",
    "plan.defaults.licence": "--licence",
    "plan.defaults.issuer": "--issuer",
    "plan.defaults.trust": "--trust",
    "plan.defaults.language": "--language",
    "plan.defaults.jurisdictions": "--jurisdiction",
}

Retrieval: TypeAlias = "RetrievalServiceAsyncStub"


@asynccontextmanager
async def retrieval(address: str | None) -> AsyncIterator[Retrieval]:
    """Yield a stub of the retrieval service; a failed call in the block becomes a CliError that names options.

    address: None: the service that `fiducia up` runs.
    """
    found = address or (await find_deployment(None)).addresses[RETRIEVAL]
    async with connect(found) as channel:
        try:
            yield retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        except grpc.aio.AioRpcError as error:
            raise as_error(error, f"{RETRIEVAL} at {found}") from error


def as_error(error: grpc.aio.AioRpcError, service: str) -> CliError:
    """Return the failed call as an error to print, its fields named as options."""
    if reason_of(error) == _BUSY:
        return CliError(f"{service} is busy: {error.details()}", SERVICE_DOWN)
    failed = from_call(error, service)
    problems = [Problem(_option(found.field), found.message) for found in failed.problems]
    return CliError(failed.message, failed.status, problems)


def _option(field: str) -> str:
    return _OPTIONS.get(_NUMBER.sub("", field), field)
