"""Settings of the advice service: FIDUCIA_ADVICE_… beside those of every server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.settings import ServerSettings


class AdviceSettings(ServerSettings):
    """Which model writes, how freely, and for how long it is waited for."""

    advice_model_base_url: str = ""
    """Address of an OpenAI-compatible vLLM server, such as http://127.0.0.1:8000/v1; empty: templates only."""

    advice_model_name: str = ""
    """Name of the model to ask; empty: the first one that the server serves."""

    advice_strictness: Literal["PHRASES", "FREE_WORDS"] = "PHRASES"
    """PHRASES lets the model choose among true phrases; FREE_WORDS lets it write words between this brief's values.
    A request may name another. Leave it at PHRASES for a model too small to be trusted with free words."""

    advice_model_languages: tuple[Literal["en", "zh"], ...] = ("en", "zh")
    """Languages in which the model chooses phrases, as JSON: ["en"]; texts in the others come from templates.
    The embedded model knows little Chinese; it may choose all the same, because every phrase is true."""

    advice_free_words_languages: tuple[Literal["en", "zh"], ...] = ("en",)
    """Languages in which the model may write free words; in the others it chooses phrases instead.
    List "zh" only for a model that writes Chinese: the embedded one does not."""

    advice_concurrency: int = Field(default=6, ge=1, le=256)
    """Segments that are written at the same time, over all calls; vLLM batches them."""

    advice_timeout_seconds: float = Field(default=60.0, gt=0.0, le=600.0)
    """How long the model may take for a segment before its template is used."""

    advice_temperature: float = Field(default=0.7, ge=0.0, le=2.0)
    """Sampling temperature; above 0, so that choices do not collapse to the model's favourite opening words."""

    advice_seed: int | None = Field(default=None, ge=0)
    """Seed sent with each request, the prompt's digest mixed in; unset: the model server's own randomness.
    Leave it unset for vLLM on a CPU: version 0.32 ends ("CPU Generator does not use offset") when a request with
    a seed has its prompt processed in parts, which happens as soon as a few arrive together."""
