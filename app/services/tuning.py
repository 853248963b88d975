"""What a project decides: the weights of its event types, and whether unknown items are recommended."""

from collections.abc import Callable
from dataclasses import replace

from app.config import Settings
from app.domain.access import ProjectState
from app.domain.event_types import NO_SETTINGS, ProjectSettings, TypeWeights
from app.errors import NotFound
from app.recommender.events import kinds
from app.recommender.events.weights import Weights, by_name
from app.services.access.credential_cache import CredentialCache
from app.services.preconditions import retried
from app.storage.access import AccessStore


class Tuning:
    def __init__(self, store: AccessStore, credentials: CredentialCache, settings: Settings) -> None:
        self._store, self._credentials = store, credentials
        self._list_weights = by_name(settings.list_weights)

    def weights(self, project: str) -> Weights:
        """Returns the weights of a project. Authentication loaded them, so this reads nothing in a request."""
        own = self._settings(project).event_types
        return Weights(
            learning={name: weights.learning for name, weights in own.items()},
            serving={name: weights.serving for name, weights in own.items()},
            lists={**self._list_weights, **{name: weights.lists for name, weights in own.items()}},
            meanings={name: weights.means for name, weights in own.items() if weights.means},
        )

    def knows_type(self, project: str, event_type: str) -> bool:
        """Whether the name of an event type says what it means, or the project has declared the type."""
        return kinds.is_known(event_type) or kinds.normalized(event_type) in self._settings(project).event_types

    def unknown_items(self, project: str) -> bool | None:
        """Returns whether items without a record may be recommended; None if the project has not decided."""
        return self._settings(project).unknown_items

    def stored(self, project: str) -> ProjectSettings:
        """Returns the stored settings.

        Raises:
            NotFound: the project does not exist or is being deleted.
        """
        stored = self._store.get_project(project)
        if stored is None or stored.state is not ProjectState.ACTIVE:
            raise NotFound("The project does not exist.")
        return stored.settings

    def put(self, project: str, *, unknown_items: bool | None = None, origins: tuple[str, ...] = ()) -> ProjectSettings:
        """Stores what a project decides beside its event types.

        Args:
            project: the project.
            unknown_items: whether items without a record may be recommended; None follows from whether there are items.
            origins: the web origins whose pages may use keys that name none.
        """
        return self._change(project, lambda settings: replace(settings, unknown_items=unknown_items, origins=origins))

    def put_event_type(self, project: str, name: str, weights: TypeWeights | None) -> ProjectSettings:
        """Stores a project's own weights of an event type, by its normalized name; None removes them."""

        def change(settings: ProjectSettings) -> ProjectSettings:
            others = {other: own for other, own in settings.event_types.items() if other != name}
            return replace(settings, event_types=others if weights is None else {**others, name: weights})

        return self._change(project, change)

    def _change(self, project: str, change: Callable[[ProjectSettings], ProjectSettings]) -> ProjectSettings:
        def write() -> ProjectSettings:
            before = self.stored(project)
            after = change(before)
            if after != before:
                self._store.put_settings(project, after, before)
            return after

        settings = retried(write)
        self._credentials.forget(project)
        return settings

    def _settings(self, project: str) -> ProjectSettings:
        stored = self._credentials.active_project(project)
        return stored.settings if stored else NO_SETTINGS
