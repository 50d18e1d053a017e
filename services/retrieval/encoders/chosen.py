"""The encoders that the settings name."""

from __future__ import annotations

from collections.abc import Sequence

from services.retrieval.encoder import FoundEncoder, ModelMissing
from services.retrieval.encoders.find import find_encoder

_LANGUAGES = ("en", "zh")
_DEFAULT = ("en",)


def find_encoders(settings: Sequence[str]) -> tuple[FoundEncoder, ...]:
    """Return the encoders in order of preference; "BAAI/bge-m3:en+zh" says which languages a model knows.

    Raises ModelMissing where one cannot be found, knows another language or stands there twice.
    """
    found = tuple(find_encoder(*_parted(setting)) for setting in settings)
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise ModelMissing(f"an encoder stands twice in FIDUCIA_RETRIEVAL_ENCODERS: {', '.join(names)}; remove one")
    return found


def _parted(setting: str) -> tuple[str, tuple[str, ...]]:
    name, colon, stated = setting.rpartition(":")
    if not colon:
        return setting, _DEFAULT
    languages = tuple(stated.split("+"))
    if unknown := [language for language in languages if language not in _LANGUAGES]:
        raise ModelMissing(f"{setting}: {', '.join(unknown)} is no language of the index; expected en, zh or en+zh")
    return name, languages
