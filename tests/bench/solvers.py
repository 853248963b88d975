"""The dense and the local solver: agreement where both can run, time and memory where only the local one can."""

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
from app.recommender.fit import metrics, parameter_search, spark
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.parameter_search import DENSE, LOCAL
from app.recommender.fit.solver import Parameters
from tests.bench import synthetic
from tests.support import datasets
from tests.support.builders import an_event

SPLIT_SEED = 7
PARAMETERS = Parameters(user_exponent=0.25, item_exponent=0.25, ridge=3.0)
KEPT = 100
JUDGED_USERS = 4_000
CLOSE = 1e-6
MIDDLE, LARGE = (30_000, 40_000, 1_120_000), (500_000, 1_000_000, 29_500_000)
"""Users, items, and pairs to draw (about 0.85 and 19.9 million distinct pairs)."""


def run() -> None:
    print(f"\nSolvers: NDCG@20, random fifth held out, seed {SPLIT_SEED}, {PARAMETERS}, {KEPT} weights a row")
    for name, rows in datasets.present():
        interactions = gather(an_event(user, item, minutes=time / 60) for user, item, time in rows)
        held = parameter_search.at_random(interactions, SPLIT_SEED)
        known, right = interactions.matrix(~held), interactions.matrix(held)
        ndcgs = {}
        for solver in (DENSE, LOCAL):
            started = time.monotonic()
            model = parameter_search.fitted(known, PARAMETERS, solver, KEPT)
            seconds = time.monotonic() - started
            ndcgs[solver] = metrics.quality(known, model, known, right, 20).ndcg
            print(f"  {name}, {solver}: {ndcgs[solver]:.4f}, {seconds:.1f} s")
        print(f"    local / dense: {ndcgs[LOCAL] / ndcgs[DENSE]:.4f}")
        _on_spark(interactions.only(~held))
    for size in (MIDDLE, LARGE):  # each in a process of its own, for its peak memory
        subprocess.run([sys.executable, "-m", "tests.bench.solvers", *map(str, size)], check=True)


def _on_spark(known: Interactions) -> None:
    """The same rows from Spark, as far as they are the local solver's."""
    expected = parameter_search.fitted(known.matrix(), PARAMETERS, LOCAL, KEPT)
    with tempfile.TemporaryDirectory() as folder, spark_training.session("local[2]") as session:
        columns = {"user_id": np.array(known.user_ids)[known.users], "item_id": np.array(known.item_ids)[known.items]}
        parquet.write_table(pa.table(columns), f"{folder}/known.parquet")
        started = time.monotonic()
        pairs, _ = spark.gathered(spark_training.events(session, f"{folder}/known.parquet", ""))
        extent, sums = spark.extent_of(pairs, None)
        blocks = dict(spark.fitted(pairs, extent.item_ids, sums, PARAMETERS, KEPT).collect())
        seconds = time.monotonic() - started
    rows = sparse.vstack([blocks[first] for first in sorted(blocks)], "csr")
    distances = abs(rows - expected)[expected != 0] / abs(expected).max()
    print(
        f"    Spark, local[2]: {seconds:.1f} s; of the local solver's {expected.nnz:,} weights "
        f"{(distances <= CLOSE).mean():.4%} are the same to {CLOSE} of the largest"
    )


def _synthetic(users: int, items: int, wanted: int) -> None:
    user, item = synthetic.interactions(users, items, wanted)
    held = np.random.default_rng(1).random(len(user)) < 0.2
    judged = held & (user < JUDGED_USERS)
    known, right = (
        sparse.csr_matrix((np.ones(chosen.sum(), np.float32), (user[chosen], item[chosen])), (users, items))
        for chosen in (~held, judged)
    )
    del user, item, held, judged
    started = time.monotonic()
    rows = parameter_search.fitted(known, PARAMETERS, LOCAL, KEPT)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    ndcg = metrics.quality(known[:JUDGED_USERS], rows, known[:JUDGED_USERS], right[:JUDGED_USERS], 20).ndcg
    popular = metrics.popularity_quality(known[:JUDGED_USERS], right[:JUDGED_USERS], 20).ndcg
    print(
        f"  synthetic, {items:,} items, {users:,} users, {known.nnz / 1e6:.2f} million interactions known, local: "
        f"{seconds:.0f} s, peak {peak:.1f} GB, NDCG@20 of {JUDGED_USERS:,} users {ndcg:.4f} (popularity {popular:.4f})",
        flush=True,
    )


if __name__ == "__main__":
    _synthetic(*map(int, sys.argv[1:]))
