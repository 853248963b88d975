"""Which weights of a row to keep: the 100 highest, the 50 highest and 50 lowest, or all; on a separate split."""

from collections.abc import Callable

import numpy as np
from scipy import sparse

from app.recommender.fit.evaluation import holdouts, metrics
from app.recommender.fit.interactions import gather
from app.recommender.fit.solver import Floats, Regression, gram_matrix, normalized, similarity_weights, strongest
from tests.support import datasets
from tests.support.builders import an_event

SPLIT_SEED = 7
PARAMETERS = Regression(user_exponent=0.25, item_exponent=0.25, ridge=3.0)
KEPT = 100


def run() -> None:
    print(f"\nRow formats: NDCG@20, random fifth held out, seed {SPLIT_SEED}, {PARAMETERS}")
    formats: dict[str, Callable[[Floats], sparse.csr_matrix]] = {
        "all weights": sparse.csr_matrix,
        "100 heaviest": _heaviest,
        "50 heaviest and 50 lowest": lambda final: strongest(final, KEPT),
    }
    for name, rows in datasets.present():
        interactions = gather(an_event(user, item, minutes=time / 60) for user, item, time in rows)
        held = holdouts.at_random(interactions, SPLIT_SEED)
        train, test = interactions.matrix(~held), interactions.matrix(held)
        normal, shrink = normalized(train, PARAMETERS)
        final = similarity_weights(gram_matrix(normal), shrink, PARAMETERS.ridge)
        for kind, kept in formats.items():
            quality = metrics.quality(train, kept(final), train, test, 20)
            print(f"  {name}, {kind}: {quality.ndcg:.4f}")


def _heaviest(final: Floats) -> sparse.csr_matrix:
    columns = np.argpartition(-final, KEPT, axis=1)[:, :KEPT]
    values = np.maximum(np.take_along_axis(final, columns, axis=1), 0.0)
    rows = np.repeat(np.arange(len(final)), KEPT)
    return sparse.csr_matrix((values.ravel(), (rows, columns.ravel())), shape=final.shape)
