from collections import Counter

import pytest

from app.recommender.events import ratings


class TestThreshold:
    @pytest.mark.parametrize(
        ("scale", "threshold"),
        [
            ([1, 2, 3, 4, 5], 3.0),
            (range(1, 11), 6.0),
            ([0, 1], 0.6),
            ([-1, 1], 0.2),
            (range(-10, 11), 2.0),
            ([0.5, 5], 3),
        ],
    )
    def test_three_fifths_of_the_scale_are_liked(self, scale: list[float], threshold: float) -> None:
        assert ratings.threshold(dict.fromkeys(map(float, scale), 20)) == pytest.approx(threshold)

    @pytest.mark.parametrize("typo", [50.0, 10.0, 6.0, 1e9, -44.0])
    def test_a_typo_does_not_move_the_scale(self, typo: float) -> None:
        values = Counter({3.0: 30, 4.0: 10, 5.0: 20})

        assert ratings.threshold(values | Counter({typo: 1})) == ratings.threshold(values) == 3.0

    def test_a_rare_top_of_the_scale_silences_no_rating(self) -> None:
        threshold = ratings.threshold({3.0: 300, 4.0: 100, 5.0: 1})

        assert threshold is not None
        assert threshold <= 3.0

    def test_without_positive_ratings_nothing_is_liked(self) -> None:
        threshold = ratings.threshold({0.0: 12, -1.0: 30})

        assert threshold is not None
        assert 0 < threshold < 0.01
        assert ratings.threshold({}) is None

    def test_few_ratings_are_all_believed(self) -> None:
        assert ratings.threshold({2.0: 1, 5.0: 1}) == 3.0


class TestThresholdOfUser:
    def test_a_user_of_a_larger_scale_has_their_own(self) -> None:
        assert ratings.threshold_of_user([80, 100, 40, 100, 20], 3.0) == 60.0

    def test_a_user_whose_best_ratings_are_low_for_others_has_their_own_scale(self) -> None:
        assert ratings.threshold_of_user([1, 2, 2, 1, 1], 3.0) == pytest.approx(1.2)

    def test_other_users_share_the_scale_of_the_project(self) -> None:
        assert ratings.threshold_of_user([5, 4, 3, 50, 5], 3.0) == 3.0
        assert ratings.threshold_of_user([100, 100, 100, 90], 3.0) == 3.0
