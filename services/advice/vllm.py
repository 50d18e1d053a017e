"""A vLLM server as a Writer, through langchain and the OpenAI-compatible API."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from services.advice.prompt import Prompt
from services.advice.writer import ModelState, WriterUnavailable

log = logging.getLogger(__name__)

_STATE_SECONDS = 3.0
_STATE_TIMEOUT_SECONDS = 2.0
# One more try covers a connection that the server closed between two calls. What took too long is not tried again:
# a busy model is not helped by more work.
_TRIES = 2


class VllmWriter:
    """Writes under an EBNF grammar by vLLM's `structured_outputs`; the legacy guided_* fields are ignored by vLLM."""

    def __init__(self, base_url: str, model: str, timeout_seconds: float, temperature: float, seed: int | None) -> None:
        self._url = _with_version(base_url)
        self._wanted = model
        self._temperature = temperature
        self._seed = seed
        # A proxy of the environment must not carry prompts that are meant for this very machine.
        self._http = httpx.AsyncClient(timeout=timeout_seconds, trust_env=not _is_loopback(self._url))
        self._state = ModelState(model, available=False)
        self._asked_at = float("-inf")
        self._chat: Any = None

    def load(self) -> None:
        """Import langchain, which takes seconds: called while health is still NOT_SERVING."""
        from langchain_openai import ChatOpenAI

        self._chat = ChatOpenAI(
            model=self._wanted or "default",
            base_url=self._url,
            api_key="none",
            temperature=self._temperature,
            max_retries=0,
            http_async_client=self._http,
            timeout=self._http.timeout,
        )

    async def write(self, prompt: Prompt, grammar: str, max_tokens: int) -> str:
        """Return the model's complete output; raises WriterUnavailable."""
        answer = await self._answer(prompt, grammar, max_tokens, _TRIES)
        reason = answer.response_metadata.get("finish_reason")
        if reason != "stop":
            raise WriterUnavailable(f"rejected: the model stopped early ({reason})")
        return str(answer.content)

    async def _answer(self, prompt: Prompt, grammar: str, max_tokens: int, tries: int) -> Any:
        import openai

        try:
            return await self._chat.ainvoke(
                [("system", prompt.system), ("user", prompt.user)],
                model=self._state.name,
                max_tokens=max_tokens,
                **_seed(self._seed, prompt),
                extra_body={"structured_outputs": {"grammar": grammar}},
            )
        except openai.APITimeoutError as error:
            raise WriterUnavailable("the model took too long") from error
        except openai.APIConnectionError as error:
            if tries > 1:
                return await self._answer(prompt, grammar, max_tokens, tries - 1)
            raise WriterUnavailable("the model server does not answer") from error
        except openai.APIStatusError as error:
            log.warning("model server refused", extra={"status": error.status_code})
            raise WriterUnavailable(f"the model server refused: HTTP {error.status_code}") from error
        except openai.OpenAIError as error:
            log.warning("model server not understood", extra={"error": type(error).__name__})
            raise WriterUnavailable("the model server's answer cannot be read") from error

    async def state(self) -> ModelState:
        """Return whether the model answers now; asked again after a few seconds."""
        if time.monotonic() - self._asked_at < _STATE_SECONDS:
            return self._state
        before = self._state.available
        self._state = await self._fetched_state()
        self._asked_at = time.monotonic()
        if before != self._state.available:
            log.info("model server state", extra={"available": self._state.available, "model": self._state.name})
        return self._state

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _fetched_state(self) -> ModelState:
        try:
            reply = await self._http.get(f"{self._url}/models", timeout=_STATE_TIMEOUT_SECONDS)
            reply.raise_for_status()
            names = [str(model["id"]) for model in reply.json()["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ModelState(self._wanted, available=False)
        if self._wanted and self._wanted not in names:
            log.warning("model not served", extra={"model": self._wanted, "served": names})
            return ModelState(self._wanted, available=False)
        return ModelState(self._wanted or (names[0] if names else ""), available=bool(names))


class NoWriter:
    """No model at all: every text comes from templates."""

    def load(self) -> None:
        """Do nothing."""

    async def write(self, prompt: Prompt, grammar: str, max_tokens: int) -> str:  # noqa: ARG002
        """Raise WriterUnavailable."""
        raise WriterUnavailable("no model is set up")

    async def state(self) -> ModelState:
        """Return that no model answers."""
        return ModelState("", available=False)

    async def close(self) -> None:
        """Do nothing."""


def _seed(seed: int | None, prompt: Prompt) -> dict[str, int]:
    if seed is None:
        return {}
    digest = hashlib.sha256(f"{seed}\x00{prompt.system}\x00{prompt.user}".encode()).digest()
    return {"seed": int.from_bytes(digest[:4], "big") % (2**31)}


def _with_version(base_url: str) -> str:
    url = base_url.rstrip("/")
    return url if url.endswith("/v1") else f"{url}/v1"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
