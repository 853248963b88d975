import numpy as np

from app.recommender.fit import parameter_search
from app.recommender.fit.evaluation import holdouts
from app.recommender.fit.evaluation.trial import TARGETS
from app.recommender.fit.interactions import Interactions
from tests.support.matrices import timed_interactions

CYCLE = 12


def cycles(users: int = 60, length: int = 6, *, timed: bool = True) -> Interactions:
    """Each user walks along a ring of items: only the order tells what comes next."""
    starts = np.random.default_rng(0).integers(0, CYCLE, users)
    rows = sorted((user, (starts[user] + step) % CYCLE, step) for user in range(users) for step in range(length))
    user, item, step = (np.array(column) for column in zip(*rows, strict=True))
    times = step.astype(float) if timed else np.zeros(len(step))
    ids = [f"u{n:02d}" for n in range(users)], [f"i{n:02d}" for n in range(CYCLE)]
    return Interactions(*ids, user, item, np.ones(len(user)), times)


def ring(items: int) -> Interactions:
    """As many users as items: each walks three steps, from an item of their own, along a ring of all items."""
    user, step = (grid.ravel() for grid in np.meshgrid(np.arange(items), np.arange(3), indexing="ij"))
    ids = [f"u{n:04d}" for n in range(items)], [f"i{n:04d}" for n in range(items)]
    return Interactions(*ids, user, (user + step) % items, np.ones(len(user)), step.astype(float))


def turning(*, changes: bool, users: int = 1_000) -> Interactions:
    """A user a day walks three steps along the ring, and the last 200 users walk it in steps of 5 if it changes."""
    random = np.random.default_rng(1)
    starts, stride = random.integers(0, CYCLE, users), np.where(changes & (np.arange(users) >= users - 200), 5, 1)
    user, step = (grid.ravel() for grid in np.meshgrid(np.arange(users), np.arange(4), indexing="ij"))
    items = (starts[user] + step * stride[user]) % CYCLE
    ids = [f"u{n:03d}" for n in range(users)], [f"i{n:02d}" for n in range(CYCLE)]
    return Interactions(*ids, user, items, np.ones(len(user)), (user * 86_400 + step).astype(float))


def baskets(users: int = 300) -> Interactions:
    """Each user buys four baskets a day apart, each of three neighbors somewhere on a large ring."""
    starts = np.random.default_rng(2).permuted(np.tile(np.arange(0, 60, 3), (users, 1)), axis=1)[:, :4]
    grids = np.meshgrid(np.arange(users), np.arange(4), np.arange(3), indexing="ij")
    user, day, step = (grid.ravel() for grid in grids)
    ids = [f"u{n:03d}" for n in range(users)], [f"i{n:02d}" for n in range(60)]
    return Interactions(*ids, user, starts[user, day] + step, np.ones(len(user)), (day * 86_400).astype(float))


def quiet(_phase: str, _progress: float) -> None: ...


class TestParameters:
    def test_order_is_learned_if_it_tells_what_comes_next(self) -> None:
        choice = parameter_search.parameters(cycles(), 100, quiet)

        assert choice.holdout == holdouts.NEXT
        assert choice.parameters.order_share > 0
        assert choice.quality.mrr > 0.9

    def test_recent_pairs_count_more_if_what_comes_next_has_changed(self) -> None:
        same, turned = turning(changes=False), turning(changes=True)

        assert parameter_search.parameters(same, 100, quiet).parameters.recent_pairs == 0.0
        assert parameter_search.parameters(turned, 100, quiet).parameters.recent_pairs > 0.0

    def test_an_open_moment_has_parameters_of_its_own_if_its_items_belong_together(self) -> None:
        choice = parameter_search.parameters(baskets(), 100, quiet)

        recency = choice.recency
        assert recency.open_step_decay is not None
        assert recency.open_step_decay < (recency.step_decay or 1.0)
        assert parameter_search.parameters(cycles(), 100, quiet).recency.open_step_decay is None  # too few questions

    def test_data_without_times_is_judged_on_a_random_holdout(self) -> None:
        choice = parameter_search.parameters(cycles(timed=False), 100, quiet)

        assert choice.holdout == holdouts.RANDOM
        assert choice.parameters.order_share == choice.recency.recent_exponent == 0.0

    def test_no_candidate_is_tried_after_the_end(self) -> None:
        judged: list[float] = []

        choice = parameter_search.parameters(
            cycles(), 100, lambda _phase, done: judged.append(done), is_over=lambda: True
        )

        assert choice.parameters == parameter_search.ORDERED_START.parameters
        assert len(judged) == 2  # the start, with each solver

    def test_progress_never_falls(self) -> None:
        shown: list[float] = []
        sampled = ring(TARGETS + 1)

        parameter_search.parameters(sampled, 100, lambda _phase, done: shown.append(done), is_over=lambda: True)

        assert len(shown) == 3  # the start with each solver, and the better one among all items
        assert shown == sorted(shown)

    def test_parameters_of_an_earlier_version_are_judged_again(self) -> None:
        x = cycles()
        choice = parameter_search.parameters(x, 100, quiet)
        parameters = {**vars(choice.parameters), **vars(choice.recency), "solver": choice.solver}

        reused = parameter_search.reused(x, 100, quiet, parameters)

        assert (reused.parameters, reused.recency, reused.quality) == (
            choice.parameters,
            choice.recency,
            choice.quality,
        )


class TestNextMoment:
    def test_all_interactions_of_the_newest_time_are_held_out_unless_there_is_no_earlier_one(self) -> None:
        x = timed_interactions(moments=3)

        held = holdouts.next_moment(x)

        for user in range(len(x.user_ids)):
            own = x.users == user
            several = len(set(x.times[own])) > 1
            assert held[own].tolist() == [several and time == x.times[own].max() for time in x.times[own]]
