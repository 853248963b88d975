"""Fresh pairs: what a row of the pairs of recent events (`replay`) would add to models of different schedules.

A row that the stream keeps is compared with one that a training could add, because the latter also says what is recent.
The parameters of a row are chosen on the two weeks before the replay.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from app.domain.items import Item
from app.recommender.fit import parameter_search
from app.recommender.fit.evaluation import beyond_accuracy
from app.recommender.fit.evaluation.metrics import Judged
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.parameter_search import Choice
from app.services.models.training import SEARCH_SECONDS
from tests.bench.replay import DAY, KEPT, LEARNED, LIVE, SCHEDULES, SINCE, K, Pairs, Replay, Served, Shop
from tests.support import datasets
from tests.support.builders import an_event

REPLAYED = 14 * DAY
COMPARED = {"day", "week"}
"""Schedules that are compared with such rows."""
GRID = tuple(product((1.0, 7.0), (0.5, 1.0), (0.03, 0.1, 0.3, 1.0)))
"""Half-lives, x, and beta in units of the mean largest score of the model over that of the row."""


def run() -> None:
    print(
        f"\nFresh pairs: NDCG@{K} of the next moment, replayed over the newest two weeks; history, recent popularity "
        "and content of new items as of each question"
    )
    for name, rows, items in present():
        interactions = gather(an_event(user, item, minutes=at / 60) for user, item, at in rows)
        _replay(name, interactions, [items.get(item_id) for item_id in interactions.item_ids])


def present() -> Sequence[tuple[str, list[datasets.Interaction], Mapping[str, Item]]]:
    """Returns both data sets, with the first time of each pair: what a user had before is never an answer."""
    result = []
    if datasets.MOVIETWEETINGS.exists():
        result.append(("MovieTweetings", datasets.movietweetings(), datasets.films()))
    if datasets.ONLINE_RETAIL.exists():
        first: dict[tuple[str, str], float] = {}
        for user, item, at, is_return in datasets.online_retail_lines():
            if not is_return:
                first.setdefault((user, item), at)
        described = {name: Item(name, text) for name, text in datasets.descriptions().items()}
        result.append(("Online Retail", [(*pair, at) for pair, at in first.items()], described))
    return result


def choice_of(interactions: Interactions) -> Choice:
    """Returns what a training on these interactions would choose, in its time."""
    ends_at = time.monotonic() + SEARCH_SECONDS
    return parameter_search.parameters(interactions, KEPT, lambda *_: None, is_over=lambda: time.monotonic() >= ends_at)


def _replay(name: str, interactions: Interactions, items: Sequence[Item | None]) -> None:
    end = float(interactions.times.max()) + 1.0
    start = end - REPLAYED
    choice = choice_of(interactions.taken(interactions.times < start - REPLAYED))
    shop = Shop(interactions, items, choice)
    before, after = Replay(shop, start - REPLAYED, start), Replay(shop, start, end)
    print(f"  {name}: {len(after.exam.rows):,} questions; {choice.parameters}, {choice.recency}", flush=True)
    daily: Judged | None = None
    for schedule in SCHEDULES:
        served = after.served(schedule)
        plain = served.judged()
        daily = plain if daily is None else daily
        same = daily.only(np.isin(daily.users, served.rows))
        print(f"    trained every {schedule}: {plain.ndcg.mean():.4f}, {_gain(same, plain)} against daily", flush=True)
        if schedule not in COMPARED:
            continue
        rows: dict[str, Judged] = {}
        for window in (SINCE, LEARNED, LIVE):
            pairs = _chosen(before.served(schedule), window)
            rows[window] = served.judged(pairs)
            gain = _gain(plain, rows[window])
            print(f"      pairs {window}: {rows[window].ndcg.mean():.4f}, {gain} ({pairs})", flush=True)
            if window == SINCE:
                _of_new_items(served, pairs)
        print(f"      live against what a training could add: {_gain(rows[LEARNED], rows[LIVE])}", flush=True)


def _of_new_items(served: Served, pairs: Pairs) -> None:
    """Prints how items fare that had no events at the last training."""
    new = served.of_new_items
    share = new.nnz / served.exam.held_out.nnz
    if not new.nnz:
        print("      no answer is new since the training")
        return
    known = (new.toarray() & served.has_events).sum() / new.nnz
    lists = {
        "neighbors alone": served.judged(content_too=False),
        "with content": served.judged(),
        "with fresh pairs": served.judged(pairs, content_too=False),
        "with both": served.judged(pairs),
        "recently popular": served.recently_popular(),
    }
    recalls = ", ".join(f"{name} {judged.on(new).recall.mean():.3f}" for name, judged in lists.items())
    print(
        f"      {share:.2%} of the answers are new since the training ({known:.0%} of them had an event before); "
        f"recall@{K} of these: {recalls}",
        flush=True,
    )


def _gain(base: Judged, other: Judged) -> str:
    """Returns the difference relative to the mean of `base`, with its 95 % interval."""
    mean = base.ndcg.mean()
    low, high = beyond_accuracy.interval(other.ndcg - base.ndcg)
    return f"{other.ndcg.mean() / mean - 1:+.1%} [{low / mean:+.1%}, {high / mean:+.1%}]"


def _chosen(served: Served, window: str) -> Pairs:
    """Returns the best parameters of a row."""

    def tried() -> Iterator[tuple[float, Pairs]]:
        for half_life_days, exponent, factor in GRID:
            pairs = Pairs(window, half_life_days, exponent)
            pairs = replace(pairs, beta=factor * served.strength(pairs))
            yield served.judged(pairs).ndcg.mean(), pairs

    return max(tried(), key=lambda entry: entry[0])[1]
