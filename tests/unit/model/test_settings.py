"""Settings come from FIDUCIA_MODEL_* and shape vLLM's command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.model.cpu import fastest_dtype
from services.model.serve import serve_command, serve_environment
from services.model.settings import ModelSettings

PYTHON = Path("/python")


def command_of(settings: ModelSettings) -> str:
    return " ".join(serve_command(settings, PYTHON, "/weights", "127.0.0.1", 9000))


def test_the_embedded_model_is_served_offline_on_the_cpu_by_default() -> None:
    settings = ModelSettings()

    assert settings.is_embedded
    assert "--served-model-name smollm2-135m-instruct" in command_of(settings)
    assert "--host 127.0.0.1 --port 9000" in command_of(settings)
    assert "--enforce-eager" in command_of(settings)
    assert serve_environment(settings)["HF_HUB_OFFLINE"] == "1"
    assert serve_environment(settings)["VLLM_CPU_KVCACHE_SPACE"] == "1"


def test_a_python_for_a_gpu_gets_no_cpu_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("FIDUCIA_MODEL_PYTHON", "/opt/vllm/bin/python")
    monkeypatch.setenv("FIDUCIA_MODEL_NAME", "Qwen/Qwen3-8B")

    settings = ModelSettings()

    assert settings.model_name == "Qwen/Qwen3-8B"
    assert "--dtype auto" in command_of(settings)
    assert "--enforce-eager" not in command_of(settings)
    assert "HF_HUB_OFFLINE" not in serve_environment(settings)


def test_a_folder_is_served_offline(tmp_path: Path) -> None:
    assert serve_environment(ModelSettings(name=str(tmp_path)))["HF_HUB_OFFLINE"] == "1"


def test_extra_arguments_are_split_as_a_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIDUCIA_MODEL_EXTRA_ARGS", "--seed 7 --chat-template 'my file.jinja'")

    settings = ModelSettings()

    assert settings.extra_args == ("--seed", "7", "--chat-template", "my file.jinja")
    assert command_of(settings).endswith("--seed 7 --chat-template my file.jinja")


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIDUCIA_MODEL_BASE_URL", "")

    assert ModelSettings().base_url is None


def test_a_port_beyond_65535_is_refused() -> None:
    with pytest.raises(ValidationError, match="port"):
        ModelSettings(port=70000)


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [("fma avx avx2", "float32"), ("avx512f avx512_bf16", "bfloat16"), ("fp asimd bf16", "bfloat16")],
)
def test_bfloat16_is_used_only_where_the_processor_computes_it(tmp_path: Path, flags: str, dtype: str) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor : 0\nflags : {flags}\n")

    assert fastest_dtype(cpuinfo) == dtype
    assert fastest_dtype(tmp_path / "absent") == "float32"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in ModelSettings.model_fields:
        monkeypatch.delenv(f"FIDUCIA_MODEL_{field.upper()}", raising=False)
