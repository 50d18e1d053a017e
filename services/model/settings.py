"""Settings of the model server: FIDUCIA_MODEL_NAME, FIDUCIA_MODEL_BASE_URL and so on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.model.weights import EMBEDDED

EMBEDDED_NAME = "embedded"


class ModelSettings(BaseSettings):
    """Which model is served, by what, and how much it may take. Every field is FIDUCIA_MODEL_<FIELD> in capitals."""

    model_config = SettingsConfigDict(env_prefix="FIDUCIA_MODEL_", frozen=True, env_ignore_empty=True)

    name: str = EMBEDDED_NAME
    """`embedded`, the name of a model on a hub (`Qwen/Qwen3-8B`), or the folder of one."""
    base_url: str | None = None
    """An OpenAI-compatible server that runs already, as `http://host:8000/v1`; then nothing is prepared or started."""
    served_name: str | None = None
    """The name clients ask for; by default the embedded model's own, or `name`."""
    python: Path | None = None
    """The python of an environment with upstream vLLM, for a GPU; by default the embedded one, for a CPU."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8811
    """0 takes a free one."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """What to compute with; auto is bfloat16 on a CPU that has it, else float32."""
    max_model_len: Annotated[int, Field(ge=256)] = 4096
    """Tokens of prompt and answer together."""
    max_num_seqs: Annotated[int, Field(ge=1)] = 32
    """Requests computed at the same time; more wait."""
    kv_cache_gib: Annotated[int, Field(ge=1)] = 1
    """Memory for keys and values on a CPU, GiB; 1 holds 46,000 tokens of the embedded model in bfloat16."""
    ready_seconds: Annotated[float, Field(gt=0)] = 600.0
    """How long the server may take to answer after its start."""
    shutdown_seconds: Annotated[float, Field(ge=0)] = 30.0
    """How long requests in flight may take to end after a stop."""
    extra_args: Annotated[tuple[str, ...], NoDecode] = ()
    """Further arguments of vLLM's server, written as on a command line."""

    @field_validator("extra_args", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(shlex.split(value)) if isinstance(value, str) else value

    @property
    def is_embedded(self) -> bool:
        """Tell whether the model that comes with Fiducia is served."""
        return self.name == EMBEDDED_NAME

    @property
    def model_name(self) -> str:
        """Return the name that clients put into their requests."""
        return self.served_name or (EMBEDDED.name if self.is_embedded else self.name)
