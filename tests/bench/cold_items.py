"""New items of Online Retail: a tenth has no events, only descriptions; and what mixing costs the others."""

import numpy as np
from scipy import sparse

from app.domain import Item
from app.recommender.fit import choose, content, measure
from app.recommender.fit.choose import LOCAL
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.solver import Parameters
from tests import data
from tests.build import an_event

SEED = 7
PARAMETERS = Parameters(user_exponent=0.25, item_exponent=0.25, ridge=3.0)
K = 20


def run() -> None:
    print(f"\nNew items: Online Retail, a tenth of the items without events, seed {SEED}, recall@{K} among new items")
    if not data.ONLINE_RETAIL.exists():
        print(f"  skipped, there is no {data.ONLINE_RETAIL} (set SERENDIP_DATA)")
        return
    interactions = gather(an_event(user, item, minutes=time / 60) for user, item, time in data.online_retail())
    described = data.descriptions()
    items = [Item(name, described.get(name)) for name in interactions.item_ids]
    new = np.random.default_rng(SEED).random(len(items)) < 0.1
    known = interactions.matrix(~new[interactions.items])
    right = interactions.matrix(new[interactions.items])
    vectors = content.tf_idf(items)
    users = np.asarray((known != 0).sum(axis=0)).ravel().astype(float)
    model = choose.fitted(known, PARAMETERS, LOCAL, 100)
    mixed = model + content.weights(vectors, users, content.usual_weight(model))
    everybody = sparse.csr_matrix(np.ones((known.shape[0], 1)))
    scores = {
        "content neighbours": (known, mixed),
        "popularity (that nobody could know yet)": (everybody, sparse.csr_matrix((right != 0).sum(axis=0))),
        "random": (everybody, sparse.csr_matrix(np.random.default_rng(SEED).random(len(items)))),
    }
    old = sparse.csr_matrix(np.tile(~new, (known.shape[0], 1)))
    recalls = {name: measure.quality(*one, old, right, K).recall for name, one in scores.items()}
    for name, recall in recalls.items():
        print(f"  {name}: {recall:.4f}")
    best, popular, random = recalls.values()
    print(f"    content / random: {best / random:.1f}, content / popularity: {best / popular:.1f}")
    shown = measure.quality(known, mixed, known, right, K)
    print(f"  among all items: recall@{K} of the new ones {shown.recall:.4f} (collaborative neighbours alone: 0)")
    _cost(interactions, vectors)


def _cost(interactions: Interactions, vectors: sparse.csr_matrix) -> None:
    """What mixing does to items that have events."""
    held = choose.at_random(interactions, SEED)
    known, right = interactions.matrix(~held), interactions.matrix(held)
    users = np.asarray((known != 0).sum(axis=0)).ravel().astype(float)
    model = choose.fitted(known, PARAMETERS, LOCAL, 100)
    mixed = model + content.weights(vectors, users, content.usual_weight(model))
    for name, one in (("collaborative", model), ("mixed", mixed)):
        print(
            f"  random fifth of all events held out, {name}: "
            f"NDCG@{K} {measure.quality(known, one, known, right, K).ndcg:.4f}"
        )
