"""What an evaluation asks: which items come next, given what was there before."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from app.errors import NotEnoughData
from app.recommender.fit.evaluation import holdouts
from app.recommender.fit.evaluation.metrics import Factors
from app.recommender.fit.interactions import Floats, Integers, Interactions, Mask
from app.recommender.fit.recent import Recency, RecentCounts

MOST = 20_000
"""Most questions of a replay; an even sample of all."""
VISIT_SECONDS = 3_600.0
"""The longest pause within a visit."""


@dataclass(frozen=True)
class Questions:
    """Rows of questions about users."""

    training: Interactions
    """What models learn from."""
    log: Interactions
    """What recent popularity is counted in, of which each question may use what was there before its time."""
    histories: Interactions
    """What is known of the user of each question; its users are the questions."""
    users: Integers
    """The number of each question's user, shape (questions,)."""
    times: Floats
    """When each question is chosen, shape (questions,); infinite if nothing is held out."""

    @cached_property
    def seen(self) -> sparse.csr_matrix:
        """Items that must not be recommended: questions x items."""
        return self.histories.matrix()

    @cached_property
    def ages(self) -> Floats:
        """Seconds from the newest event of each history to its question, shape (questions,)."""
        return self.times - holdouts.user_times(self.histories, np.maximum, -np.inf)

    def is_open(self, recency: Recency) -> Mask:
        """Whether the newest moment before each question is still open, shape (questions,)."""
        within: Mask = self.ages <= recency.open_seconds
        return within

    @cached_property
    def recent(self) -> RecentCounts:
        return RecentCounts.of(self.log)

    def history(self, recency: Recency) -> sparse.csr_matrix:
        """Returns the histories weighted as in serving: questions x items."""
        return self.histories.aged(recency.half_life_days, recency.step_decays(self.is_open(recency)))

    def factors(self, recency: Recency, items: Integers | None = None) -> Factors | None:
        """Returns the factors of recent popularity as in serving, of some items or all; None if there are none."""
        return self.recent.factors(self.times, recency, self.is_open(recency), items)

    def only(self, rows: Integers) -> "Questions":
        """Returns the questions of some rows, in ascending order."""
        number = np.full(len(self.users), -1)
        number[rows] = np.arange(len(rows))
        chosen = self.histories.taken(number[self.histories.users] >= 0)
        histories = replace(chosen, users=number[chosen.users], user_ids=[""] * len(rows))
        return replace(self, histories=histories, users=self.users[rows], times=self.times[rows])


@dataclass(frozen=True)
class Exam:
    """Questions and their answers."""

    questions: Questions
    held_out: sparse.csr_matrix
    """The items to predict: questions x items."""

    @property
    def rows(self) -> Integers:
        """The rows of questions that have an answer."""
        return np.flatnonzero(np.diff(self.held_out.indptr))

    def only(self, rows: Integers) -> "Exam":
        """Returns the questions of some rows, in ascending order."""
        return Exam(self.questions.only(rows), self.held_out[rows])


def of_mask(interactions: Interactions, held: Mask) -> Exam:
    """Asks each user once for all that is held out of their interactions; rows are users.

    A user without other interactions is not asked, for there is no history to recommend from.
    """
    training, users = interactions.taken(~held), np.arange(len(interactions.user_ids))
    answers = held & np.isin(interactions.users, training.users)
    times = holdouts.user_times(interactions.taken(answers), np.minimum, np.inf)
    return Exam(Questions(training, training, training, users, times), interactions.matrix(answers))


def rest_of_moment(interactions: Interactions, held: Mask, seed: int) -> Exam:
    """Asks each user for a random item of those held out, given the others too; rows are users.

    With each user's newest moment held out, these are questions in the middle of a basket, and of a visit if every item
    has a time of its own. Users are asked only if their histories then end at most an hour before.
    """
    answers = holdouts.one_of_each(interactions, held, seed)
    training, histories = interactions.taken(~held), interactions.taken(~answers)
    users = np.arange(len(interactions.user_ids))
    times = holdouts.user_times(interactions.taken(answers), np.minimum, np.inf)
    middle = Questions(training, training, histories, users, times)
    return Exam(middle, interactions.matrix(answers & (middle.ages <= VISIT_SECONDS)[interactions.users]))


def replayed(interactions: Interactions, held: Mask, most: int = MOST) -> Exam:
    """Asks for each held-out moment of a user, given all that the user and others did before it.

    A user's first moment is no question, for there is no history to recommend from.
    """
    order = np.lexsort((interactions.items, interactions.times, interactions.users))
    moments, users = interactions.moments()[order], interactions.users[order]
    starts, ends = (
        np.searchsorted(moments, np.arange(moments.max(initial=-1) + 1), side) for side in ("left", "right")
    )
    begins = np.searchsorted(users, users[starts])
    chosen = np.flatnonzero(held[order][starts] & (begins < starts))
    chosen = holdouts.sampled(chosen, most)
    before, within = (
        _numbered(interactions, order, first[chosen], last[chosen])
        for first, last in ((begins, starts), (starts, ends))
    )
    first = order[starts[chosen]]
    questions = Questions(
        interactions.taken(~held), interactions, before, interactions.users[first], interactions.times[first]
    )
    return Exam(questions, within.matrix())


def _numbered(interactions: Interactions, order: Integers, starts: Integers, ends: Integers) -> Interactions:
    """Returns the entries at `order[start:end]` of each pair; their users are the numbers of the pairs."""
    lengths = ends - starts
    offsets = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths) if len(lengths) else starts
    entries = order[np.arange(lengths.sum()) + offsets]
    users = np.repeat(np.arange(len(starts)), lengths)
    return replace(
        interactions,
        user_ids=[""] * len(starts),
        users=users,
        items=interactions.items[entries],
        values=interactions.values[entries],
        times=interactions.times[entries],
    )


def of_kind(interactions: Interactions, kind: str, seed: int) -> Exam:
    """Returns the exam of a holdout by its name: a replay for `time`; `seed` is for random ones.

    Raises:
        NotEnoughData: the holdout needs times, and all interactions have the same.
    """
    if kind in holdouts.ORDERED and len(np.unique(interactions.times)) <= 1:
        raise NotEnoughData(f"The holdout `{kind}` needs events of several times. Use `random`.")
    held = holdouts.of_kind(interactions, kind, seed)
    return replayed(interactions, held) if kind == holdouts.TIME else of_mask(interactions, held)
