"""What happens around every call: readiness, the error model, one access log line."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from shared.errors import InvalidRequest, NotReady, ServiceError
from shared.status import to_call_error

log = logging.getLogger(__name__)

_UNGUARDED = ("/grpc.health.", "/grpc.reflection.")

if TYPE_CHECKING:
    # grpc's own classes are not subscriptable at run time.
    Handler = grpc.RpcMethodHandler[Any, Any]
    Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]


@dataclass(frozen=True)
class _Unreadable:
    """Stands for bytes that are no message of the method."""

    detail: str


def _lenient(decode: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """Return a decoder that does not fail: where gRPC's own one fails, the error model is not asked."""
    if decode is None:
        return None

    def decoded(content: bytes) -> Any:
        try:
            return decode(content)
        except DecodeError as error:
            return _Unreadable(str(error))

    return decoded


def _readable(request: Any) -> Any:
    if isinstance(request, _Unreadable):
        raise InvalidRequest.of("request", f"the bytes are no message of this method: {request.detail}")
    return request


class CallGuard(grpc.aio.ServerInterceptor):
    """Refuses calls until the service is ready, turns errors into Status, writes the access log.

    Health and reflection pass untouched: the aio health Watch handler is a coroutine that writes, and
    wrapping it like a generator breaks it.
    """

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Return the method's handler, guarded."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(_UNGUARDED):
            return handler
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(method, handler.unary_unary),
                _lenient(handler.request_deserializer),
                handler.response_serializer,
            )
        if handler.unary_stream and inspect.isasyncgenfunction(handler.unary_stream):
            return grpc.unary_stream_rpc_method_handler(
                self._stream(method, handler.unary_stream),
                _lenient(handler.request_deserializer),
                handler.response_serializer,
            )
        if handler.stream_stream and inspect.isasyncgenfunction(handler.stream_stream):
            return grpc.stream_stream_rpc_method_handler(
                self._stream(method, handler.stream_stream), handler.request_deserializer, handler.response_serializer
            )
        return handler

    def _unary(self, method: str, behavior: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            async with self._guard(method, context):
                return await behavior(_readable(request), context)

        return guarded

    def _stream(
        self, method: str, behavior: Callable[..., AsyncGenerator[Any, None]]
    ) -> Callable[..., AsyncIterator[Any]]:
        async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            # Closed here: a call that ends early must not leave its work to the garbage collector.
            async with self._guard(method, context), aclosing(behavior(_readable(request), context)) as responses:
                async for response in responses:
                    yield response

        return guarded

    @asynccontextmanager
    async def _guard(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
        call_id = uuid.uuid4().hex[:16]
        started = time.perf_counter()
        code = "OK"
        try:
            if not self._is_ready():
                raise NotReady("the service is still loading its data; try again in a moment")
            yield
        except ServiceError as error:
            code = error.code
            await context.abort(*to_call_error(error))
        except grpc.aio.AbortError:
            code = "ABORTED"
            raise
        except (asyncio.CancelledError, GeneratorExit):
            code = "CANCELLED"
            raise
        except Exception:
            code = "INTERNAL"
            log.exception("call failed", extra={"method": method, "call_id": call_id})
            fault = ServiceError(
                f"internal fault; the log has the detail under call_id {call_id}", {"call_id": call_id}
            )
            await context.abort(*to_call_error(fault))
        finally:
            seconds = round(time.perf_counter() - started, 4)
            log.info("call", extra={"method": method, "code": code, "seconds": seconds, "call_id": call_id})
