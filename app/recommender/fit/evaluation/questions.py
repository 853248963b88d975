"""What an evaluation asks: which items come next, given what was there before."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.errors import NotEnoughData
from app.recommender.fit.evaluation import holdouts
from app.recommender.fit.interactions import Floats, Integers, Interactions

MOST = 20_000
"""Most questions of a replay; an even sample of all."""


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


def of_mask(interactions: Interactions, held: npt.NDArray[np.bool_]) -> Exam:
    """Asks each user once for all that is held out of their interactions; rows are users.

    A user without other interactions is not asked, for there is no history to recommend from.
    """
    training, users = interactions.taken(~held), np.arange(len(interactions.user_ids))
    answers = held & np.isin(interactions.users, training.users)
    times = holdouts.user_times(interactions.taken(answers), np.minimum, np.inf)
    return Exam(Questions(training, training, training, users, times), interactions.matrix(answers))


def replayed(interactions: Interactions, held: npt.NDArray[np.bool_], most: int = MOST) -> Exam:
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
