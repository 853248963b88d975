"""Cold start on Online Retail: a tenth of the items has descriptions but no events; and the cost for other items."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain.items import Item
from app.recommender.content import NewItems
from app.recommender.fit import content, parameter_search
from app.recommender.fit.evaluation import holdouts, metrics, questions
from app.recommender.fit.evaluation.trial import LOCAL
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.solver import Floats, Parameters
from app.services.recommendations.cold_start import MAX_COMPARED
from tests.support import datasets
from tests.support.builders import an_event

SEED, NEXT_SEED = 7, 1
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
    training = interactions.taken(~new[interactions.items])
    train = training.matrix()
    test = interactions.matrix(new[interactions.items])
    vectors = content.tf_idf(items)
    users = np.asarray((train != 0).sum(axis=0)).ravel().astype(float)
    model = parameter_search.fitted(training, PARAMETERS, LOCAL, 100).final
    mixed = model + content.weights(vectors, users, content.usual_weight(content.heaviest(model)))
    all_users = sparse.csr_matrix(np.ones((train.shape[0], 1)))
    scores = {
        "content neighbors, after a training": (train, mixed),
        "content neighbors, before the next training": (_newest(interactions, ~new), _at_once(items, new)),
        "popularity (unknown at that time)": (all_users, sparse.csr_matrix((test != 0).sum(axis=0))),
        "random": (all_users, sparse.csr_matrix(np.random.default_rng(SEED).random(len(items)))),
    }
    old = sparse.csr_matrix(np.tile(~new, (train.shape[0], 1)))
    recalls = {name: metrics.quality(*pair, old, test, K).recall for name, pair in scores.items()}
    for name, recall in recalls.items():
        print(f"  {name}: {recall:.4f}")
    best, _, popular, random = recalls.values()
    print(f"    content / random: {best / random:.1f}, content / popularity: {best / popular:.1f}")
    quality = metrics.quality(train, mixed, train, test, K)
    print(f"  among all items: recall@{K} of the new items {quality.recall:.4f} (collaborative neighbors alone: 0)")
    _cost()


def _at_once(items: list[Item], new: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    """Cosines of old items (rows) and all items (columns), as serving computes them for new items."""
    number = {item.item_id: index for index, item in enumerate(items)}
    old = [item for item, is_new in zip(items, new, strict=True) if not is_new]
    idf = dict(content.inverse_frequencies(old))
    index = NewItems([item for item, is_new in zip(items, new, strict=True) if is_new], idf)
    entries = [
        (number[item.item_id], number[near], cosine) for item in old for near, cosine in index.near(item).items()
    ]
    sources, targets, cosines = zip(*entries, strict=True)
    return sparse.csr_matrix((cosines, (sources, targets)), (len(items), len(items)))


def _newest(interactions: Interactions, chosen: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    """The newest chosen items of each user, which serving compares with new items."""
    history = interactions.taken(chosen[interactions.items])
    order = np.lexsort((-history.times, history.users))
    starts = np.searchsorted(history.users[order], np.arange(len(history.user_ids)))
    rank = np.arange(len(order)) - starts[history.users[order]]
    kept = np.zeros(len(history), bool)
    kept[order[rank < MAX_COMPARED]] = True
    return history.matrix(kept)


def _cost() -> None:
    """Prints what content neighbors cost items that have events, and how many items without events they list."""
    print(f"  Each user's next moment, seed {NEXT_SEED}: learned neighbors alone, and with content neighbors")
    for name, rows in datasets.present():
        catalog = datasets.films() if name == "MovieTweetings" else _described()
        exam = questions.of_kind(
            gather(an_event(user, item, minutes=at / 60) for user, item, at in rows), holdouts.NEXT, NEXT_SEED
        )
        train, seen = exam.questions.training, exam.questions.seen
        item_ids = [*train.item_ids, *sorted(catalog.keys() - set(train.item_ids))]
        users = np.bincount(train.items, minlength=len(item_ids)).astype(float)
        learned = _wider(parameter_search.fitted(train, PARAMETERS, LOCAL, 100).final, len(item_ids), len(item_ids))
        vectors = content.tf_idf([catalog.get(item_id) for item_id in item_ids])
        mixed = learned + content.weights(vectors, users, content.usual_weight(content.heaviest(learned)))
        history, seen, held_out = (_wider(each, each.shape[0], len(item_ids)) for each in (seen, seen, exam.held_out))
        for label, model in (("learned", learned), ("with content", mixed)):
            quality = metrics.quality(history, model, seen, held_out, K)
            print(
                f"    {name}, {label}: NDCG@{K} {quality.ndcg:.4f}, "
                f"items without users {_unused(history, model, seen, users):.1%} of the lists"
            )


def _described() -> dict[str, Item]:
    return {item_id: Item(item_id, title) for item_id, title in datasets.descriptions().items()}


def _wider(matrix: sparse.csr_matrix, rows: int, columns: int) -> sparse.csr_matrix:
    wider = sparse.csr_matrix(matrix)
    wider.resize((rows, columns))
    return wider


def _unused(history: sparse.csr_matrix, model: sparse.csr_matrix, seen: sparse.csr_matrix, users: Floats) -> float:
    """Returns the share of items without users in the lists of 500 users."""
    sample = np.random.default_rng(SEED).permutation(history.shape[0])[:500]
    scores = (history[sample] @ model).toarray()
    scores[seen[sample].toarray() != 0] = 0
    best = np.argsort(-scores, axis=1)[:, :K]
    listed = np.take_along_axis(scores, best, 1) > 0
    return float((users[best] == 0)[listed].mean())
