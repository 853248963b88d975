"""Searches for the parameters of learning and serving that do best on interactions held out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, product
from typing import Any

from app.recommender.fit import local_ridge, solver
from app.recommender.fit.evaluation import holdouts, questions
from app.recommender.fit.evaluation.holdouts import ORDERED
from app.recommender.fit.evaluation.metrics import Quality
from app.recommender.fit.evaluation.trial import DENSE, DENSE_ITEMS, JUDGED, LOCAL, USERS, Candidate, Trial
from app.recommender.fit.interactions import Interactions
from app.recommender.fit.order import transitions
from app.recommender.fit.recent import Recency
from app.recommender.fit.solver import SMALLEST, Parameters, WeightRows, discounts, item_sums, normalized
from app.recommender.progress import IsOver, ReportProgress, never

Changes = Sequence[Mapping[str, float | None]]
COVERAGE_EXPONENT = 0.02
"""Without order, half the coverage must bring 1.4 percent more NDCG: it decides between equally accurate candidates."""


def _each(**values: Iterable[float | None]) -> Changes:
    """Returns the changes to try: all combinations of some fields' values."""
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


SIMILARITY = Candidate(Parameters(0.25, 0.25, 3.0))
UNORDERED_START = Candidate(Parameters(0.15, 0.25, 3.0, discount=0.1))
UNORDERED: Sequence[Changes] = (
    _each(ridge=(0.3, 1.0, 3.0, 10.0, 30.0, 100.0)),
    _each(user_exponent=(0.0, 0.15, 0.25, 0.35, 0.5)),
    _each(item_exponent=(0.0, 0.15, 0.25, 0.35, 0.5)),
    _each(discount=(0.0, 0.1, 0.2)),
    _each(user_exponent=(0.0, 0.15, 0.25)),
)
ORDERED_START = Candidate(
    Parameters(0.15, 0.3, 10.0, order_ridge=100.0, order_share=0.4, discount=0.3),
    Recency(step_decay=0.9, recent_half_life_days=7.0, recent_exponent=0.6),
)
IN_ORDER: Sequence[Changes] = (
    _each(ridge=(3.0, 10.0, 30.0, 100.0)),
    _each(user_exponent=(0.0, 0.15, 0.3)),
    _each(item_exponent=(0.15, 0.3, 0.45)),
    _each(order_ridge=(10.0, 30.0, 100.0, 300.0)),
    _each(order_share=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
    _each(step_decay=(None, 0.95, 0.9, 0.8, 0.7, 0.5)),
    _each(half_life_days=(None, 365.0, 90.0, 30.0, 7.0, 1.0, 1 / 24)),
    _each(recent_half_life_days=(0.25, 1.0, 3.0, 7.0, 14.0), recent_exponent=(0.4, 0.7)),
    _each(discount=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
    _each(recent_exponent=(0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)),
)
IN_OPEN = _each(open_step_decay=(1.0, 0.6, 0.4, 0.2, 0.1), open_recent_exponent=(0.0, 0.2, 0.4))
OPEN_FOR = _each(open_seconds=(900.0, 300.0, 60.0, 0.0))
LOWER = (0.55, 0.3)
"""Factors tried among up to 10,000 items: a sample of the items prefers a larger lambda."""
RECENT_PAIRS = (1.0, 3.0)
REPLAYED, LEAST_QUESTIONS = 0.1, 100
"""The share of the newest interactions that is replayed to choose among them, and the least number of questions."""
OTHERS = 14 + len(IN_OPEN) + len(OPEN_FOR)
"""About as many candidates more than in the groups: starts, other solvers, finer or lower lambdas, recent pairs."""
FINER = {holdouts.RANDOM: (0.33, 0.58, 1.73, 3.0), holdouts.NEXT: (0.55, 1.8)}
HALF_LIVES = _each(half_life_days=(None, 365.0, 90.0, 30.0, 7.0))


@dataclass(frozen=True)
class Choice:
    """The chosen parameters and their quality on the interactions held out, with the popularity baseline."""

    parameters: Parameters
    recency: Recency
    quality: Quality
    popularity: Quality
    solver: str = DENSE
    holdout: str = holdouts.NEXT


def parameters(
    interactions: Interactions,
    neighbors: int,
    report: ReportProgress,
    kind: str | None = None,
    seed: int = 0,
    is_over: IsOver = never,
) -> Choice:
    """Searches one group of parameters after the other, from the ridge to the factor of recent popularity.

    Candidates are judged by their NDCG at 20, times coverage^0.02. If the order of events counts, it is multiplied by
    coverage / floor below the floor instead, which is the coverage of similarity alone: the factor of recent popularity
    would otherwise recommend a small part of the catalog. What holds while a moment is open is chosen on one item of
    each held-out moment, given the others, and for how long it is open on the next moments again. How much more recent
    pairs count is chosen last, by replaying the newest interactions: users' next moments are from all times, for which
    what was recent at the end says little.

    Args:
        interactions: the interactions to divide.
        neighbors: number of weights in each row.
        report: called with the progress.
        kind: the holdout; None takes the one that fits the data.
        seed: the seed of a random holdout.
        is_over: no further candidate is tried once it returns True.
    """
    kind = kind or holdouts.usual(interactions)
    ordered = kind in ORDERED
    held = holdouts.of_kind(interactions, kind, seed)
    exam = questions.of_mask(interactions, held)
    most = sum(map(len, IN_ORDER if ordered else UNORDERED)) + OTHERS
    judged = count(1)

    def counted() -> None:
        report("choosing parameters", min(1.0, next(judged) / most))

    trial = Trial(exam, neighbors)
    search = _Search(trial, counted, is_over, keeps_coverage=ordered)
    best = search.best(ORDERED_START if ordered else UNORDERED_START, IN_ORDER if ordered else UNORDERED)
    ridge = best.parameters.ridge
    finer = FINER[holdouts.NEXT if ordered else holdouts.RANDOM]
    best = search.best(best, [_each(ridge=[ridge * factor for factor in finer])])
    search.solver = max(trial.solvers, key=lambda name: search.utility(best, name))
    if not ordered:
        best = search.best(best, [HALF_LIVES])
    if trial.samples_items:
        trial = Trial(exam, neighbors, JUDGED)
        search = _Search(trial, counted, is_over, search.solver, keeps_coverage=ordered)
        best = search.best(best, [_each(ridge=[best.parameters.ridge * factor for factor in LOWER])])
    if kind == holdouts.NEXT and not is_over():
        rest = questions.rest_of_moment(interactions, held, seed)
        if len(rest.rows) >= LEAST_QUESTIONS:
            in_open = _Search(trial.of(rest), counted, is_over, search.solver)
            best = in_open.best(best.changed(open_seconds=questions.VISIT_SECONDS), [IN_OPEN])
            best = search.best(best, [OPEN_FOR])
    if best.parameters.order_share and not is_over():
        replay = questions.replayed(interactions, holdouts.after(interactions, REPLAYED), USERS)
        if len(replay.rows) >= LEAST_QUESTIONS:
            of_replay = _Search(Trial(replay, neighbors), counted, is_over, search.solver, keeps_coverage=True)
            best = of_replay.best(best, [_each(recent_pairs=RECENT_PAIRS)])
    quality = search.quality(best, search.solver)
    return Choice(best.parameters, best.recency, quality, trial.popularity(), search.solver, kind)


def reused(interactions: Interactions, neighbors: int, report: ReportProgress, earlier: Mapping[str, Any]) -> Choice:
    """Evaluates the `parameters` of an earlier version on the current events."""
    report("judging parameters", 0.0)
    kind = holdouts.usual(interactions)
    names = SIMILARITY.named().keys() & earlier.keys()
    candidate = SIMILARITY.changed(**{name: earlier[name] for name in names})
    name = earlier["solver"] if len(interactions.item_ids) <= DENSE_ITEMS else LOCAL
    trial = Trial(questions.of_mask(interactions, holdouts.of_kind(interactions, kind, 0)), neighbors, JUDGED)
    quality = trial.quality(candidate, name)
    return Choice(candidate.parameters, candidate.recency, quality, trial.popularity(), name, kind)


class _Search:
    """Changes one group of fields after the other; no candidate is judged twice."""

    def __init__(
        self,
        trial: Trial,
        judged: Callable[[], None],
        is_over: IsOver,
        solver: str | None = None,
        *,
        keeps_coverage: bool = False,
    ) -> None:
        """`judged` is called for each candidate; `solver` is by default the first one of the trial.

        `keeps_coverage` makes the coverage of similarity alone the floor.
        """
        self._trial, self._judged, self._is_over = trial, judged, is_over
        self._qualities: dict[tuple[Candidate, str], Quality] = {}
        self.solver = solver or trial.solvers[0]
        self._floor = trial.quality(SIMILARITY, self.solver).coverage if keeps_coverage else None

    def best(self, start: Candidate, groups: Iterable[Changes]) -> Candidate:
        """Returns the best candidate after trying the changes of each group on the best one so far."""
        best = start
        for changes in groups:
            tried = [best]
            for candidate in (best.changed(**change) for change in changes):
                if not self._is_over():
                    self.quality(candidate, self.solver)
                    tried.append(candidate)
            best = max(tried, key=lambda candidate: self.utility(candidate, self.solver))
        return best

    def utility(self, candidate: Candidate, name: str) -> float:
        quality = self.quality(candidate, name)
        if self._floor is None:
            return quality.ndcg * float(quality.coverage**COVERAGE_EXPONENT)
        return quality.ndcg * min(1.0, quality.coverage / max(self._floor, SMALLEST))

    def quality(self, candidate: Candidate, name: str) -> Quality:
        if (candidate, name) not in self._qualities:
            self._qualities[candidate, name] = self._trial.quality(candidate, name)
            self._judged()
        return self._qualities[candidate, name]


def fitted(
    interactions: Interactions,
    parameters: Parameters,
    name: str,
    neighbors: int,
    report: ReportProgress = lambda *_: None,
) -> WeightRows:
    """Returns the rows of a solver, with `neighbors` weights each."""
    if name == LOCAL:
        return local_ridge.local_weights(interactions, parameters, neighbors, lambda done: report("learning", done))
    matrix = interactions.matrix()
    normal, shrink = normalized(matrix, parameters)
    gram = solver.gram_matrix(normal)
    parts = [solver.similarity_weights(gram, shrink, parameters.ridge)]
    if parameters.order_share:
        parts.append(solver.order_weights(gram, shrink, parameters, transitions(interactions, normal)))
    factors = discounts(item_sums(matrix), parameters.discount)
    return solver.blended(parts, parameters.order_share, factors, neighbors)
