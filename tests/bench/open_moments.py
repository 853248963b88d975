"""Recommendations in the middle of a basket or visit: one item of each user's newest moment, given the others."""

from app.recommender.fit import parameter_search
from app.recommender.fit.evaluation import beyond_accuracy, holdouts, metrics, questions
from app.recommender.fit.evaluation.questions import Exam
from app.recommender.fit.evaluation.trial import Candidate
from app.recommender.fit.interactions import gather
from app.recommender.fit.solver import WeightRows
from tests.bench import next_item
from tests.support import datasets
from tests.support.builders import an_event

KEPT, K, SEED = 100, 20, 5


def run() -> None:
    print(
        f"\nOpen moments: NDCG@{K} of the next moment, and of a random item of it given the others ({KEPT} weights a "
        "row, unseen items); the parameters are chosen on the moments before"
    )
    for name, rows in datasets.present():
        interactions = gather(an_event(user, item, minutes=at / 60) for user, item, at in rows)
        for seed in next_item.SPLITS:
            part = next_item.split(interactions, seed)
            held = holdouts.next_moment(part)
            following, rest = questions.of_mask(part, held), questions.rest_of_moment(part, held, SEED)
            train = following.questions.training
            choice = parameter_search.parameters(train, KEPT, lambda *_: None)
            chosen = Candidate(choice.parameters, choice.recency)
            print(f"  {name}, split {seed}: {choice.recency}")
            as_later = chosen.changed(open_step_decay=None, open_recent_exponent=None)
            for label, candidate, solver in (
                ("similarity", *next_item.similarity_alone(train)),
                ("as later", as_later, choice.solver),
                ("as served", chosen, choice.solver),
            ):
                learned = parameter_search.fitted(train, candidate.parameters, solver, KEPT)
                figures = "   ".join(_figures(exam, candidate, learned) for exam in (following, rest))
                print(f"    {label:12} {figures}", flush=True)


def _figures(exam: Exam, candidate: Candidate, learned: WeightRows) -> str:
    history, factors = exam.questions.history(candidate.recency), exam.questions.factors(candidate.recency)
    judged = metrics.judged(history, learned.final, exam.questions.seen, exam.held_out, K, factors)
    low, high = beyond_accuracy.interval(judged.ndcg)
    return f"{judged.quality().ndcg:.4f} [{low:.4f}, {high:.4f}] of {len(judged.ndcg):,}"
