"""Recent pairs: what the trainer gains by counting recent pairs more, over two weeks that no choice has seen."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from app.recommender.fit import parameter_search
from app.recommender.fit.evaluation import beyond_accuracy, metrics, questions
from app.recommender.fit.interactions import Floats, Interactions, gather
from app.recommender.fit.parameter_search import Choice
from tests.bench.fresh_pairs import choice_of, present
from tests.bench.replay import DAY, KEPT, K
from tests.support.builders import an_event

DAYS = 14
WEIGHTS = (0.0, 1.0, 3.0)


def run() -> None:
    print(
        f"\nRecent pairs: NDCG@{K} of the next moment in the newest {DAYS} days, trained at the start of each day; the "
        "parameters are chosen on what was there before these days"
    )
    for name, rows, _ in present():
        interactions = gather(an_event(user, item, minutes=at / 60) for user, item, at in rows)
        start = float(interactions.times.max()) + 1.0 - DAYS * DAY
        choice = choice_of(interactions.taken(interactions.times < start))
        print(f"  {name}: chosen {choice.parameters}, {choice.recency}", flush=True)
        days = [_day(interactions, start + day * DAY, choice) for day in range(DAYS)]
        lists = {weight: np.concatenate([day[weight] for day in days]) for weight in WEIGHTS}
        plain = lists[0.0]
        for weight, ndcg in lists.items():
            low, high = (bound / plain.mean() for bound in beyond_accuracy.interval(ndcg - plain))
            chosen = " (chosen)" if weight == choice.parameters.recent_pairs else ""
            print(
                f"    recent pairs {weight:.0f}: {ndcg.mean():.4f} of {len(ndcg):,} questions, "
                f"{ndcg.mean() / plain.mean() - 1:+.1%} [{low:+.1%}, {high:+.1%}]{chosen}",
                flush=True,
            )


def _day(interactions: Interactions, start: float, choice: Choice) -> dict[float, Floats]:
    """Returns the NDCG of each question of a day, by the weight of recent pairs."""
    until = interactions.taken(interactions.times < start + DAY)
    exam = questions.replayed(until, until.times >= start)
    history, factors = exam.questions.history(choice.recency), exam.questions.factors(choice.recency)

    def judged() -> Iterator[tuple[float, Floats]]:
        for weight in WEIGHTS:
            parameters = replace(choice.parameters, recent_pairs=weight)
            rows = parameter_search.fitted(exam.questions.training, parameters, choice.solver, KEPT)
            yield weight, metrics.judged(history, rows.final, exam.questions.seen, exam.held_out, K, factors).ndcg

    return dict(judged())
