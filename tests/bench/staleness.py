"""NDCG that a model loses until the next training, and what refreshing only its changed rows would regain."""

import time
from dataclasses import asdict

import numpy as np

from app.recommender.fit import parameter_search
from app.recommender.fit.evaluation import holdouts, metrics
from app.recommender.fit.evaluation.trial import LOCAL
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.solver import Parameters
from tests.support import datasets
from tests.support.builders import an_event

PARAMETERS = Parameters(user_exponent=0.25, item_exponent=0.25, ridge=3.0)
KEPT, K = 100, 20
JUDGED_SHARE = 0.05
"""Share of the newest interactions, which the models must predict."""
AGES_DAYS = (1, 7, 30)
DAY = 86_400.0


def run() -> None:
    print(f"\nStaleness: NDCG@{K} on the newest {JUDGED_SHARE:.0%}, histories as of then, models of different ages")
    for name, rows in datasets.present():
        interactions = gather(an_event(user, item, minutes=at / 60) for user, item, at in rows)
        _judge(name, interactions)


def _judge(name: str, interactions: Interactions) -> None:
    held = holdouts.after(interactions, JUDGED_SHARE)
    train, test = interactions.taken(~held), interactions.matrix(held)
    now = interactions.times[held].min()
    history = train.matrix()
    started = time.monotonic()
    choice = parameter_search.parameters(train, KEPT, lambda *_: None)
    chosen = time.monotonic()
    earlier = {**asdict(choice.parameters), **asdict(choice.recency), "solver": choice.solver}
    parameter_search.reused(train, KEPT, lambda *_: None, earlier)
    judged = time.monotonic()
    fresh = parameter_search.fitted(train, PARAMETERS, LOCAL, KEPT).final
    fitted = time.monotonic()
    best = metrics.quality(history, fresh, history, test, K).ndcg
    print(
        f"  {name}: trained at once {best:.4f}; choosing parameters {chosen - started:.1f} s, judging an earlier "
        f"version's {judged - chosen:.1f} s, solving {fitted - judged:.1f} s"
    )
    for days in AGES_DAYS:
        before = train.times < now - days * DAY
        stale = parameter_search.fitted(train.taken(before), PARAMETERS, LOCAL, KEPT).final
        ndcg = metrics.quality(history, stale, history, test, K).ndcg
        refreshed = np.unique(train.items[~before])
        touched = len(refreshed) / len(np.unique(train.items))
        mixed = stale.tolil()
        mixed[refreshed] = fresh[refreshed]
        part = metrics.quality(history, mixed.tocsr(), history, test, K).ndcg
        print(
            f"    {days:2} days old: {ndcg:.4f} ({ndcg / best:.1%}); with rows solved again for the {touched:.0%} of "
            f"items that were touched since {part:.4f} ({part / best:.1%})"
        )
