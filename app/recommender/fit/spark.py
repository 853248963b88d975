"""Trains the models of `local_ridge` on a Spark cluster: parallel by users, then by blocks of items.

Data that grows with the events stays on the workers. The driver holds data that grows with the items: their ids and
sums, the strongest entries of the Gram matrix and of the transitions, and the events of a sample of users for the
parameter search.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import add

import numpy as np
from pyspark import RDD, Broadcast
from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F  # noqa: N812 - the customary name
from scipy import sparse

from app.domain.items import Item
from app.recommender.events import kinds, ratings
from app.recommender.events.weights import DEFAULT, Weights
from app.recommender.fit import content, gram, parameter_search
from app.recommender.fit.bought.on_spark import SparkPairs, bought_together
from app.recommender.fit.evaluation.trial import LOCAL
from app.recommender.fit.gram import BLOCK_ITEMS, Gram, gram_blocks, pruned
from app.recommender.fit.interactions import Interactions
from app.recommender.fit.learn import BaseModel, Extent, bought_rows, check_trainable, packed
from app.recommender.fit.local_ridge import LeastSquares, Side, blended, strongest
from app.recommender.fit.order import transition_blocks
from app.recommender.fit.solver import Floats, Parameters, Regression, WeightRows, discounts, scaled, shrunk
from app.recommender.packing import Packed
from app.recommender.progress import ReportProgress

TARGETS_A_TASK = 2_000
SEARCHED = 2_000_000
"""Interactions that the parameter search uses: whole histories of users."""
Part = tuple[int, sparse.csr_matrix]
"""Number of the first row, and a summand of some rows of a matrix."""
Block = tuple[int, WeightRows]
"""Number of the first row, and some rows of a model or a summand of them."""
Count = Callable[[Interactions, sparse.csr_matrix], Iterator[Part]]
"""Counts pairs of items in some users' interactions, given their Xn."""


@dataclass(frozen=True)
class SparkModel(BaseModel):
    """A model whose rows are on the workers."""

    blocks: "RDD[Block]"
    """The rows, without content neighbors."""
    bought: SparkPairs
    added: "Broadcast[sparse.csr_matrix] | None" = None

    @property
    def bought_ids(self) -> list[str]:
        """The items that are bought together with others."""
        return self.bought.item_ids

    def with_content(self, items: Mapping[str, Item]) -> "SparkModel":
        """Returns the model with content neighbors for items that have few users or none."""
        heaviest = np.concatenate(self.blocks.map(lambda block: content.heaviest(block[1].final)).collect())
        usual = content.usual_weight(heaviest)
        added = self.blocks.context.broadcast(self.content(items, usual))
        return replace(self, added=added, unseen_ids=self.unseen(items), content_weight=usual)

    def publish(self, put: Callable[[Packed], None]) -> None:
        """Passes the packed rows of each block to `put`, which is pickled and runs on the workers."""
        context = self.blocks.context
        item_ids, added = context.broadcast(self.item_ids), self.added
        self.blocks.foreach(lambda block: put(_packed(block, item_ids.value, added.value if added else None)))
        if added is not None and self.unseen_ids:
            first_unseen = len(self.extent.item_ids)
            put(packed(added.value[first_unseen:], None, self.item_ids, first_unseen))
        self.bought.rows.foreachPartition(lambda rows: put(bought_rows(rows)))


def learn(events: DataFrame, *, neighbors: int, report: ReportProgress, weights: Weights = DEFAULT) -> SparkModel:
    """Trains a model on events.

    Args:
        events: columns user_id, item_id, event_type (strings), value (double or null), time (double, seconds).
        neighbors: number of weights to keep in each row.
        report: called with the progress of each phase.
        weights: the weights of the project.

    Raises:
        NotEnoughData: there are fewer than two users or two items with events that count.
    """
    report("reading events", 0.0)
    pairs, threshold = gathered(events, weights)
    extent, sums = extent_of(pairs, threshold)
    check_trainable(extent)
    choice = replace(parameter_search.parameters(sampled(pairs, extent), neighbors, report), solver=LOCAL)
    report("learning", 0.0)
    blocks = fitted(pairs, extent.item_ids, sums, choice.parameters, neighbors).persist()
    blocks.count()  # compute now, so that the reported phase is the one at work
    report("learning", 1.0)
    return SparkModel(extent, choice, (), None, blocks, bought_together(events, weights))


def fitted(pairs: DataFrame, item_ids: list[str], sums: Floats, parameters: Parameters, neighbors: int) -> "RDD[Block]":
    """Returns the rows of `local_ridge.local_weights`, in blocks.

    Args:
        pairs: result of `gathered`.
        item_ids: ids of all items, sorted.
        sums: sum of each item's values, shape (items,).
        parameters: parameters of the regression.
        neighbors: number of weights to keep in each row.
    """
    context = pairs.sparkSession.sparkContext
    sinks, ids = shrunk(sums, parameters), context.broadcast(item_ids)
    count = partial(_counted, pairs, ids, context.broadcast(sinks), parameters)
    problem = LeastSquares.of(Gram.of(count(lambda _, normal: gram_blocks(normal))), sinks)
    sides = [problem.similarity(parameters)]
    if parameters.order_share:
        sides.append(problem.order(parameters, count(_transition_blocks(pairs, parameters))))
    shared, factors = context.broadcast((problem, sides)), discounts(sums, parameters.discount)
    starts = range(0, len(sinks), TARGETS_A_TASK)
    solved = context.parallelize(starts, len(starts)).flatMap(
        lambda start: _solved(*shared.value, start, parameters.order_share, factors)
    )
    return solved.reduceByKey(_plus, _blocks(len(sinks))).mapValues(
        lambda block: strongest(block.final, block.order, neighbors)
    )


def _transition_blocks(pairs: DataFrame, parameters: Regression) -> Count:
    """Returns the counting of transitions, in which ages count from the newest interaction of all tasks."""
    newest = pairs.agg(F.max("time")).collect()[0][0] if parameters.recent_pairs else None
    return partial(transition_blocks, recent_pairs=parameters.recent_pairs, newest=newest)


def _plus(left: WeightRows, right: WeightRows) -> WeightRows:
    order = None if left.order is None else left.order + right.order
    return WeightRows(left.final + right.final, order)


def _blocks(items: int) -> int:
    return -(-items // BLOCK_ITEMS)


def gathered(events: DataFrame, weights: Weights = DEFAULT) -> tuple[DataFrame, float | None]:
    """Returns the strongest event of each user and item (user_id, item_id, value, time), and the rating threshold.

    Like `interactions.gather`.
    """
    pair = ["user_id", "item_id"]
    name = F.regexp_replace(F.lower("event_type"), r"[^\p{L}\p{N}]", "")
    named = events.withColumn("weight", _weight(name, weights)).where("weight > 0")
    is_rating = name.isin(_spellings(kinds.RATING)) & F.col("value").isNotNull()
    last_of = F.max(F.struct("time", "value", "weight")).alias("last")
    last = named.where(is_rating).groupBy(pair).agg(last_of).select(*pair, "last.*").persist()
    numbers = {row.value: row["count"] for row in last.groupBy("value").count().collect()}
    threshold = ratings.threshold(numbers)
    liked = _liked(last, threshold).select(*pair, F.col("weight").alias("value"), "time")
    others = named.where(~is_rating).select(*pair, F.col("weight").alias("value"), "time")
    strongest_of = others.unionByName(liked).groupBy(pair)
    return strongest_of.agg(F.max("value").alias("value"), F.max("time").alias("time")).persist(), threshold


def _liked(last: DataFrame, threshold: float | None) -> DataFrame:
    """Keeps the ratings that reach their user's threshold: `ratings.threshold_of_user`."""
    if threshold is None:
        return last.limit(0)
    of_user = Window.partitionBy("user_id")
    rank, number = F.row_number().over(of_user.orderBy(F.desc("value"))), F.count("*").over(of_user)
    second = F.max(F.when(F.col("rank") == 2, F.col("value"))).over(of_user)  # noqa: PLR2004 - the second
    has_own = (second > 0) & (second < threshold) | (second > ratings.BEYOND / ratings.LIKED * threshold)
    own = F.when((F.col("number") >= ratings.OWN_RATINGS) & has_own, ratings.LIKED * second).otherwise(threshold)
    ranked = last.withColumn("rank", rank).withColumn("number", number)
    return ranked.withColumn("own", own).where(F.col("value") >= F.col("own"))


def _spellings(kind: str) -> list[str]:
    return [spelling for spelling, meant in kinds.spellings().items() if meant == kind]


def _weight(name: Column, weights: Weights) -> Column:
    """Returns the training weight of an event by its normalized type."""
    own = [F.when(name == own_name, max(0.0, weight)) for own_name, weight in weights.learning.items()]
    usual = [F.when(name.isin(_spellings(kind)), max(0.0, weight)) for kind, weight in kinds.KIND_WEIGHTS.items()]
    return F.coalesce(*own, *usual, F.lit(kinds.OTHER_WEIGHT))


def extent_of(pairs: DataFrame, threshold: float | None) -> tuple[Extent, Floats]:
    """Returns the extent of the data, and the sum of each item's values."""
    of_items = pairs.groupBy("item_id").agg(F.count("*").alias("users"), F.sum("value").alias("total"))
    rows = sorted((row.item_id, row.users, row.total) for row in of_items.collect())
    item_ids, item_users, sums = zip(*rows, strict=True) if rows else ((), (), ())
    users = pairs.select("user_id").distinct().count()
    return Extent(list(item_ids), np.array(item_users, np.int64), users, sum(item_users), threshold), np.array(sums)


def sampled(pairs: DataFrame, extent: Extent) -> Interactions:
    """Brings the interactions of a sample of users to the driver, for the parameter search: all, if they are few."""
    share = min(1.0, SEARCHED / max(extent.interactions, 1))
    some = pairs if share == 1.0 else pairs.where(F.pmod(F.xxhash64("user_id"), F.lit(10_000)) < 10_000 * share)
    table = some.orderBy("user_id", "item_id").toArrow()
    user_ids, users = np.unique(table["user_id"].to_numpy(), return_inverse=True)
    item_ids, items = np.unique(table["item_id"].to_numpy(), return_inverse=True)
    return Interactions(
        user_ids.tolist(),
        item_ids.tolist(),
        users,
        items,
        table["value"].to_numpy(),
        table["time"].to_numpy(),
        extent.rating_threshold,
    )


def _counted(
    pairs: DataFrame,
    item_ids: "Broadcast[list[str]]",
    sinks: "Broadcast[Floats]",
    parameters: Regression,
    count: Count,
) -> list[gram.Block]:
    """Returns the blocks of a matrix of pairs of items, summed over tasks; each task has all events of some users."""

    def counted(rows: Iterable[Row]) -> Iterator[Part]:
        numbers = {item_id: number for number, item_id in enumerate(item_ids.value)}
        users: dict[str, int] = {}
        entries = [
            (users.setdefault(row.user_id, len(users)), numbers[row.item_id], row.value, row.time) for row in rows
        ]
        user, item, value, time = (np.array(column) for column in zip(*entries, strict=True)) if entries else NO_ROWS
        some = Interactions(list(users), item_ids.value, user, item, value, time)
        return count(some, scaled(some.matrix(), sinks.value, parameters))

    summed = pairs.repartition("user_id").rdd.mapPartitions(counted).reduceByKey(add, _blocks(len(item_ids.value)))
    blocks = summed.map(lambda block: (block[0], pruned(*block))).collect()
    return [block for _, block in sorted(blocks, key=lambda block: block[0])]


NO_ROWS = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0)


def _solved(problem: LeastSquares, sides: Sequence[Side], start: int, share: float, factors: Floats) -> Iterator[Block]:
    """Yields the weights towards some targets from all sources, as a summand of every block."""
    items = len(problem.sinks)
    targets = np.arange(start, min(start + TARGETS_A_TASK, items))
    final, order = blended(problem.columns(targets, sides, threads=1), share, factors[targets])
    for first in range(0, items, BLOCK_ITEMS):
        part = slice(first, first + BLOCK_ITEMS)
        yield (
            first,
            WeightRows(
                _shifted(final[part], start, items), None if order is None else _shifted(order[part], start, items)
            ),
        )


def _shifted(part: sparse.csr_matrix, start: int, width: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((part.data, part.indices + start, part.indptr), (part.shape[0], width))


def _packed(block: Block, item_ids: list[str], added: sparse.csr_matrix | None) -> Iterator[tuple[str, bytes]]:
    first, rows = block[0], block[1].final
    if added is not None:
        rows = sparse.csr_matrix((rows.data, rows.indices, rows.indptr), (rows.shape[0], added.shape[1]))
        rows = (rows + added[first : first + rows.shape[0]]).tocsr()
    return packed(rows, block[1].order, item_ids, first)
