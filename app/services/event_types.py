"""The event types of a project: those that came lately, and those with weights of the project's own."""

import re
from collections.abc import Mapping
from dataclasses import replace

from app.config import Settings
from app.domain.event_types import EventType, ProjectSettings, TypeWeights
from app.domain.fields import ID_PATTERN, ID_RULE
from app.errors import InvalidInput, NotFound
from app.recommender import outcomes
from app.recommender.events import kinds
from app.recommender.events.weights import Weights, by_name
from app.services.counters.rollups import Rollups
from app.services.tuning import Tuning

MOST_OWN = 200


class EventTypes:
    def __init__(self, tuning: Tuning, rollups: Rollups, settings: Settings) -> None:
        self._tuning, self._rollups, self._days = tuning, rollups, settings.popular_window_days
        self._default = Weights(lists=by_name(settings.list_weights))

    def all(self, project: str) -> list[EventType]:
        """Returns the types of the events of the last days, the most frequent first, then other types with own weights.

        Raises:
            NotFound: the project does not exist.
        """
        settings, counted = self._tuning.stored(project), self._counted(project)
        names = sorted(counted, key=lambda name: (-counted[name], name))
        sent = {kinds.normalized(name) for name in names}
        own = sorted(name for name in settings.event_types if name not in sent)
        return [self._type(name, settings, counted.get(name, 0)) for name in (*names, *own)]

    def get(self, project: str, name: str) -> EventType:
        """Returns an event type; its count is that of all spellings that differ in case or separators."""
        return self._counted_type(project, name, self._tuning.stored(project))

    def put(self, project: str, name: str, changes: Mapping[str, float], means: str | None = None) -> EventType:
        """Replaces the weights and the meaning of an event type in all its spellings.

        Weights that `changes` lacks are the defaults of the meaning, or of the name.

        Raises:
            InvalidInput: the name is not valid, or there are too many types with own weights.
        """
        if not re.fullmatch(ID_PATTERN, name):
            raise InvalidInput(f"{name!r} is not a valid event type. Use {ID_RULE}.")
        before = self._tuning.stored(project).event_types
        if kinds.normalized(name) not in before and len(before) >= MOST_OWN:
            raise InvalidInput(f"At most {MOST_OWN} event types can have weights of their own. Delete some.")
        weights = replace(self._usual(means or name), **changes, means=means)
        return self._counted_type(project, name, self._tuning.put_event_type(project, kinds.normalized(name), weights))

    def delete(self, project: str, name: str) -> None:
        """Gives an event type the default weights again.

        Raises:
            NotFound: it has no weights of its own.
        """
        if kinds.normalized(name) not in self._tuning.stored(project).event_types:
            raise NotFound("This event type has no weights of its own.")
        self._tuning.put_event_type(project, kinds.normalized(name), None)

    def _counted_type(self, project: str, name: str, settings: ProjectSettings) -> EventType:
        counted, meant = self._counted(project), kinds.normalized(name)
        count = sum(number for sent, number in counted.items() if kinds.normalized(sent) == meant)
        return self._type(name, settings, count)

    def _type(self, name: str, settings: ProjectSettings, count: int) -> EventType:
        own = settings.event_types.get(kinds.normalized(name))
        kind = (own.means if own else None) or (kinds.kind_of(name) if kinds.is_known(name) else None)
        return EventType(name, kind, own or self._usual(name), own is not None, count)

    def _usual(self, name: str) -> TypeWeights:
        usual = self._default
        return TypeWeights(usual.in_learning(name), usual.in_serving(name), usual.in_lists(name))

    def _counted(self, project: str) -> Mapping[str, int]:
        total, _ = self._rollups.of(project, self._days)
        return outcomes.by_type(total)
