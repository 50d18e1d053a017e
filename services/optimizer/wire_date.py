"""Calendar days as messages."""

from __future__ import annotations

from datetime import date

import numpy as np
from google.type import date_pb2

from services.optimizer.checks import Checks


def date_message(day: date | np.datetime64) -> date_pb2.Date:
    """Return the message of a day."""
    plain = date.fromisoformat(str(day)) if isinstance(day, np.datetime64) else day
    return date_pb2.Date(year=plain.year, month=plain.month, day=plain.day)


def parse_date(field: str, message: date_pb2.Date, checks: Checks) -> np.datetime64 | None:
    """Return the day; noted in `checks` and None where there is no such day."""
    try:
        return np.datetime64(date(message.year, message.month, message.day), "D")
    except ValueError:
        checks.refuse(field, f"found {message.year}-{message.month}-{message.day}, expected a day of the calendar")
        return None
