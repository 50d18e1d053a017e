"""The types of fields that guides and factsheets have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Text = Annotated[str, Field(min_length=1)]
Language = Literal["en", "zh"]
Jurisdiction = Literal["US", "CN"]
RiskLevelName = Literal["R1", "R2", "R3", "R4", "R5"]
DocumentId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=100)]
ProductId = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,12}$")]

LANGUAGES: tuple[Language, ...] = ("en", "zh")
