"""Replays the questions of a period to models of a schedule, and to rows of the pairs of recent events.

A row is idealised: it has every pair at once and without bound, while a row kept by the stream would have fewer.

    row[i, j] = beta * di^-x * dj^-0.3 * sum over moments m:  2^(-age / half-life) * pairs(m)
    pairs(m)  = P[m, i] Q[m, j] + Q[m, i] P[m, j] / 2

Q[m] has the items of a moment, P[m] those of the same user's moments before it, weighted as in `fit.order`, and both
count du^-a; d are users at the last training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain.items import Item
from app.recommender.fit import content, parameter_search
from app.recommender.fit.evaluation import metrics, questions
from app.recommender.fit.evaluation.metrics import Judged
from app.recommender.fit.evaluation.questions import Exam
from app.recommender.fit.evaluation.trial import LOCAL
from app.recommender.fit.interactions import Floats, Integers, Interactions
from app.recommender.fit.order import DECAY, SAME, STEPS
from app.recommender.fit.parameter_search import Choice
from app.recommender.fit.recent import RecentCounts

KEPT, K, MOST = 100, 20, 4_000
HOUR, DAY = 3_600.0, 86_400.0
SCHEDULES = {"day": DAY, "week": 7 * DAY, "month": np.inf, "6 hours": 6 * HOUR, "hour": HOUR}
"""`month` is one training, a month before the period."""
MONTH = 30 * DAY
HOURS_SAMPLED = 3
"""Of the hourly trainings, every third."""
REMEMBERED = 14 * DAY
"""Of a row that outlives trainings."""
TARGET_EXPONENT = 0.3
BLOCK = 500
"""Questions to score at once."""
SINCE, LIVE, LEARNED = "since the training", "of two weeks, live", "of two weeks before the training"
"""Which pairs the row has; a training could add the last ones itself, so they show what recency gains by itself."""


Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Parameters of the row; x is `source_exponent`."""

    window: str
    half_life_days: float
    source_exponent: float
    beta: float = 1.0


class Shop:
    """All events and items, and what is learned from those before a time."""

    def __init__(self, interactions: Interactions, items: Sequence[Item | None], choice: Choice) -> None:
        self.interactions, self.choice = interactions, choice
        self.first = np.full(len(items), np.inf)
        """The time of each item's first event. It is in the catalog a day earlier."""
        np.minimum.at(self.first, interactions.items, interactions.times)
        self.recent = RecentCounts.of(interactions)
        self._vectors = content.tf_idf(items)
        self._models: dict[float, sparse.csr_matrix] = {}

    def users(self, since: float) -> Floats:
        """Returns the number of users of each item before a time."""
        return np.bincount(self._before(since).items, minlength=len(self.first)).astype(np.float64)

    def model(self, since: float) -> sparse.csr_matrix:
        """Returns the weights that a training at a time learns."""
        if since not in self._models:
            rows = parameter_search.fitted(self._before(since), self.choice.parameters, LOCAL, KEPT)
            self._models[since] = rows.final
        return self._models[since]

    def content(self, since: float, until: float) -> sparse.csr_matrix:
        """Returns the content weights of items that are in the catalog before `until`."""
        usual = content.usual_weight(content.heaviest(self.model(since)))
        listed = sparse.diags((self.first - DAY < until).astype(np.float32))
        return content.weights((listed @ self._vectors).tocsr(), self.users(since), usual)

    def _before(self, since: float) -> Interactions:
        return self.interactions.taken(self.interactions.times < since)

    @cached_property
    def moments(self) -> "Moments":
        return Moments.of(self.interactions, self.choice.parameters.user_exponent)


@dataclass(frozen=True)
class Moments:
    """All moments in the order of their times: P and Q, of shape (moments, items)."""

    times: Floats
    earlier: sparse.csr_matrix
    now: sparse.csr_matrix

    @classmethod
    def of(cls, interactions: Interactions, user_exponent: float) -> "Moments":
        number = interactions.moments()
        count = int(number.max()) + 1
        users, times, sizes = np.zeros(count, np.int64), np.zeros(count), np.bincount(number).astype(np.float64)
        users[number], times[number] = interactions.users, interactions.times
        shape = count, len(interactions.item_ids)
        items = sparse.csr_matrix((interactions.values, (number, interactions.items)), shape)
        earlier, had = items * SAME, np.cumsum(sizes)
        had -= (had - sizes)[np.searchsorted(users, users)]  # of the same user until then
        for step in range(1, STEPS + 1):
            later = np.flatnonzero(users[:-step] == users[step:]) + step
            before = sparse.csr_matrix((np.full(len(later), DECAY ** (step - 1)), (later, later - step)), (count,) * 2)
            earlier = earlier + before @ items
        order = np.argsort(times, kind="stable")
        scale = sparse.diags(had**-user_exponent)
        earlier, now = ((scale @ part).astype(np.float32).tocsr()[order] for part in (earlier, items))
        return cls(times[order], earlier, now)

    def between(self, start: float, end: float) -> "Moments":
        part = slice(*np.searchsorted(self.times, (start, end)))
        return Moments(self.times[part], self.earlier[part], self.now[part])


class Replay:
    """The questions of a period."""

    def __init__(self, shop: Shop, start: float, end: float) -> None:
        times = shop.interactions.times
        exam = questions.replayed(shop.interactions, (times >= start) & (times < end), MOST)
        self._shop, self._start, self._end = shop, start, end
        self.exam = exam.only(exam.rows)

    def served(self, schedule: str) -> "Served":
        """Returns the scores of the models that serve under a schedule."""
        period, times = SCHEDULES[schedule], self.exam.questions.times
        sampled = (times - self._start) // HOUR % HOURS_SAMPLED == 0
        rows = np.flatnonzero(sampled) if period == HOUR else np.arange(len(times))
        exam, times = self.exam.only(rows), times[rows]
        if np.isinf(period):
            since, until = np.full(len(times), self._start - MONTH), np.full(len(times), self._end)
        else:
            since = self._start + (times - self._start) // period * period
            until = since + period
        return Served(self._shop, exam, since, until, rows)


class Served:
    """Scores of the items for each question."""

    def __init__(self, shop: Shop, exam: Exam, since: Floats, until: Floats, rows: Integers) -> None:
        self.exam, self._shop, self._since, self.rows = exam, shop, since, rows
        recency, times = shop.choice.recency, exam.questions.times
        self._history = exam.questions.history(recency).astype(np.float32)
        self._exponents = recency.exponents(exam.questions.is_open(recency))[:, None]
        shape = len(times), len(shop.first)
        self._neighbors, self._content, self._users = (np.zeros(shape, np.float32) for _ in range(3))
        for training in np.unique(since):
            asked = np.flatnonzero(since == training)
            history = self._history[asked]
            self._neighbors[asked] = (history @ shop.model(training)).toarray()
            self._content[asked] = (history @ shop.content(training, until[asked[0]])).toarray()
            self._users[asked] = np.maximum(shop.users(training), 1.0)
        self._content[shop.first[None, :] - DAY > times[:, None]] = 0.0
        self._popularity = shop.recent.before(times, recency.recent_half_life_days or 7.0)
        self._fresh: tuple[Pairs, Scores] | None = None

    @property
    def has_events(self) -> npt.NDArray[np.bool_]:
        return self._shop.first[None, :] < self.exam.questions.times[:, None]

    @property
    def of_new_items(self) -> sparse.csr_matrix:
        """Returns the answers that had no events at the last training."""
        answers = self.exam.held_out.tocoo()
        new = self._shop.first[answers.col] >= self._since[answers.row]
        ones = np.ones(int(new.sum()), np.int64)
        return sparse.csr_matrix((ones, (answers.row[new], answers.col[new])), answers.shape)

    def judged(self, pairs: Pairs | None = None, *, content_too: bool = True) -> Judged:
        scores = self._neighbors + self._content if content_too else self._neighbors.copy()
        if pairs is not None:
            scores += np.float32(pairs.beta) * self._pairs(pairs)
        return self._ranked(scores * (1.0 + self._popularity) ** self._exponents)

    def recently_popular(self) -> Judged:
        return self._ranked(self._popularity)

    def strength(self, pairs: Pairs) -> float:
        """Returns the beta with which the largest scores of both are equal on average."""
        return float(self._neighbors.max(axis=1).mean() / max(self._pairs(pairs).max(axis=1).mean(), 1e-12))

    def _ranked(self, scores: Scores) -> Judged:
        same = sparse.identity(len(scores), np.float32, "csr")
        return metrics.judged(same, scores, self.exam.questions.seen, self.exam.held_out, K)

    def _pairs(self, pairs: Pairs) -> Scores:
        """Returns the scores of the fresh row with a beta of 1."""
        key = replace(pairs, beta=1.0)
        if self._fresh is None or self._fresh[0] != key:
            self._fresh = key, self._counted(key)
        return self._fresh[1]

    def _counted(self, pairs: Pairs) -> Scores:
        times, moments = self.exam.questions.times, self._shop.moments
        ends = self._since if pairs.window == LEARNED else times
        starts = self._since if pairs.window == SINCE else ends - REMEMBERED
        moments = moments.between(starts.min(), ends.max())
        history = self._history.multiply(self._users**-pairs.source_exponent).tocsr()
        blocks = []
        for first in range(0, len(times), BLOCK):
            block = slice(first, first + BLOCK)
            then = moments.times[None, :]
            weights = ((then >= starts[block, None]) & (then < ends[block, None])).astype(np.float32)
            ages = np.maximum(times[block, None] - then, 0.0) / (pairs.half_life_days * DAY)
            weights *= 2.0 ** -ages.astype(np.float32)
            forwards = (history[block] @ moments.earlier.T).toarray() * weights @ moments.now
            backwards = (history[block] @ moments.now.T).toarray() * weights @ moments.earlier
            blocks.append(forwards + 0.5 * backwards)
        scores: Scores = np.vstack(blocks) * self._users**-TARGET_EXPONENT
        return scores
