"""Real data sets for tests and benchmarks, prepared as described in DESIGN 4."""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from app.domain.items import Item

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SERENDIP_DATA", ROOT.parent / "shared" / "data"))
MOVIETWEETINGS = SHARED / "movietweetings-100k"
ONLINE_RETAIL = SHARED / "online-retail" / "online_retail.parquet"
LIKED = 6
FEWEST = 5

Interaction = tuple[str, str, float]


def present() -> Iterator[tuple[str, list[Interaction]]]:
    """Yields the data sets that exist; prints a line for each that is missing."""
    for name, read, needed in (
        ("MovieTweetings", movietweetings, MOVIETWEETINGS),
        ("Online Retail", online_retail, ONLINE_RETAIL),
    ):
        if needed.exists():
            yield name, read()
        else:
            print(f"  {name}: skipped, {needed} not found (set SERENDIP_DATA)")  # noqa: T201 - for benchmarks


def movietweetings() -> list[Interaction]:
    """Loads ratings of at least 6, for users and items with at least 5 of them."""
    return _core([(user, item, time) for user, item, value, time in _ratings() if value >= LIKED])


def movietweetings_whole() -> list[Interaction]:
    """Loads all ratings, whatever their value."""
    return _distinct((user, item, time) for user, item, _, time in _ratings())


def newest_ratings(count: int) -> list[tuple[str, str, int, float]]:
    """Loads user, film, rating and time of the newest ratings, oldest first."""
    return sorted(_ratings(), key=lambda rating: rating[3])[-count:]


def _ratings() -> Iterator[tuple[str, str, int, float]]:
    """Yields user, film, rating and time."""
    for line in (MOVIETWEETINGS / "ratings.dat").read_text(encoding="utf-8").splitlines():
        user, item, value, time = line.split("::")
        yield user, item, int(value), float(time)


def films() -> dict[str, Item]:
    """Loads titles and genres of MovieTweetings' films."""
    lines = (MOVIETWEETINGS / "movies.dat").read_text(encoding="utf-8").splitlines()
    fields = (line.split("::") for line in lines)
    return {film: Item(film, title, tuple(filter(None, genres.split("|")))) for film, title, genres in fields}


def online_retail() -> list[Interaction]:
    """Loads pairs of customer and stock code with a positive quantity."""
    return _distinct((user, item, time) for user, item, time, is_return in online_retail_lines() if not is_return)


def online_retail_lines() -> list[tuple[str, str, float, bool]]:
    """Loads customer, stock code, time and whether it is a return of each line of an invoice, oldest first."""
    from pyarrow import parquet  # noqa: PLC0415 - only Online Retail needs it

    columns = ["CustomerID", "StockCode", "Quantity", "InvoiceDate"]
    table = parquet.read_table(ONLINE_RETAIL, columns=columns).to_pylist()
    lines = (
        (
            f"{row['CustomerID']:.0f}",
            str(row["StockCode"]).replace(" ", "_"),
            datetime.fromisoformat(str(row["InvoiceDate"])).replace(tzinfo=UTC).timestamp(),
            row["Quantity"] <= 0,
        )
        for row in table
        if row["CustomerID"] is not None
    )
    return sorted(lines, key=lambda line: (line[2], *line))


def write(interactions: Iterable[Interaction], path: Path) -> Path:
    """Writes a file for `serendip evaluate`."""
    with path.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(("user_id", "item_id", "timestamp"))
        writer.writerows(interactions)
    return path


def descriptions() -> dict[str, str]:
    """Loads the descriptions of Online Retail's stock codes."""
    from pyarrow import parquet  # noqa: PLC0415 - only Online Retail needs it

    table = parquet.read_table(ONLINE_RETAIL, columns=["StockCode", "Description"]).to_pylist()
    return {str(row["StockCode"]).replace(" ", "_"): str(row["Description"]) for row in table if row["Description"]}


def _distinct(rows: Iterable[Interaction]) -> list[Interaction]:
    """Keeps each pair once, at its last time, sorted."""
    last: dict[tuple[str, str], float] = {}
    for user, item, time in rows:
        last[user, item] = max(time, last.get((user, item), time))
    return [(user, item, time) for (user, item), time in sorted(last.items())]


def _core(rows: list[Interaction]) -> list[Interaction]:
    """Drops rare users and items until none is left."""
    kept = _distinct(rows)
    while True:
        users, items = Counter(user for user, _, _ in kept), Counter(item for _, item, _ in kept)
        fewer = [row for row in kept if users[row[0]] >= FEWEST and items[row[1]] >= FEWEST]
        if len(fewer) == len(kept):
            return kept
        kept = fewer
