"""The weights of a project's event types: its own, else the defaults."""

from app.config import Settings
from app.domain.event_types import NO_SETTINGS
from app.recommender.events.weights import Weights, by_name
from app.services.access.credential_cache import CredentialCache


class EventTypes:
    def __init__(self, credentials: CredentialCache, settings: Settings) -> None:
        self._credentials, self._list_weights = credentials, by_name(settings.list_weights)

    def weights(self, project: str) -> Weights:
        """Returns the weights of a project. Authentication loaded them, so this reads nothing in a request."""
        stored = self._credentials.active_project(project)
        own = (stored.settings if stored else NO_SETTINGS).event_types
        return Weights(
            learning={name: weights.learning for name, weights in own.items()},
            serving={name: weights.serving for name, weights in own.items()},
            lists={**self._list_weights, **{name: weights.lists for name, weights in own.items()}},
        )
