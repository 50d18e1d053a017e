"""What an OpenAI-compatible server answers about itself."""

from __future__ import annotations

import json
import urllib.request

_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def is_healthy(base_url: str, timeout_seconds: float = 2.0) -> bool:
    """Tell whether a vLLM server answers at /health beside the /v1 of `base_url`."""
    return _answers(base_url.removesuffix("/").removesuffix("/v1") + "/health", timeout_seconds) is not None


def served_models(base_url: str, timeout_seconds: float = 5.0) -> list[str]:
    """Return the names of the models that an OpenAI-compatible server serves; an empty list when it does not answer."""
    body = _answers(base_url.removesuffix("/") + "/models", timeout_seconds)
    return [entry["id"] for entry in json.loads(body)["data"]] if body else []


def _answers(url: str, timeout_seconds: float) -> bytes | None:
    """Return the body of a successful answer, which may be empty, else None. A proxy for the web is not asked."""
    try:
        with _WITHOUT_PROXY.open(url, timeout=timeout_seconds) as answer:
            body: bytes = answer.read()
            return body
    except OSError:  # URLError is one.
        return None
