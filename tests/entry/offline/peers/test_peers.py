from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest

from app.entry.offline.peers import catalog, peer, popular, sasrec
from app.entry.offline.peers.peer import Parameters, Peer, Scores
from app.recommender.events.weights import SECONDS_A_DAY
from app.recommender.fit.evaluation import holdouts, metrics, questions
from app.recommender.fit.evaluation.questions import Exam, Questions
from app.recommender.fit.interactions import Integers, Interactions, gather
from tests.support.builders import two_tastes


def an_exam(kind: str = holdouts.NEXT) -> Exam:
    return questions.of_kind(gather(two_tastes()), kind, 0)


def ndcg(name: str, exam: Exam) -> float:
    scores = peer.fitted(catalog.of(name), peer.Choice(catalog.of(name).start, None, 0.0), exam.questions)
    top, filled = peer.top_lists(scores, exam.questions, 5)
    return metrics.of_lists(np.arange(len(top)), top, filled, exam.held_out).quality().ndcg


class TestPopular:
    def test_only_the_days_before_a_question_count(self) -> None:
        days = np.array([0.0, 1.0, 5.0, 6.5, 9.0, 9.5])
        log = Interactions(
            [""] * 6, [""] * 4, np.arange(6), np.array([0, 1, 1, 2, 3, 3]), np.ones(6), days * SECONDS_A_DAY
        )
        times = np.array([9.0, 2.0, 0.0]) * SECONDS_A_DAY
        nothing = log.taken(np.zeros(6, bool))

        (scores,) = popular.fit(Questions(log, log, nothing, np.arange(3), times), {"days": 7})

        rows = scores(np.arange(3))
        assert np.where(np.isfinite(rows), rows, 0).tolist() == [[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]


class TestItemItemModels:
    @pytest.mark.parametrize("name", ["co-occurrence", "rp3beta", "local-ridge"])
    @pytest.mark.parametrize("kind", [holdouts.RANDOM, holdouts.TIME])
    def test_they_know_two_tastes_apart(self, name: str, kind: str) -> None:
        exam = an_exam(kind)
        exam = exam.only(exam.rows)

        assert ndcg(name, exam) > 1.2 * ndcg("popular", exam)


class TestSequences:
    HISTORIES = Interactions(
        [""] * 2,
        [""] * 6,
        np.array([0, 0, 0, 0, 1, 1]),
        np.arange(6),
        np.ones(6),
        np.array([1.0, 2.0, 2.0, 3.0, 5.0, 5.0]),
    )

    def test_targets_are_the_next_item_or_of_the_next_moment(self) -> None:
        inputs, targets = sasrec.windows(self.HISTORIES, 3, sasrec.MOMENT, np.random.default_rng(0))

        assert inputs[0].tolist() == [0, 0, 1]
        assert targets[0][2] in {2, 3}
        assert sorted(inputs[1].tolist()) == [2, 3, 4]
        assert targets[1].tolist() == [4, 4, 0]
        assert len(inputs) == 2  # nothing comes after the only moment of the other user

        inputs, targets = sasrec.windows(self.HISTORIES, 3, sasrec.ITEM, np.random.default_rng(0))

        assert targets[1].tolist() == [inputs[1][1], 4, 0]
        assert targets[2].tolist() == [0, inputs[2][2], 0]

    def test_histories_end_with_the_newest_items(self) -> None:
        rows = sasrec.newest(self.HISTORIES, 3, np.random.default_rng(0))

        assert rows[0][2] == 4
        assert [set(row) for row in rows.tolist()] == [{2, 3, 4}, {0, 5, 6}]


class TestTopLists:
    def test_seen_items_and_items_without_a_score_are_left_out(self) -> None:
        unanswered = an_exam().questions
        values = np.arange(float(len(unanswered.training.item_ids)))
        values[-1] = -np.inf

        top, filled = peer.top_lists(lambda rows: np.tile(values, (len(rows), 1)), unanswered, len(values))

        for row in range(len(top)):
            unseen = set(range(len(values) - 1)) - set(unanswered.seen[row].indices)
            assert top[row][filled[row]].tolist() == sorted(unseen, reverse=True)


class TestChosen:
    def test_the_best_parameters_and_number_of_rounds_are_chosen(self) -> None:
        exam = an_exam()
        answers: npt.NDArray[np.float64] = exam.held_out.toarray()

        def scores(sign: float, rows: Integers) -> npt.NDArray[np.floating]:
            return sign * answers[rows]

        def fit(_: Questions, parameters: Parameters) -> Iterator[Scores]:
            """Is right in its third round, if `b` is 2."""
            for done in range(1, 10):
                yield partial(scores, 1.0 if (parameters["b"], done) == (2, 3) else -1.0)

        choice = peer.chosen(Peer(fit, {"a": 1, "b": 1}, [("a", (1, 2)), ("b", (1, 2, 3))]), exam, 5, 60.0)

        assert (choice.parameters, choice.rounds, choice.ndcg) == ({"a": 1, "b": 2}, 3, 1.0)

    def test_without_time_the_first_parameters_are_tried_alone(self) -> None:
        tried = []

        def fit(_: Questions, parameters: Parameters) -> Iterator[Scores]:
            tried.append(parameters["a"])
            yield lambda rows: np.ones((len(rows), 12))

        peer.chosen(Peer(fit, {"a": 1}, [("a", (2, 3))]), an_exam(), 5, 0.0)

        assert tried == [1]


class TestNamed:
    def test_a_library_stands_for_its_peers(self) -> None:
        names = "popular-7-days, rectools,als,implicit"

        assert catalog.named(names) == ["popular-7-days", "ease", "als", "bpr", "item-knn"]

    @pytest.mark.parametrize("name", ["lightgcn", "popular-0-days", ""])
    def test_a_name_that_is_none_lists_all(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"is not a peer\. Peers: implicit, rectools, als"):
            catalog.named(f"als,{name}")
