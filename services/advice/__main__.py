"""The advice service: `python -m services.advice`."""

from __future__ import annotations

import asyncio
import logging
import os

import grpc
from fiducia.advice.v1 import advice_service_pb2, advice_service_pb2_grpc

from services.advice.brief import LANGUAGES
from services.advice.numbers import find_quantities
from services.advice.phrasebook import phrasebook
from services.advice.prompt import prompts_digest
from services.advice.servicer import AdviceServicer
from services.advice.settings import AdviceSettings
from services.advice.vllm import NoWriter, VllmWriter
from shared.logs import configure_logs
from shared.server import serve

log = logging.getLogger(__name__)

SERVICE = advice_service_pb2.DESCRIPTOR.services_by_name["AdviceService"].full_name


def main() -> None:
    """Serve until told to stop."""
    settings = AdviceSettings()
    configure_logs("advice", settings.log_level)
    # langchain would send prompts to a tracing service if the environment of some other tool asks for it.
    os.environ["LANGSMITH_TRACING"] = os.environ["LANGCHAIN_TRACING_V2"] = "false"
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(_serve(settings))


async def _serve(settings: AdviceSettings) -> None:
    writer = _writer(settings)

    def register(server: grpc.aio.Server) -> None:
        advice_service_pb2_grpc.add_AdviceServiceServicer_to_server(AdviceServicer(writer, settings), server)

    async def load() -> None:
        await asyncio.to_thread(writer.load)
        await asyncio.to_thread(_warm_up)
        state = await writer.state()
        facts = {"model": state.name, "available": state.available, "prompts_digest": prompts_digest()}
        log.info("loaded", extra={**facts, "strictness": settings.advice_strictness})

    await serve(SERVICE, register, settings, load, writer.close)


def _warm_up() -> None:
    # The first text would otherwise wait for files and patterns: half a second.
    find_quantities("")
    for language in LANGUAGES:
        phrasebook(language)


def _writer(settings: AdviceSettings) -> VllmWriter | NoWriter:
    if not settings.advice_model_base_url:
        return NoWriter()
    return VllmWriter(
        base_url=settings.advice_model_base_url,
        model=settings.advice_model_name,
        timeout_seconds=settings.advice_timeout_seconds,
        temperature=settings.advice_temperature,
        seed=settings.advice_seed,
    )


if __name__ == "__main__":
    main()
