"""Counts pairs of items in baskets on Spark: by users, then by blocks of items. The rows equal those of `pairs`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import add

import numpy as np
from pyspark import RDD
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - the customary name
from scipy import sparse

from app.recommender.events.weights import Weights
from app.recommender.fit.bought import pairs
from app.recommender.fit.bought.baskets import BOUGHT, RETURNED, Purchases, baskets, sign
from app.recommender.fit.gram import BLOCK_ITEMS

Block = tuple[int, sparse.csr_matrix]
"""Number of the first row, and some rows of the counts, or a summand of them."""


@dataclass(frozen=True)
class SparkPairs:
    """Packed rows that are on the workers, and the ids of their items."""

    rows: "RDD[tuple[str, bytes]]"
    item_ids: list[str]


def bought_together(events: DataFrame, weights: Weights) -> SparkPairs:
    """Returns the rows of all items that are bought together with others.

    Args:
        events: columns user_id, item_id, event_type (strings) and time (double, seconds).
        weights: the weights of the project.
    """
    types = [row.event_type for row in events.select("event_type").distinct().collect()]
    bought, returned = ([name for name in types if sign(name, weights) == each] for each in (BOUGHT, RETURNED))
    purchases = (
        events.where(F.col("event_type").isin(bought + returned))
        .select("user_id", "item_id", "time", F.col("event_type").isin(returned).alias("returned"))
        .persist()
    )
    item_ids = sorted(row.item_id for row in purchases.select("item_id").distinct().collect())
    ids = purchases.sparkSession.sparkContext.broadcast(item_ids)
    parts = purchases.repartition("user_id").rdd.mapPartitions(lambda rows: _counted(rows, ids.value))
    counts = parts.reduceByKey(add, max(1, -(-len(item_ids) // BLOCK_ITEMS))).persist()
    of_items = np.zeros(len(item_ids), np.int64)
    for first, diagonal in counts.map(_diagonal).collect():
        of_items[first : first + len(diagonal)] = diagonal
    shared = purchases.sparkSession.sparkContext.broadcast(of_items)
    rows = counts.flatMap(lambda block: pairs.packed(block[1], block[0], shared.value, ids.value)).persist()
    return SparkPairs(rows, rows.keys().collect())


def _counted(rows: Iterable[Row], item_ids: list[str]) -> Iterator[Block]:
    """Yields blocks of the counts of some users, with all that these bought."""
    numbers = {item_id: number for number, item_id in enumerate(item_ids)}
    users: dict[str, int] = {}
    entries = [
        (users.setdefault(row.user_id, len(users)), numbers[row.item_id], row.time, row.returned) for row in rows
    ]
    if not entries:
        return
    user, item, time, returned = (np.array(column) for column in zip(*entries, strict=True))
    counts = pairs.counted(baskets(Purchases(user, item, time, returned), len(item_ids)))
    for start in range(0, len(item_ids), BLOCK_ITEMS):
        yield start, counts[start : start + BLOCK_ITEMS]


def _diagonal(block: Block) -> tuple[int, np.ndarray]:
    first, rows = block
    return first, rows.diagonal(first)
