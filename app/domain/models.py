"""Model versions, and the pointer to the active one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Scoring:
    """What turns a user's events into weights; chosen by the trainer, travels with the active pointer."""

    half_life_days: float | None = None
    rating_threshold: float | None = None
    content_weight: float | None = None
    """What an item weighs that says of itself the same as another one; None: a model of an earlier release."""
    learned_at: float | None = None
    """Second since 1970; items that came later are not in the model."""


class VersionState(StrEnum):
    """A model version is learning, usable, or never will be."""

    TRAINING = "training"
    CANCELLING = "cancelling"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One trained model: what it was learned from, with which parameters, and how good it is."""

    version: str
    state: VersionState
    created_at: datetime
    heartbeat_at: datetime
    phase: str = "queued"
    progress: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    detail: str | None = None
    seconds: float | None = None
    manifest_chunks: int = 0


@dataclass(frozen=True, slots=True)
class Variant:
    """A version beside others, and its share in (0, 1]: of the users; of a shadow, of the answers."""

    version: str
    share: float
    scoring: Scoring = field(default_factory=Scoring)


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """The pointer that serving follows."""

    version: str
    activated_at: datetime
    previous: str | None = None
    scoring: Scoring = field(default_factory=Scoring)
    variants: tuple[Variant, ...] = ()
    """All versions that share the users, in a split test; none outside of one."""
    interleaved: bool = False
    """Users of the other variants get their items mixed with the active version's."""
    shadows: tuple[Variant, ...] = ()
    """Versions whose answers are compared with those that are given, and never shown."""
    revision: int = 0
    """How often the pointer was changed."""
    newest_item: datetime | None = None
    """When an item was created after the active version was learned, if any was."""

    @property
    def versions(self) -> frozenset[str]:
        """All that serving may need."""
        beside = {one.version for one in (*self.variants, *self.shadows)}
        return frozenset({self.version, *beside} | ({self.previous} if self.previous else set()))

    def of(self, variant: Variant) -> "ActiveModel":
        """The pointer as if the variant were all there is."""
        return ActiveModel(
            variant.version, self.activated_at, self.previous, variant.scoring, newest_item=self.newest_item
        )

    def is_new(self, created_at: datetime) -> bool:
        """Whether an item of that time came too late for a model that new ones can be compared with."""
        learned_at, weight = self.scoring.learned_at, self.scoring.content_weight
        return learned_at is not None and weight is not None and created_at.timestamp() > learned_at
