"""Scenarios: stored, versioned settings of recommendation lists."""

from collections.abc import Callable
from dataclasses import replace

from app.clock import Clock
from app.config import Settings
from app.domain.paging import Page
from app.domain.preconditions import Precondition
from app.domain.scenarios import Scenario, ScenarioSettings
from app.errors import NotFound
from app.services.preconditions import ANY, check, retried
from app.services.stale_cache import StaleCache
from app.storage.scenarios import ScenarioStore as Store

SEPARATOR = "#"


class Scenarios:
    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._cache: StaleCache[Scenario] = StaleCache(
            lambda name: store.get(*name.split(SEPARATOR)), settings.pointer_ttl_seconds, clock
        )

    def get(self, project: str, scenario_id: str) -> Scenario:
        """Raises NotFound."""
        return _existing(self._store.get(project, scenario_id, consistent=True))

    def get_cached(self, project: str, scenario_id: str) -> Scenario:
        """Returns a scenario at most `pointer_ttl_seconds` old, or of any age if the database is unavailable.

        Raises:
            NotFound.
        """
        return _existing(self._cache.get(project + SEPARATOR + scenario_id))

    def version(self, project: str, scenario_id: str, number: int) -> Scenario:
        """Raises NotFound."""
        current = self._store.get(project, scenario_id, consistent=True)
        if current is not None and current.version == number:
            return current
        earlier = self._store.earlier(project, scenario_id, number)
        if earlier is None:
            raise NotFound("There is no such version of the scenario.")
        return earlier

    def draft(self, project: str, scenario_id: str, settings: ScenarioSettings) -> Scenario:
        """Returns the version that `put` would store."""
        current = self._store.get(project, scenario_id, consistent=True)
        return self._next(scenario_id, settings, current)

    def put(self, project: str, scenario_id: str, settings: ScenarioSettings, expected: Precondition = ANY) -> Scenario:
        """Stores settings as a new version, unless the current version has the same settings.

        Raises:
            PreconditionFailed: the scenario is not in the expected state.
            Conflict: other requests changed the scenario during each of five attempts.
        """

        def change(current: Scenario | None) -> Scenario:
            if current is not None and not current.deleted and current.settings == settings:
                return current
            return self._next(scenario_id, settings, current)

        return self._change(project, scenario_id, change, expected)

    def delete(self, project: str, scenario_id: str, expected: Precondition = ANY) -> None:
        """Deletes a scenario; its versions remain readable.

        Raises:
            NotFound: there is no such scenario.
            PreconditionFailed: the scenario is not in the expected state.
            Conflict: other requests changed the scenario during each of five attempts.
        """

        def change(current: Scenario | None) -> Scenario:
            existing = _existing(current)
            return replace(existing, version=existing.version + 1, updated_at=self._clock.now(), deleted=True)

        self._change(project, scenario_id, change, expected)

    def list_page(self, project: str, start: str | None, limit: int) -> Page[Scenario]:
        return self._store.list_page(project, start, limit)

    def _next(self, scenario_id: str, settings: ScenarioSettings, current: Scenario | None) -> Scenario:
        return Scenario(scenario_id, current.version + 1 if current else 1, settings, self._clock.now())

    def _change(
        self,
        project: str,
        scenario_id: str,
        change: Callable[[Scenario | None], Scenario],
        expected: Precondition,
    ) -> Scenario:
        def write() -> Scenario:
            current = self._store.get(project, scenario_id, consistent=True)
            check(expected, None if current is None or current.deleted else current.etag)
            changed = change(current)
            if changed != current:
                self._store.put(project, changed, current)
                self._cache.put(project + SEPARATOR + scenario_id, changed)
            return changed

        return retried(write)


def _existing(scenario: Scenario | None) -> Scenario:
    if scenario is None or scenario.deleted:
        raise NotFound("There is no such scenario.")
    return scenario
