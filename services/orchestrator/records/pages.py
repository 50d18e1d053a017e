"""Page tokens: opaque to callers, checked when they come back."""

from __future__ import annotations

import base64
import binascii

from shared.errors import InvalidRequest

_MAX_DIGITS = 18


def token_of(kind: str, position: int | str) -> str:
    """Return the token of the page that begins after `position` in the list of this kind."""
    return base64.urlsafe_b64encode(f"{kind}:{position}".encode()).decode().rstrip("=")


def position_of(kind: str, token: str) -> str | None:
    """Return the position in a token, None for an empty token. Raises InvalidRequest for any other text."""
    if not token:
        return None
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error
    found, _, position = text.partition(":")
    if found != kind or not position:
        raise _unknown()
    return position


def number_of(kind: str, token: str) -> int | None:
    """Return the number in a token, None for an empty token. Raises InvalidRequest for any other text."""
    position = position_of(kind, token)
    if position is None:
        return None
    if not (position.isascii() and position.isdigit() and len(position) <= _MAX_DIGITS):
        raise _unknown()
    return int(position)


def _unknown() -> InvalidRequest:
    return InvalidRequest.of("page_token", "not a token of this list; send a next_page_token unchanged, or leave empty")
