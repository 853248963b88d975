"""Scenarios that several requests change at the same time."""

from dataclasses import replace

import pytest

from app.clock import SYSTEM_CLOCK
from app.config import Settings
from app.domain.preconditions import Precondition
from app.domain.scenarios import Scenario, ScenarioSettings
from app.errors import Conflict, PreconditionFailed
from app.services.preconditions import ATTEMPTS
from app.services.recommendations.scenarios import Scenarios
from app.storage.scenarios import ScenarioStore
from app.wiring import Wired


class ContendedStore(ScenarioStore):
    """Another request changes the scenario between the read and each of the first `races` writes."""

    def __init__(self, wired: Wired, races: int) -> None:
        super().__init__(wired.database)
        self.races, self.writes = races, 0

    def put(self, project: str, scenario: Scenario, previous: Scenario | None) -> None:
        self.writes += 1
        if self.writes <= self.races:
            super().put(
                project, replace(scenario, settings=ScenarioSettings(limit=self.writes), deleted=False), previous
            )
        super().put(project, scenario, previous)


class TestPut:
    def test_a_scenario_that_others_change_is_read_again_and_written(self, wired: Wired, settings: Settings) -> None:
        store = ContendedStore(wired, ATTEMPTS - 1)
        scenarios = Scenarios(store, settings, SYSTEM_CLOCK)

        stored = scenarios.put(settings.project, "home", ScenarioSettings(limit=50))

        assert (stored.version, stored.settings.limit) == (ATTEMPTS, 50)
        assert scenarios.get(settings.project, "home") == stored

    def test_a_scenario_that_others_change_without_end_is_a_conflict(self, wired: Wired, settings: Settings) -> None:
        store = ContendedStore(wired, 1_000)
        scenarios = Scenarios(store, settings, SYSTEM_CLOCK)

        with pytest.raises(Conflict, match="changed by another request"):
            scenarios.put(settings.project, "home", ScenarioSettings(limit=50))

        assert store.writes == ATTEMPTS
        assert scenarios.get(settings.project, "home").settings.limit == ATTEMPTS

    def test_if_match_holds_for_the_state_that_another_request_left(self, wired: Wired, settings: Settings) -> None:
        store = ContendedStore(wired, 0)
        scenarios = Scenarios(store, settings, SYSTEM_CLOCK)
        first = scenarios.put(settings.project, "home", ScenarioSettings(limit=50))
        store.races = 1_000

        with pytest.raises(PreconditionFailed):
            scenarios.put(settings.project, "home", ScenarioSettings(limit=60), Precondition(frozenset({first.etag})))

        assert scenarios.get(settings.project, "home").settings.limit == 2


class TestDelete:
    def test_a_scenario_that_others_change_without_end_is_not_deleted(self, wired: Wired, settings: Settings) -> None:
        store = ContendedStore(wired, 0)
        scenarios = Scenarios(store, settings, SYSTEM_CLOCK)
        scenarios.put(settings.project, "home", ScenarioSettings(limit=50))
        store.races = 1_000

        with pytest.raises(Conflict, match="changed by another request"):
            scenarios.delete(settings.project, "home")

        assert store.writes == 1 + ATTEMPTS
