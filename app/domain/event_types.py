"""What the event types of a project mean, and how much they weigh."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TypeWeights:
    """A project's own weights of one event type, and what it means."""

    learning: float
    serving: float
    lists: float
    means: str | None = None
    """`purchase` or `return`, if the name does not say so. None: what the name says."""


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What a project decides for its models, recommendations and lists."""

    event_types: Mapping[str, TypeWeights] = field(default_factory=dict)
    """By normalized event type."""
    unknown_items: bool | None = None
    """Whether items without a record may be recommended. None: as long as the catalog is empty."""
    origins: tuple[str, ...] = ()
    """Web origins whose pages may use the keys that name none. Empty: pages of other origins read no responses."""


NO_SETTINGS = ProjectSettings()


@dataclass(frozen=True, slots=True)
class EventType:
    """An event type of a project, with its weights and how often it came lately."""

    name: str
    kind: str | None
    """What its name says; None if that is unknown."""
    weights: TypeWeights
    is_own: bool
    """Whether the project has set the weights."""
    count: int
