"""New items of Online Retail: a tenth has no events, only descriptions; and what mixing costs the others."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain.items import Item
from app.recommender.content import NewItems
from app.recommender.fit import content, metrics, parameter_search
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.parameter_search import LOCAL
from app.recommender.fit.solver import Parameters
from app.services.recommendations.cold_start import MAX_COMPARED
from tests.support import datasets
from tests.support.builders import an_event

SEED = 7
PARAMETERS = Parameters(user_exponent=0.25, item_exponent=0.25, ridge=3.0)
K = 20


def run() -> None:
    print(f"\nNew items: Online Retail, a tenth of the items without events, seed {SEED}, recall@{K} among new items")
    if not datasets.ONLINE_RETAIL.exists():
        print(f"  skipped, there is no {datasets.ONLINE_RETAIL} (set SERENDIP_DATA)")
        return
    interactions = gather(an_event(user, item, minutes=time / 60) for user, item, time in datasets.online_retail())
    described = datasets.descriptions()
    items = [Item(name, described.get(name)) for name in interactions.item_ids]
    new = np.random.default_rng(SEED).random(len(items)) < 0.1
    known = interactions.matrix(~new[interactions.items])
    right = interactions.matrix(new[interactions.items])
    vectors = content.tf_idf(items)
    users = np.asarray((known != 0).sum(axis=0)).ravel().astype(float)
    model = parameter_search.fitted(known, PARAMETERS, LOCAL, 100)
    mixed = model + content.weights(vectors, users, content.usual_weight(content.heaviest(model)))
    everybody = sparse.csr_matrix(np.ones((known.shape[0], 1)))
    scores = {
        "content neighbors, from a training on": (known, mixed),
        "the same before the next training": (_newest(interactions, ~new), _at_once(items, new)),
        "popularity (unknown at that time)": (everybody, sparse.csr_matrix((right != 0).sum(axis=0))),
        "random": (everybody, sparse.csr_matrix(np.random.default_rng(SEED).random(len(items)))),
    }
    old = sparse.csr_matrix(np.tile(~new, (known.shape[0], 1)))
    recalls = {name: metrics.quality(*one, old, right, K).recall for name, one in scores.items()}
    for name, recall in recalls.items():
        print(f"  {name}: {recall:.4f}")
    best, _, popular, random = recalls.values()
    print(f"    content / random: {best / random:.1f}, content / popularity: {best / popular:.1f}")
    shown = metrics.quality(known, mixed, known, right, K)
    print(f"  among all items: recall@{K} of the new ones {shown.recall:.4f} (collaborative neighbors alone: 0)")
    _cost(interactions, vectors)


def _at_once(items: list[Item], new: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    """Old items x all items: what serving compares new ones by."""
    number = {item.item_id: place for place, item in enumerate(items)}
    old = [item for item, is_new in zip(items, new, strict=True) if not is_new]
    idf = dict(content.inverse_frequencies(old))
    index = NewItems([item for item, is_new in zip(items, new, strict=True) if is_new], idf)
    found = [(number[one.item_id], number[near], cosine) for one in old for near, cosine in index.near(one).items()]
    sources, targets, cosines = zip(*found, strict=True)
    return sparse.csr_matrix((cosines, (sources, targets)), (len(items), len(items)))


def _newest(interactions: Interactions, chosen: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    """Of each user, the newest of the chosen items that serving compares new ones with."""
    known = interactions.taken(chosen[interactions.items])
    order = np.lexsort((-known.times, known.users))
    starts = np.searchsorted(known.users[order], np.arange(len(known.user_ids)))
    rank = np.arange(len(order)) - starts[known.users[order]]
    kept = np.zeros(len(known), bool)
    kept[order[rank < MAX_COMPARED]] = True
    return known.matrix(kept)


def _cost(interactions: Interactions, vectors: sparse.csr_matrix) -> None:
    """What mixing does to items that have events."""
    held = parameter_search.at_random(interactions, SEED)
    known, right = interactions.matrix(~held), interactions.matrix(held)
    users = np.asarray((known != 0).sum(axis=0)).ravel().astype(float)
    model = parameter_search.fitted(known, PARAMETERS, LOCAL, 100)
    mixed = model + content.weights(vectors, users, content.usual_weight(content.heaviest(model)))
    for name, one in (("collaborative", model), ("mixed", mixed)):
        print(
            f"  random fifth of all events held out, {name}: "
            f"NDCG@{K} {metrics.quality(known, one, known, right, K).ndcg:.4f}"
        )
