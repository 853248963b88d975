"""Rollout of model versions: the active version, split tests and shadows."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from app.clock import Clock
from app.config import Settings
from app.domain.items import Item
from app.domain.models import ActiveModel, ModelVersion, Variant
from app.errors import NotActivatable, NotFound, Unavailable
from app.services.models.cache import ModelCache
from app.services.models.outcomes import Outcomes
from app.storage.items import ItemStore
from app.storage.versions import VersionStore

WHOLE = 100.0
"""Percent."""


@dataclass(frozen=True, slots=True)
class Split:
    """How users are divided among versions."""

    shares: Mapping[str, float]
    """The relative share of each version."""
    interleaved: bool = False
    shadows: Sequence[str] = ()
    shadow_share: float = WHOLE
    """The percentage of responses that shadows are compared with."""


class Rollout:
    def __init__(
        self,
        versions: VersionStore,
        cache: ModelCache,
        items: ItemStore,
        outcomes: Outcomes,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._versions, self._cache, self._items, self._outcomes = versions, cache, items, outcomes
        self._settings, self._clock = settings, clock

    def active(self, project: str) -> ActiveModel | None:
        return self._versions.active(project, consistent=True)

    def activate(self, project: str, version_id: str, *, force: bool = False) -> ActiveModel:
        """Serves all users with one version. To roll back, activate the previous version.

        Raises:
            NotFound: the version does not exist.
            Conflict: another request changed the pointer at the same time.
            NotActivatable: the version is not ready, or it is clearly worse than the active version and this is
                neither forced nor a rollback.
        """
        return self._activate(project, version_id, self.active(project), force=force, live=True)

    def activate_trained(self, project: str, version_id: str, *, force: bool = False) -> ActiveModel:
        """Activates a version that was just trained. Only `force` ends a running split test.

        Raises:
            NotActivatable: a split test is running. Also raises the errors of `activate`.
        """
        current = self.active(project)
        if current and current.variants and not force:
            raise NotActivatable("Not activated: a split test is running. Give the version a share, or activate it.")
        return self._activate(project, version_id, current, force=force, live=False)

    def split(self, project: str, wanted: Split) -> ActiveModel:
        """Divides the users among versions and sets the shadows; the active version does not change.

        Raises:
            NotFound: a version does not exist, or no version is active.
            NotActivatable: a version is not ready.
        """
        current = self.active(project)
        if current is None:
            raise NotFound("No version is active yet. Train or activate one first.")
        variants = self._variants(project, wanted.shares, 1.0)
        shadows = dict.fromkeys(wanted.shadows, 1.0)
        alone = [variant.version for variant in variants] == [current.version]
        pointer = replace(
            current,
            variants=() if alone else variants,
            interleaved=wanted.interleaved and not alone,
            shadows=self._variants(project, shadows, wanted.shadow_share / WHOLE),
        )
        return self._point(project, pointer, current)

    def _activate(
        self, project: str, version_id: str, current: ActiveModel | None, *, force: bool, live: bool
    ) -> ActiveModel:
        """Activates a version; `live` compares the outcomes of versions too."""
        version = self._cache.ready(project, version_id)
        if current and current.version == version_id and not current.variants and not current.shadows:
            return current
        if current and not force and version_id not in {current.version, current.previous}:
            reason = self._lower_ndcg(project, version, current.version)
            if reason is None and live:
                reason = self._outcomes.find_regression(project, version_id, current.version)
            if reason is not None:
                raise NotActivatable(f"Not activated: {reason}. Use force to activate it anyway.")
        previous = None if current is None else current.previous if current.version == version_id else current.version
        return self._point(project, ActiveModel(version_id, self._clock.now(), previous, version.scoring), current)

    def _point(self, project: str, pointer: ActiveModel, current: ActiveModel | None) -> ActiveModel:
        moved = replace(pointer, revision=current.revision + 1 if current else 1)
        self._versions.activate(project, moved, current)
        newest = max(self._items.latest(project, None, 1).values(), default=None)
        if newest is not None:
            self._mark_new_items(project, moved, newest)
        self._cache.forget_active(project)
        return moved

    def items_written(self, project: str, items: Sequence[Item]) -> None:
        """Records at the pointer, for all instances, the first items that the active version has not learned.

        If the database is unavailable, the next new item does it.
        """
        created = [item.created_at for item in items if item.created_at == item.updated_at]
        if not created:
            return
        with suppress(Unavailable):
            active = self._cache.active(project)
            if active is not None and (active.newest_item is None or not active.is_new(active.newest_item)):
                self._mark_new_items(project, active, max(created))

    def _mark_new_items(self, project: str, active: ActiveModel, newest: datetime) -> None:
        if active.is_new(newest):
            self._versions.mark_new_items(project, newest)
            self._cache.forget_active(project)

    def _variants(self, project: str, shares: Mapping[str, float], whole: float) -> tuple[Variant, ...]:
        """Returns ready versions with their shares, which sum to the whole."""
        ready = {name: self._cache.ready(project, name) for name in sorted(shares)}
        scale = whole / sum(shares.values()) if shares else 0.0
        return tuple(Variant(name, shares[name] * scale, version.scoring) for name, version in ready.items())

    def _lower_ndcg(self, project: str, version: ModelVersion, against: str) -> str | None:
        other = self._versions.get(project, against)
        if other is None or other.parameters.get("holdout") != version.parameters.get("holdout"):
            return None  # their metrics were measured differently
        now, before = version.metrics.get("ndcg", 0.0), other.metrics.get("ndcg", 0.0)
        if now >= before * (1.0 - self._settings.regression_tolerance):
            return None
        return f"its NDCG@20 of {now:.4f} is clearly below the active version's {before:.4f}"
