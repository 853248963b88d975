"""The rest of a basket, from some of its items: what is bought together by several measures, and carts with histories.

The measure and its parameters, and the weight of a cart, were chosen on the first set of baskets; the second set played
no part in it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.recommender.events.weights import DEFAULT
from app.recommender.fit import content, parameter_search
from app.recommender.fit.bought import pairs
from app.recommender.fit.bought.baskets import BASKET_SECONDS, PurchaseLog
from app.recommender.fit.bought.pairs import KEPT, Pairs
from app.recommender.fit.evaluation import beyond_accuracy, metrics
from app.recommender.fit.evaluation.metrics import Judged
from app.recommender.fit.gram import largest, of_rows, row_of
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.parameter_search import Choice
from app.recommender.fit.recent import RecentCounts
from app.services.recommendations.context import CART_WEIGHT
from tests.support import datasets
from tests.support.builders import NOON, an_event

K, MOST = 10, 2_000
PERIODS = {"chosen on": (0.7, 0.85), "reported on": (0.85, 1.0)}
"""The shares of the baskets, by time, at which a set of baskets to complete begins and ends."""
SEEDS = {"chosen on": 1, "reported on": 2}
SIZES = (1, 3)
EXPONENTS, SHRINKAGES = (0.5, 0.6, 0.7, 0.8, 0.9), (0.0, 2.0, 5.0)
CART_WEIGHTS = (0.0, 10.0, 30.0, 100.0, 300.0, 1e6)
Line = tuple[str, str, float, bool]
Floats = npt.NDArray[np.float64]
Measure = Callable[[Floats, Floats, Floats, float], Floats]
"""From the baskets with both items, with the first, with the second, and all baskets, to weights."""


@dataclass(frozen=True)
class Basket:
    user: str
    time: float
    items: frozenset[str]


@dataclass(frozen=True)
class Cases:
    """Baskets to complete: the items given and the others, one row for each basket."""

    baskets: Sequence[Basket]
    given: sparse.csr_matrix
    rest: sparse.csr_matrix


def run() -> None:
    print(f"\nBought together: the rest of a basket, NDCG@{K} / hit rate / coverage, {KEPT} weights a row")
    if not datasets.ONLINE_RETAIL.exists():
        print(f"  skipped, {datasets.ONLINE_RETAIL} not found (set SERENDIP_DATA)")
        return
    lines = datasets.online_retail_lines()
    baskets = sorted(_baskets(lines), key=lambda basket: basket.time)
    for period, (begin, end) in PERIODS.items():
        past, following = (
            baskets[: int(begin * len(baskets))],
            baskets[int(begin * len(baskets)) : int(end * len(baskets))],
        )
        _compare(period, [line for line in lines if line[2] < following[0].time], following, len(past))


def _baskets(lines: Sequence[Line]) -> Iterator[Basket]:
    bought = sorted((user, time, item) for user, item, time, is_return in lines if not is_return)
    items: set[str] = set()
    owner, start = "", 0.0
    for user, time, item in bought:
        if items and (user != owner or time - start > BASKET_SECONDS):
            yield Basket(owner, start, frozenset(items))
            items = set()
        if not items:
            owner, start = user, time
        items.add(item)
    yield Basket(owner, start, frozenset(items))


def _compare(period: str, lines: Sequence[Line], following: Sequence[Basket], past: int) -> None:
    log = PurchaseLog(DEFAULT)
    kinds = {False: "purchase", True: "refund"}
    events = (an_event(user, item, kinds[is_return], time / 60) for user, item, time, is_return in lines)
    interactions = gather(log.recording(events))
    counted = Pairs.of(log)
    learned = _widened(counted.counts, counted.item_ids, interactions.item_ids)
    cases = {size: _cases(following, interactions.item_ids, size, SEEDS[period]) for size in SIZES}
    print(f"  {period} {len(cases[1].baskets):,} / {len(cases[3].baskets):,} baskets, given 1 / 3 of their items")
    for name, measure in MEASURES.items():
        _report(name, cases, _weighted(learned, measure, past))
    if period == "chosen on":
        for exponent in EXPONENTS:
            for shrinkage in SHRINKAGES:
                name = f"a {exponent}, k {shrinkage:.0f}"
                _report(name, cases, _weighted(learned, _asymmetric(exponent, shrinkage), past))
    shipped = _weighted(learned, _asymmetric(pairs.SOURCE_EXPONENT, pairs.SHRINKAGE), past)
    _report("shipped", cases, shipped)
    choice = parameter_search.parameters(interactions, 100, lambda *_: None)
    neighbors = parameter_search.fitted(interactions, choice.parameters, choice.solver, 100).final
    _report("similar items", cases, neighbors)
    chosen = CART_WEIGHTS if period == "chosen on" else (0.0, CART_WEIGHT, 1e6)
    for weight in chosen:
        _with_history(interactions, choice, neighbors, shipped, weight, cases)


def _widened(counts: sparse.csr_matrix, own_ids: Sequence[str], item_ids: Sequence[str]) -> sparse.csr_matrix:
    """Returns counts in the numbers of other ids; items that are not among these are left out."""
    numbers = {item_id: number for number, item_id in enumerate(item_ids)}
    position = np.array([numbers.get(item_id, -1) for item_id in own_ids])
    entries = counts.tocoo()
    rows, columns = position[entries.row], position[entries.col]
    kept = (rows >= 0) & (columns >= 0)
    shape = (len(item_ids), len(item_ids))
    return sparse.csr_matrix((entries.data[kept].astype(np.float64), (rows[kept], columns[kept])), shape)


def _cases(following: Sequence[Basket], item_ids: Sequence[str], size: int, seed: int) -> Cases:
    random, numbers = np.random.default_rng(seed), {item_id: number for number, item_id in enumerate(item_ids)}
    chosen, given, rest = [], [], []
    for basket in following:
        known = random.permutation([numbers[item_id] for item_id in sorted(basket.items) if item_id in numbers])
        if len(known) > size:
            chosen.append(basket)
            given.append(known[:size])
            rest.append(known[size:])
    return Cases(chosen, _ones(given, len(item_ids)), _ones(rest, len(item_ids)))


def _ones(rows: Sequence[npt.NDArray[np.int64]], width: int) -> sparse.csr_matrix:
    pointers = np.cumsum([0, *map(len, rows)])
    return sparse.csr_matrix((np.ones(pointers[-1]), np.concatenate(rows), pointers), (len(rows), width))


def _weighted(counts: sparse.csr_matrix, measure: Measure, baskets: int) -> sparse.csr_matrix:
    """Returns the heaviest weights of each row by a measure."""
    of_items, rows = counts.diagonal(), []
    for source in range(counts.shape[0]):
        others, together = row_of(counts, source)
        together = together[others != source]
        others = others[others != source]
        weights = measure(together, np.full(len(others), of_items[source]), of_items[others], float(baskets))
        best = largest(weights, KEPT)
        rows.append((others[best], weights[best]))
    return of_rows(rows, counts.shape[0])


def _asymmetric(exponent: float, shrinkage: float) -> Measure:
    def measure(c: Floats, n_i: Floats, n_j: Floats, _: float) -> Floats:
        return c / (n_i**exponent * n_j ** (1 - exponent)) * c / (c + shrinkage)

    return measure


def _log_likelihood(c: Floats, n_i: Floats, n_j: Floats, n: float) -> Floats:
    """Dunning, "Accurate Methods for the Statistics of Surprise and Coincidence", 1993; 0 if not more than expected."""

    def entropy(*cells: Floats) -> Floats:
        total = np.sum(cells, axis=0)
        of_cells = np.sum([cell * np.log(np.maximum(cell, 1.0)) for cell in cells], axis=0)
        whole: Floats = total * np.log(total) - of_cells
        return whole

    whole = np.full(len(c), n)
    neither = np.maximum(whole - n_i - n_j + c, 0.0)
    ratio = 2 * (entropy(n_i, whole - n_i) + entropy(n_j, whole - n_j) - entropy(c, n_i - c, n_j - c, neither))
    surprising: Floats = np.where(c * n > n_i * n_j, np.maximum(ratio, 0.0), 0.0)
    return surprising


MEASURES: Mapping[str, Measure] = {
    "count": lambda c, *_: c,
    "confidence": lambda c, n_i, *_: c / n_i,
    "lift": lambda c, n_i, n_j, n: c * n / (n_i * n_j),
    "Jaccard": lambda c, n_i, n_j, _: c / (n_i + n_j - c),
    "cosine": _asymmetric(0.5, 0.0),
    "log-likelihood": _log_likelihood,
}


def _report(name: str, cases: Mapping[int, Cases], model: sparse.csr_matrix) -> None:
    judged = [metrics.judged(each.given, model, each.given, each.rest, K) for each in cases.values()]
    _print(name, judged)


def _with_history(
    interactions: Interactions,
    choice: Choice,
    neighbors: sparse.csr_matrix,
    bought: sparse.csr_matrix,
    weight: float,
    cases: Mapping[int, Cases],
) -> None:
    """Reports lists of unseen items for users with a history and a cart."""
    users = {user_id: number for number, user_id in enumerate(interactions.user_ids)}
    unit = weight * content.usual_weight(content.heaviest(neighbors))
    history = interactions.aged(choice.recency.half_life_days, choice.recency.step_decay)
    seen, model = interactions.matrix(), sparse.vstack((neighbors, bought), "csr")
    judged = []
    for each in cases.values():
        returning = [number for number, basket in enumerate(each.baskets) if basket.user in users][:MOST]
        owners = [users[each.baskets[number].user] for number in returning]
        given, rest = each.given[returning], each.rest[returning]
        unseen = rest - rest.multiply(seen[owners] > 0)
        unseen.eliminate_zeros()
        times = np.array([each.baskets[number].time for number in returning]) + NOON.timestamp()
        factors = RecentCounts.of(interactions).factors(times, choice.recency, np.zeros(len(times), bool))
        both = sparse.hstack((history[owners], unit * given), "csr")
        judged.append(metrics.judged(both, model, seen[owners] + given, unseen.tocsr(), K, factors))
    _print(f"history, cart x {weight:g}", judged)


def _print(name: str, judged: Sequence[Judged]) -> None:
    parts = []
    for each in judged:
        quality, (low, high) = each.quality(), beyond_accuracy.interval(each.ndcg)
        parts.append(f"{quality.ndcg:.4f} [{low:.4f}, {high:.4f}] / {quality.hit_rate:.3f} / {quality.coverage:.2f}")
    print(f"    {name:22} {'   '.join(parts)}", flush=True)
