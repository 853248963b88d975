"""Peers get questions and return lists by files; these need no environment of their own."""

import sys
from pathlib import Path

import numpy as np
import pytest

from app.entry.errors import SetupError
from app.entry.offline import against
from app.entry.offline.against import PeerFailed
from app.entry.offline.peers import exchange
from app.recommender.fit.evaluation import holdouts, metrics, questions
from app.recommender.fit.evaluation.questions import Exam
from app.recommender.fit.interactions import Interactions, gather
from tests.support.builders import two_tastes


def exams(kind: str = holdouts.NEXT) -> tuple[Exam, Exam]:
    test = questions.of_kind(gather(two_tastes()), kind, 0)
    return questions.of_kind(test.questions.training, kind, 1), test


def pairs(interactions: Interactions) -> set[tuple[int, int]]:
    return {*zip(interactions.users.tolist(), interactions.items.tolist(), strict=True)}


class TestCompared:
    def test_lists_of_popularity_by_files_are_judged_as_our_own(self) -> None:
        validation, test = exams()

        (name, lists), (_, failure) = against.compared(
            ["popular", "als"], validation, test, 5, lambda *_: None, 1.0, Path(sys.executable)
        )

        assert isinstance(lists, exchange.Lists)
        ours = metrics.popularity_judged(test.questions.seen, test.held_out, 5)
        assert name == "popular"
        assert against.judged(lists, test).quality() == ours.quality()
        assert lists.peak_memory_mb > 10
        assert isinstance(failure, PeerFailed)
        assert "No module named 'implicit'" in str(failure)


class TestExchange:
    @pytest.mark.parametrize("kind", holdouts.KINDS)
    def test_questions_arrive_as_they_were_without_the_answers_of_the_test(self, kind: str, tmp_path: Path) -> None:
        validation, test = exams(kind)

        exchange.write(tmp_path, validation, test)
        exam, unanswered = exchange.read(tmp_path)

        assert (exam.held_out != validation.held_out[validation.rows]).nnz == 0
        expected = test.questions.only(test.rows)
        assert (unanswered.seen != expected.seen).nnz == 0
        assert np.array_equal(unanswered.times, expected.times)
        answers = {*zip(*test.held_out[test.rows].nonzero(), strict=True)}
        assert not answers & pairs(unanswered.histories)
        if kind != holdouts.TIME:
            assert len(unanswered.log) == len(unanswered.training) == len(test.questions.training)


class TestCheckInstalled:
    def test_a_missing_environment_says_how_to_install_it(self, tmp_path: Path) -> None:
        missing = tmp_path / "peers" / "bin" / "python"

        against.check_installed(["popular", "co-occurrence"], missing)
        with pytest.raises(SetupError, match=r"als, sasrec: not installed in .*peers\. Run `make peers`"):
            against.check_installed(["popular", "als", "sasrec"], missing)
