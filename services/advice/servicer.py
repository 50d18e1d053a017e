"""AdviceService: segments written at the same time, delivered in order, each as soon as it is verified."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import cast

import grpc
from fiducia.advice.v1 import advice_service_pb2 as pb
from fiducia.advice.v1 import advice_service_pb2_grpc

from services.advice.answer import Abstained, answer
from services.advice.brief import Brief, Language
from services.advice.outline import SegmentPlan, outline
from services.advice.prompt import prompts_digest
from services.advice.segment import Segment
from services.advice.settings import AdviceSettings
from services.advice.wire import brief_of, question_of, strictness_of
from services.advice.wire_out import segment_message
from services.advice.writer import Writer
from services.advice.writing import Rules, Strictness, silence_of, write_segment

log = logging.getLogger(__name__)


class AdviceServicer(advice_service_pb2_grpc.AdviceServiceServicer):
    """Serves advice texts and answers from one writer."""

    def __init__(self, writer: Writer, settings: AdviceSettings) -> None:
        self._writer = writer
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.advice_concurrency)

    async def StreamAdvice(
        self,
        request: pb.StreamAdviceRequest,
        context: grpc.aio.ServicerContext[pb.StreamAdviceRequest, pb.StreamAdviceResponse],
    ) -> AsyncIterator[pb.StreamAdviceResponse]:
        """Stream the verified segments of a brief, then the summary."""
        brief = brief_of(request)
        model, rules = await self._rules(brief.language, strictness_of(request.strictness))
        written: list[Segment] = []
        plans = await asyncio.to_thread(outline, brief)
        tasks = self._begin(plans, brief, rules)
        try:
            for sequence, task in enumerate(tasks, start=1):
                written.append(await task)
                yield pb.StreamAdviceResponse(segment=segment_message(written[-1], sequence))
        finally:
            # A client that went away must not keep the model busy.
            for task in tasks:
                task.cancel()
        yield pb.StreamAdviceResponse(summary=_summary(written, model, rules))

    async def StreamAnswer(
        self,
        request: pb.StreamAnswerRequest,
        context: grpc.aio.ServicerContext[pb.StreamAnswerRequest, pb.StreamAnswerResponse],
    ) -> AsyncIterator[pb.StreamAnswerResponse]:
        """Stream an answer made of cited sentences, or an abstention, then the summary."""
        question, brief = question_of(request)
        model, rules = await self._rules(brief.language, "PHRASES")
        async with self._slots:
            reply = await answer(question, brief, rules, self._writer)
        if isinstance(reply, Abstained):
            yield pb.StreamAnswerResponse(abstention=pb.Abstention(reason=reply.reason))
            yield pb.StreamAnswerResponse(summary=_summary([], "", rules))
            return
        yield pb.StreamAnswerResponse(segment=segment_message(reply, 1))
        yield pb.StreamAnswerResponse(summary=_summary([reply], model, rules))

    async def GetModel(
        self, request: pb.GetModelRequest, context: grpc.aio.ServicerContext[pb.GetModelRequest, pb.GetModelResponse]
    ) -> pb.GetModelResponse:
        """Return the model that writes, and whether it answers now."""
        state = await self._writer.state()
        return pb.GetModelResponse(
            model=state.name,
            available=state.available,
            strictness=_strictness_value(self._settings.advice_strictness),
            languages=self._settings.advice_model_languages,
            prompts_digest=prompts_digest(),
        )

    async def _rules(self, language: Language, wanted: str) -> tuple[str, Rules]:
        """Return the model to name and how it may write in this language now."""
        settings = self._settings
        state = await self._writer.state()
        strictness = cast("Strictness", wanted or settings.advice_strictness)
        if strictness == "FREE_WORDS" and language not in settings.advice_free_words_languages:
            strictness = "PHRASES"
        is_set_up = bool(settings.advice_model_base_url)
        silence = silence_of(language, settings.advice_model_languages, state.available, is_set_up)
        return "" if silence else state.name, Rules(strictness, silence)

    def _begin(self, plans: Sequence[SegmentPlan], brief: Brief, rules: Rules) -> list[asyncio.Task[Segment]]:
        """Start writing every segment; where phrases are chosen, the others wait for the first.

        The first fills the model server's prefix cache with what all prompts begin with, and is shown at once: when
        all began together, the first words came after 8 s on two cores, this way after 2. Free words take so long
        to write that waiting would cost more than the cache saves.
        """
        in_turn = rules.strictness == "PHRASES"

        async def write(plan: SegmentPlan, before: asyncio.Task[Segment] | None) -> Segment:
            if before is not None:
                await asyncio.wait([before])
            async with self._slots:
                return await write_segment(plan, brief, rules, self._writer)

        tasks: list[asyncio.Task[Segment]] = []
        for plan in plans:
            tasks.append(asyncio.create_task(write(plan, tasks[0] if tasks and in_turn else None)))
        return tasks


def _summary(segments: Sequence[Segment], model: str, rules: Rules) -> pb.WritingSummary:
    by_model = sum(segment.origin == "MODEL" for segment in segments)
    counts = {"model_segments": by_model, "template_segments": len(segments) - by_model}
    log.info("text written", extra={**counts, "strictness": rules.strictness})
    asked = any(segment.attempt.prompt_digest for segment in segments)
    return pb.WritingSummary(**counts, model=model if asked else "", strictness=_strictness_value(rules.strictness))


def _strictness_value(name: str) -> pb.Strictness.ValueType:
    return pb.Strictness.Value(f"STRICTNESS_{name}")
