"""Read a table of prices: comma-separated or Parquet, dates down and products across or one price a row."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.optimizer.history import Days, Vector
from shared.errors import InvalidRequest

FIELD = "prices"
# 5,000 products over 20 years, or 1,000 over a century; a small Parquet file can unfold to any size.
MAX_CELLS = 26_000_000
# Parquet files begin and end with it.
_PARQUET_MAGIC = b"PAR1"
_DATE_NAMES = ("date", "__index_level_0__")
_PRODUCT_NAMES = ("product", "product_id")
_LONG_COLUMNS = 3


class Format(Enum):
    """How the table is written; AUTO tells from the first bytes."""

    AUTO = "auto"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, eq=False)
class PriceRows:
    """Prices one by one, in the order of the table, cells without anything left out.

    day: (m,) datetime64[D].  product: (m,) positions in product_ids.  price: (m,) as found, NaN where it is no number.
    """

    product_ids: tuple[str, ...]
    day: Days
    product: NDArray[np.int64]
    price: Vector


def read_prices(content: bytes, table_format: Format = Format.AUTO) -> PriceRows:
    """Return the prices of a table. Raises InvalidRequest naming the column or row that cannot be read."""
    if not content:
        raise InvalidRequest.of(FIELD, "missing; send a table of prices")
    is_parquet = content.startswith(_PARQUET_MAGIC) if table_format is Format.AUTO else table_format is Format.PARQUET
    table = _parquet(content) if is_parquet else _csv(content)
    names = [str(name).strip() for name in table.column_names]
    if table.num_rows == 0 or len(names) < 2:
        found = f"{table.num_rows} rows and {len(names)} columns"
        raise InvalidRequest.of(FIELD, f"found {found}, expected a column of dates and at least one of prices")
    _refuse_repeated(names)
    date_column = _date_column(names)
    days = _days(table.column(date_column))
    long_columns = _long_columns(names)
    if long_columns is None:
        return _wide(table, names, date_column, days)
    return _long(table, *long_columns, days)


def _csv(content: bytes) -> Any:
    # Loaded here and not above: a worker that never reads a table has no use for its 60 MB.
    import pyarrow
    from pyarrow import csv

    try:
        # A label such as 007 is text and not the number 7; a column that pyarrow takes for numbers is checked later.
        header = content.split(b"\n", 1)[0].decode("utf-8-sig").replace('"', "").strip("\r").split(",")
        texts = {name: pyarrow.string() for name in header if name.strip().lower() in _PRODUCT_NAMES}
        options = csv.ConvertOptions(strings_can_be_null=True, column_types=texts)
        table = csv.read_csv(io.BytesIO(content), csv.ReadOptions(use_threads=False), convert_options=options)
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise InvalidRequest.of(FIELD, f"not readable as comma-separated text: {_short(error)}") from error
    _refuse_size(table.num_rows * table.num_columns)
    return table


def _parquet(content: bytes) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        _refuse_size(file.metadata.num_rows * file.metadata.num_columns)
        return file.read(use_threads=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidRequest.of(FIELD, f"not readable as Parquet: {_short(error)}") from error


def _wide(table: Any, names: list[str], date_column: int, days: Days) -> PriceRows:
    columns = [i for i in range(len(names)) if i != date_column]
    rows, products, prices = [], [], []
    for position, column in enumerate(columns):
        found, values = _numbers(table.column(column))
        rows.append(found)
        prices.append(values)
        products.append(np.full(len(found), position, dtype=np.int64))
    ids = tuple(names[column] for column in columns)
    return PriceRows(ids, days[np.concatenate(rows)], np.concatenate(products), np.concatenate(prices))


def _long(table: Any, product_column: int, price_column: int, days: Days) -> PriceRows:
    nameless = table.column(product_column).null_count
    if nameless:
        raise InvalidRequest.of(FIELD, f"{nameless} rows name no product; add or remove them")
    labels = [str(label).strip() for label in table.column(product_column).to_pylist()]
    ids = tuple(dict.fromkeys(labels))
    position = {name: i for i, name in enumerate(ids)}
    found, values = _numbers(table.column(price_column))
    products = np.array([position[label] for label in labels], dtype=np.int64)
    return PriceRows(ids, days[found], products[found], values)


def _numbers(column: Any) -> tuple[NDArray[np.int64], Vector]:
    """Return the rows that hold anything, and the numbers there; NaN for what is no number."""
    import pyarrow

    found = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    if pyarrow.types.is_floating(column.type) or pyarrow.types.is_integer(column.type):
        values = np.asarray(column.drop_null().to_numpy(), dtype=np.float64)
        if pyarrow.types.is_floating(column.type):
            # pandas writes a missing price as NaN.
            return found[~np.isnan(values)], values[~np.isnan(values)]
        return found, values
    return found, np.array([_number(text) for text in column.drop_null().to_pylist()], dtype=np.float64)


def _number(found: Any) -> float:
    try:
        return float(found)
    except (TypeError, ValueError):
        return float("nan")


def _days(column: Any) -> Days:
    import pyarrow

    if pyarrow.types.is_date(column.type) or pyarrow.types.is_timestamp(column.type):
        if column.null_count:
            raise InvalidRequest.of(FIELD, f"{column.null_count} rows have no date; add or remove them")
        if pyarrow.types.is_timestamp(column.type):
            column = column.cast(pyarrow.timestamp("ms", column.type.tz), safe=False)
        return np.asarray(column.to_numpy().astype("datetime64[D]"))
    for row, text in enumerate(column.to_pylist()):
        if _day(text) is None:
            raise InvalidRequest.of(
                FIELD, f"row {row + 1}: found {str(text)[:40]!r} as the date, expected one such as 2026-01-31"
            )
    return np.array([_day(text) for text in column.to_pylist()], dtype="datetime64[D]")


def _day(text: Any) -> np.datetime64 | None:
    # numpy would take 2026 for the first of January and a number for days since 1970.
    if not isinstance(text, str) or len(text.strip()) != len("2026-01-31"):
        return None
    try:
        return np.datetime64(text.strip(), "D")
    except ValueError:
        return None


def _date_column(names: list[str]) -> int:
    lowered = [name.lower() for name in names]
    return next((lowered.index(name) for name in _DATE_NAMES if name in lowered), 0)


def _long_columns(names: list[str]) -> tuple[int, int] | None:
    """Return where product and price stand in a table of one price a row; None for dates down and products across."""
    lowered = [name.lower() for name in names]
    product = next((lowered.index(name) for name in _PRODUCT_NAMES if name in lowered), None)
    if len(names) != _LONG_COLUMNS or product is None or "price" not in lowered:
        return None
    return product, lowered.index("price")


def _refuse_repeated(names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidRequest.of(FIELD, f"column {repeated[0][:40]!r} appears more than once; name each column once")


def _refuse_size(cells: int) -> None:
    if cells > MAX_CELLS:
        raise InvalidRequest.of(
            FIELD, f"found {cells} cells, expected at most {MAX_CELLS}; send fewer products or days"
        )


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
