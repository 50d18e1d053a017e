"""The relevance model that belongs to the encoders in use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from services.retrieval.encoder import ModelMissing
from services.retrieval.relevance import UNTAUGHT, RelevanceModel, read_model

log = logging.getLogger(__name__)

_EMBEDDED = Path(__file__).with_name("relevance.json")


def relevance_for(encoders: Sequence[str], file: Path | None) -> RelevanceModel:
    """Return the model of a file, or that of the embedded encoders, or an order without calibration.

    encoders: names, in order of preference. Raises ModelMissing where a named file cannot be used.
    """
    try:
        model = read_model(file or _EMBEDDED)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelMissing(f"the relevance model {file or _EMBEDDED.name} cannot be used: {error}") from error
    if model.encoders == tuple(encoders):
        return model
    if file is not None:
        raise ModelMissing(f"{file} was learned for {', '.join(model.encoders)}, this service runs {encoders}")
    log.warning("relevance not calibrated for these encoders", extra={"encoders": list(encoders)})
    return UNTAUGHT
