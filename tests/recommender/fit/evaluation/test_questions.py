import numpy as np
import pytest

from app.errors import NotEnoughData
from app.recommender.fit.evaluation import holdouts, questions
from app.recommender.fit.interactions import Interactions
from app.recommender.fit.recent import Recency


def interactions(seed: int = 1, users: int = 12, items: int = 15, moments: int = 20) -> Interactions:
    """Returns interactions at few times, so that moments of several items and equal times of users occur."""
    random = np.random.default_rng(seed)
    pairs = np.flatnonzero(random.random(users * items) < 0.5)
    return Interactions(
        [str(user) for user in range(users)],
        [str(item) for item in range(items)],
        pairs // items,
        pairs % items,
        random.integers(1, 3, len(pairs)).astype(float),
        random.integers(0, moments, len(pairs)).astype(float),
    )


class TestReplay:
    @pytest.mark.parametrize("seed", range(5))
    def test_each_moment_is_predicted_from_what_the_user_did_before(self, seed: int) -> None:
        events = interactions(seed)
        held = holdouts.after(events)
        expected = []
        for user, time in sorted({*zip(events.users[held].tolist(), events.times[held].tolist(), strict=True)}):
            own = events.users == user
            before, now = (events.items[own & at] for at in (events.times < time, events.times == time))
            if len(before):
                expected.append((user, time, set(before.tolist()), set(now.tolist())))

        exam = questions.replayed(events, held)

        replay = exam.questions
        actual = [
            (replay.users[row], replay.times[row], set(replay.seen[row].indices), set(exam.held_out[row].indices))
            for row in range(len(replay.users))
        ]
        assert actual == expected
        assert replay.training.times.max() < events.times[held].min()
        assert len(replay.log) == len(events)

    def test_a_history_keeps_its_times_and_values(self) -> None:
        events = interactions()

        history = questions.replayed(events, holdouts.after(events)).questions.histories

        stored = {*zip(events.items, events.values, events.times, strict=True)}
        assert {*zip(history.items, history.values, history.times, strict=True)} <= stored

    def test_many_questions_are_sampled_evenly(self) -> None:
        events = interactions(users=40)
        everything = questions.replayed(events, holdouts.after(events))

        sample = questions.replayed(events, holdouts.after(events), 10)

        assert len(everything.rows) > len(sample.rows) == 10
        assert sample.questions.users[[0, -1]].tolist() == everything.questions.users[[0, -1]].tolist()


class TestRestOfMoment:
    def test_one_item_of_each_newest_moment_is_asked_given_the_others(self) -> None:
        events = interactions()
        held = holdouts.next_moment(events)

        exam = questions.rest_of_moment(events, held, 0)

        middle = exam.questions
        for user in exam.rows:
            own = events.users == user
            [answer] = exam.held_out[user].indices
            assert answer in events.items[own & held]
            assert set(middle.seen[user].indices) == set(events.items[own]) - {answer}
            assert middle.times[user] == events.times[own].max()
        assert len(middle.training) == (~held).sum()

    def test_those_who_come_back_later_are_not_asked(self) -> None:
        day = 86_400.0
        pairs = [(0, 0, 0.0), (0, 1, day), (0, 2, day), (1, 0, 0.0), (1, 1, 60.0), (2, 0, 0.0), (2, 1, day)]
        users, items, times = (np.array(column) for column in zip(*pairs, strict=True))
        events = Interactions(["a", "b", "c"], ["x", "y", "z"], users, items, np.ones(7), times)

        exam = questions.rest_of_moment(events, holdouts.next_moment(events), 0)

        assert exam.rows.tolist() == [0, 1]
        assert exam.questions.ages.tolist() == [0.0, 60.0, day]
        assert exam.questions.is_open(Recency(open_seconds=30.0)).tolist() == [True, False, False]

    def test_histories_decay_as_in_serving(self) -> None:
        pairs = [(0, 0, 0.0), (0, 1, 10.0), (0, 2, 10.0), (1, 0, 0.0), (1, 1, 10.0)]
        users, items, times = (np.array(column) for column in zip(*pairs, strict=True))
        events = Interactions(["a", "b"], ["x", "y", "z"], users, items, np.ones(5), times)
        middle = questions.rest_of_moment(events, holdouts.next_moment(events), 0).questions

        history = middle.history(Recency(step_decay=0.5, open_step_decay=0.25))

        assert history[0].max() == 1.0
        assert history[0, 0] == 0.25  # an item of the newest moment was given
        assert history[1, 0] == 1.0  # all of it was held out


class TestOfKind:
    def test_each_user_is_asked_for_their_newest_moment(self) -> None:
        events = interactions()

        exam = questions.of_kind(events, holdouts.NEXT, 0)

        for user in exam.rows:
            own = events.users == user
            newest = own & (events.times == events.times[own].max())
            assert exam.questions.times[user] == events.times[newest][0]
            assert set(exam.held_out[user].indices) == set(events.items[newest])
            assert set(exam.questions.seen[user].indices) == set(events.items[own & ~newest])

    def test_users_without_a_history_are_not_asked(self) -> None:
        events = interactions()
        held = (events.users == 0) | ((events.users == 1) & (events.items % 2 == 0))

        assert questions.of_mask(events, held).rows.tolist() == [1]

    @pytest.mark.parametrize("kind", [holdouts.NEXT, holdouts.TIME, holdouts.LAST])
    def test_holdouts_by_time_need_times(self, kind: str) -> None:
        with pytest.raises(NotEnoughData, match="Use `random`"):
            questions.of_kind(interactions(moments=1), kind, 0)


class TestOnly:
    def test_chosen_questions_keep_their_histories(self) -> None:
        exam = questions.of_kind(interactions(), holdouts.TIME, 0)
        rows = np.array([1, 3, 4])

        chosen = exam.questions.only(rows)

        assert (chosen.seen != exam.questions.seen[rows]).nnz == 0
        assert chosen.users.tolist() == exam.questions.users[rows].tolist()
