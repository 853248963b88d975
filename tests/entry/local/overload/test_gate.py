"""Who is let in, who waits and who is refused."""

from collections.abc import Callable

from app.entry.local.overload.gate import (
    BURST_SECONDS,
    FEW_WAITING,
    LEAST_PATIENCE_SECONDS,
    LEAST_STALLED_SECONDS,
    Gate,
    Visit,
)
from app.entry.local.overload.limit import FixedLimit, GradientLimit


class Crowd:
    """A gate, and what happened to its visits, by name."""

    def __init__(self, limit: int, most_waiting: int = 100, *, is_fixed: bool = True) -> None:
        self.now = 0.0
        self.limit = FixedLimit(limit) if is_fixed else GradientLimit(limit, 100)
        self.gate = Gate(self.limit, most_waiting, lambda: self.now)
        self.started: list[str] = []
        self.refused: list[str] = []
        self.visits: dict[str, Visit] = {}

    def enter(self, name: str, holder: str = "one") -> None:
        self.visits[name] = Visit(holder, self._noted(self.refused, name), self._noted(self.started, name))
        self.gate.enter(self.visits[name])

    def enter_all(self, count: int, holder: str = "one") -> list[str]:
        names = [f"{holder} {number}" for number in range(count)]
        for name in names:
            self.enter(name, holder)
        return names

    def leave(self, name: str) -> None:
        self.gate.leave(self.visits[name])

    @staticmethod
    def _noted(names: list[str], name: str) -> Callable[[], None]:
        return lambda: names.append(name)


def test_no_more_are_in_progress_than_the_limit() -> None:
    crowd = Crowd(4)

    crowd.enter_all(10, "one")
    crowd.enter_all(10, "two")

    assert crowd.gate.open == len(crowd.started) == 4


def test_few_wait_in_order() -> None:
    crowd = Crowd(1)
    crowd.enter_all(1 + FEW_WAITING)

    crowd.leave("one 0")

    assert crowd.started == ["one 0", "one 1"]


def test_a_free_place_goes_to_the_newest_of_many() -> None:
    crowd = Crowd(1)
    names = crowd.enter_all(2 + FEW_WAITING)

    crowd.leave("one 0")

    assert crowd.started == ["one 0", names[-1]]


def test_when_too_many_wait_the_oldest_is_refused() -> None:
    crowd = Crowd(1, most_waiting=2)

    crowd.enter_all(4)

    assert crowd.refused == ["one 1"]


def test_one_key_at_saturation_leaves_a_place_for_others() -> None:
    crowd = Crowd(6)
    crowd.enter_all(50, "greedy")

    crowd.enter("modest", "modest")

    assert "modest" in crowd.started


def test_a_free_place_goes_to_the_key_with_the_fewest_in_progress() -> None:
    crowd = Crowd(4)
    greedy = crowd.enter_all(50, "greedy")
    crowd.enter_all(3, "modest")
    crowd.started.clear()

    for name in greedy[:2]:
        crowd.leave(name)

    assert crowd.started == ["modest 1", "greedy 49"]


def test_when_too_many_wait_the_key_that_waits_most_is_refused() -> None:
    crowd = Crowd(1, most_waiting=5)
    crowd.enter_all(6, "greedy")

    crowd.enter_all(2, "modest")

    assert crowd.refused == ["greedy 1", "greedy 2"]


def test_a_burst_waits_for_its_turn() -> None:
    crowd = Crowd(1)
    crowd.enter_all(3)

    crowd.now = BURST_SECONDS * 0.9
    crowd.gate.tick()

    assert not crowd.refused


def test_requests_in_a_queue_that_stays_wait_no_longer_than_a_request_takes() -> None:
    crowd = Crowd(1)
    crowd.enter_all(2)
    crowd.now = BURST_SECONDS * 0.9
    crowd.enter("late")

    crowd.now = BURST_SECONDS * 1.1
    crowd.gate.tick()

    assert crowd.refused == ["one 1", "late"]


def test_a_request_whose_sender_is_gone_does_not_wait() -> None:
    crowd = Crowd(1)
    crowd.enter_all(2)

    crowd.gate.forget(crowd.visits["one 1"])
    crowd.leave("one 0")

    assert crowd.started == ["one 0"]
    assert crowd.gate.open == crowd.gate.waiting == 0


def test_a_paused_request_lets_another_in() -> None:
    crowd = Crowd(1)
    crowd.enter_all(2)

    crowd.gate.pause(crowd.visits["one 0"])

    assert crowd.started == ["one 0", "one 1"]


def test_more_are_let_in_while_nothing_is_answered_at_all() -> None:
    crowd = Crowd(3, is_fixed=False)
    crowd.enter_all(20)
    before = crowd.gate.open

    for _ in range(10):
        crowd.now += LEAST_STALLED_SECONDS
        crowd.gate.tick()

    assert before < 3 < crowd.gate.open


def test_a_modest_key_waits_its_turn_while_another_floods_the_gate() -> None:
    crowd = Crowd(1)
    number = 0
    while crowd.now < BURST_SECONDS + 1:
        crowd.enter(f"greedy {number}", "greedy")
        crowd.now, number = crowd.now + LEAST_PATIENCE_SECONDS, number + 1
        crowd.gate.tick()

    crowd.enter("modest", "modest")
    crowd.now += 2 * LEAST_PATIENCE_SECONDS
    crowd.gate.tick()
    crowd.leave(crowd.started[-1])

    assert crowd.started[-1] == "modest"
