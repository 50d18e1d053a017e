"""Settings every service has, from the environment (FIDUCIA_…) or a YAML file named by FIDUCIA_CONFIG."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource


def data_home() -> Path:
    """Return the folder where Fiducia keeps a user's data: $XDG_DATA_HOME/fiducia."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "fiducia"


class Settings(BaseSettings):
    """A source of settings: constructor arguments, then the environment, then the file."""

    model_config = SettingsConfigDict(env_prefix="FIDUCIA_", extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the file named by FIDUCIA_CONFIG behind the environment."""
        file = YamlConfigSettingsSource(settings_cls, yaml_file=os.environ.get("FIDUCIA_CONFIG"))
        return init_settings, env_settings, file, file_secret_settings


class ServerSettings(Settings):
    """How a service listens, logs and stops."""

    host: str = "127.0.0.1"
    """Address to listen on; loopback unless told otherwise."""

    port: int = Field(default=0, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose, and `port_file` tells which."""

    port_file: Path | None = None
    """Written with the port once the service listens."""

    reflection: bool = True
    """Whether clients may list services and messages."""

    drain_seconds: float = Field(default=20.0, ge=0.0)
    """How long running calls may take after SIGTERM; keep it below the pod's termination grace."""

    max_concurrent_rpcs: int = Field(default=200, gt=0)
    """Calls beyond this number are refused at once with RESOURCE_EXHAUSTED."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe log line that is written."""

    data_dir: Path = Field(default_factory=data_home)
    """Where indexes, catalogues, market snapshots and records live."""
