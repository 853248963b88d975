"""Model versions and the pointer to the active one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Scoring:
    """Parameters that turn a user's events into weights, chosen by the trainer and stored in the active pointer."""

    half_life_days: float | None = None
    rating_threshold: float | None = None
    content_weight: float | None = None
    """The weight of an item with the same description as another. None for a model of an earlier release."""
    learned_at: float | None = None
    """The creation time of the version, in seconds since 1970. The model does not know later items."""
    step_decay: float | None = None
    """The factor in (0, 1] that each later moment of a history leaves of an event's weight. None for 1."""
    recent_exponent: float = 0.0
    """The exponent of the recent popularity that multiplies scores."""
    recent_half_life_days: float | None = None
    """The half-life of events in recent popularity."""
    open_step_decay: float | None = None
    """The step decay while the newest moment of a history is open. None for the same as later."""
    open_recent_exponent: float | None = None
    """The exponent of recent popularity while it is open. None for the same as later."""
    open_seconds: float = 0.0
    """How long a moment is open after its events: others are likely to join them."""

    @property
    def uses_recent_popularity(self) -> bool:
        """Whether any list uses it."""
        return bool(self.recent_half_life_days and (self.recent_exponent or self.open_recent_exponent))

    def at(self, *, is_open: bool) -> "Scoring":
        """Returns the parameters for a history, given whether its newest moment is open."""
        if not is_open:
            return replace(self, open_recent_exponent=None)
        step_decay = self.step_decay if self.open_step_decay is None else self.open_step_decay
        exponent = self.recent_exponent if self.open_recent_exponent is None else self.open_recent_exponent
        return replace(self, step_decay=step_decay, recent_exponent=exponent, open_recent_exponent=None)


LEARNED = (
    "half_life_days",
    "rating_threshold",
    "content_weight",
    "step_decay",
    "recent_exponent",
    "recent_half_life_days",
    "open_step_decay",
    "open_recent_exponent",
    "open_seconds",
)
"""The parameters of a version that its scoring takes over."""


class VersionState(StrEnum):
    """A version is in training until it is ready, failed or canceled."""

    TRAINING = "training"
    CANCELLING = "cancelling"
    """Set by releases before 0.8 until the worker noticed; now a training is cancelled at once."""
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One model version: its training data, parameters and measured quality."""

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
    chosen_at: datetime | None = None
    """The time when the parameters were chosen, by this or an earlier training. None until then."""

    @property
    def scoring(self) -> Scoring:
        """The parameters that serving needs; those that the version does not have keep their defaults."""
        stored = {name: self.parameters.get(name) for name in LEARNED}
        parameters = {name: value for name, value in stored.items() if value is not None}
        return Scoring(**parameters, learned_at=self.created_at.timestamp())


@dataclass(frozen=True, slots=True)
class Variant:
    """A version and its share in (0, 1]: of the users in a split test, or of the responses that a shadow compares."""

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
    """The versions of a split test, which share the users. Empty if there is no test."""
    interleaved: bool = False
    """Whether users of the other variants get their items mixed with those of the active version."""
    shadows: tuple[Variant, ...] = ()
    """Versions whose recommendations are compared with those sent, but never shown."""
    revision: int = 0
    """The number of changes of the pointer."""
    newest_item: datetime | None = None
    """The creation time of an item that is newer than the active version. None if there is no such item."""

    @property
    def versions(self) -> frozenset[str]:
        """All versions that serving may need."""
        others = {variant.version for variant in (*self.variants, *self.shadows)}
        return frozenset({self.version, *others} | ({self.previous} if self.previous else set()))

    @property
    def recent_half_life_days(self) -> float | None:
        """The half-life of recent popularity: that of the first version that uses it. None if no version does."""
        others = (variant.scoring for variant in (*self.variants, *self.shadows))
        users = (scoring for scoring in (self.scoring, *others) if scoring.uses_recent_popularity)
        return next((scoring.recent_half_life_days for scoring in users), None)

    def of(self, variant: Variant) -> "ActiveModel":
        """Returns the pointer as if the variant were the only version."""
        return ActiveModel(
            variant.version, self.activated_at, self.previous, variant.scoring, newest_item=self.newest_item
        )

    def is_new(self, created_at: datetime) -> bool:
        """Whether an item created at this time is newer than the model, and the model can compare new items."""
        learned_at, weight = self.scoring.learned_at, self.scoring.content_weight
        return learned_at is not None and weight is not None and created_at.timestamp() > learned_at
