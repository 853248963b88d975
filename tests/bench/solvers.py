"""The dense and the local solver: accuracy on small data, time and memory of the local one on large data."""

import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from scipy import sparse

from app.entry.offline import spark_training
from app.recommender.fit import parameter_search, spark
from app.recommender.fit.evaluation import holdouts, metrics
from app.recommender.fit.evaluation.trial import DENSE, LOCAL
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.solver import Parameters
from tests.bench import synthetic
from tests.support import datasets
from tests.support.builders import an_event

SPLIT_SEED = 7
PARAMETERS = Parameters(user_exponent=0.25, item_exponent=0.25, ridge=3.0, order_share=0.4)
KEPT = 100
JUDGED_USERS = 4_000
CLOSE = 1e-6
MIDDLE, LARGE = (30_000, 40_000, 1_120_000), (500_000, 1_000_000, 29_500_000)
"""Users, items, and pairs to draw (about 0.85 and 19.9 million distinct pairs)."""


def run() -> None:
    print(f"\nSolvers: NDCG@20, random fifth held out, seed {SPLIT_SEED}, {PARAMETERS}, {KEPT} weights a row")
    for name, rows in datasets.present():
        interactions = gather(an_event(user, item, minutes=time / 60) for user, item, time in rows)
        held = holdouts.at_random(interactions, SPLIT_SEED)
        training, test = interactions.taken(~held), interactions.matrix(held)
        train = training.matrix()
        ndcgs = {}
        for solver in (DENSE, LOCAL):
            started = time.monotonic()
            model = parameter_search.fitted(training, PARAMETERS, solver, KEPT).final
            seconds = time.monotonic() - started
            ndcgs[solver] = metrics.quality(train, model, train, test, 20).ndcg
            print(f"  {name}, {solver}: {ndcgs[solver]:.4f}, {seconds:.1f} s")
        print(f"    local / dense: {ndcgs[LOCAL] / ndcgs[DENSE]:.4f}")
        _on_spark(interactions.only(~held))
    for size in (MIDDLE, LARGE):  # each in its own process, to measure its peak memory
        subprocess.run([sys.executable, "-m", "tests.bench.solvers", *map(str, size)], check=True)


def _on_spark(train: Interactions) -> None:
    """Prints how many of the local solver's weights Spark computes as well."""
    expected = parameter_search.fitted(train, PARAMETERS, LOCAL, KEPT).final
    with tempfile.TemporaryDirectory() as folder, spark_training.session("local[2]") as session:
        columns = {
            "user_id": np.array(train.user_ids)[train.users],
            "item_id": np.array(train.item_ids)[train.items],
            "timestamp": train.times.astype(str),
        }
        parquet.write_table(pa.table(columns), f"{folder}/train.parquet")
        started = time.monotonic()
        pairs, _ = spark.gathered(spark_training.events(session, f"{folder}/train.parquet", ""))
        extent, sums = spark.extent_of(pairs, None)
        blocks = dict(spark.fitted(pairs, extent.item_ids, sums, PARAMETERS, KEPT).collect())
        seconds = time.monotonic() - started
    rows = sparse.vstack([blocks[first].final for first in sorted(blocks)], "csr")
    distances = abs(rows - expected)[expected != 0] / abs(expected).max()
    print(
        f"    Spark, local[2]: {seconds:.1f} s; of the local solver's {expected.nnz:,} weights "
        f"{(distances <= CLOSE).mean():.4%} are the same to {CLOSE} of the largest"
    )


def _synthetic(users: int, items: int, wanted: int) -> None:
    user, item = synthetic.interactions(users, items, wanted)
    held = np.random.default_rng(1).random(len(user)) < 0.2
    judged = held & (user < JUDGED_USERS)
    training = Interactions(
        list(map(str, range(users))),
        list(map(str, range(items))),
        user[~held],
        item[~held],
        np.ones((~held).sum()),
        np.random.default_rng(2).random((~held).sum()),  # in random order
    )
    train = training.matrix()
    test = sparse.csr_matrix((np.ones(judged.sum(), np.float32), (user[judged], item[judged])), (users, items))
    del user, item, held, judged
    started = time.monotonic()
    rows = parameter_search.fitted(training, PARAMETERS, LOCAL, KEPT).final
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    ndcg = metrics.quality(train[:JUDGED_USERS], rows, train[:JUDGED_USERS], test[:JUDGED_USERS], 20).ndcg
    popular = metrics.popularity_quality(train[:JUDGED_USERS], test[:JUDGED_USERS], 20).ndcg
    print(
        f"  synthetic, {items:,} items, {users:,} users, {train.nnz / 1e6:.2f} million interactions, local: "
        f"{seconds:.0f} s, peak {peak:.1f} GB, NDCG@20 of {JUDGED_USERS:,} users {ndcg:.4f} (popularity {popular:.4f})",
        flush=True,
    )


if __name__ == "__main__":
    _synthetic(*map(int, sys.argv[1:]))
