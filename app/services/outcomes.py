"""What became of recommendations, and whether one version's are better than another's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain import Origin
from app.recommender import intervals, outcomes
from app.recommender.outcomes import Outcome
from app.services.sums import Sums
from app.storage.counters import DAY

ALPHA = 0.05
JUDGED_DAYS = 30
"""Over which live outcomes decide about an activation."""

Group = tuple[str, ...]


class Verdict(StrEnum):
    """What is known of a version against the active one."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One version's click-through against another's; p holds however often one looks."""

    version: str
    against: str
    difference: float
    p: float

    @property
    def verdict(self) -> Verdict:
        if self.p >= ALPHA:
            return Verdict.UNDECIDED
        return Verdict.BETTER if self.difference > 0 else Verdict.WORSE


class Outcomes:
    def __init__(self, sums: Sums, clock: Callable[[], datetime]) -> None:
        self._sums, self._clock = sums, clock

    def grouped(self, project: str, days: int, by: Sequence[str]) -> dict[Group, Outcome]:
        """Outcomes of the last days, summed up by some of `version`, `scenario` and `source`."""
        found: dict[Group, Outcome] = {}
        for origin, outcome in self._by_origin(project, days).items():
            group = tuple(str(getattr(origin, name)) for name in by)
            found[group] = found.get(group, Outcome()) + outcome
        return dict(sorted(found.items()))

    def compared(self, project: str, days: int, against: str) -> list[Comparison]:
        """Every version that was shown, against one of them."""
        of_version = self._of_version(project, days)
        base = of_version.pop(against, None)
        if base is None:
            return []
        found = (_compared(name, outcome, against, base) for name, outcome in sorted(of_version.items()))
        return [one for one in found if one is not None]

    def worse(self, project: str, version: str, against: str) -> str | None:
        """How a version's click-through is clearly below another's; None where it is not."""
        for one in self.compared(project, JUDGED_DAYS, against):
            if one.version == version and one.verdict is Verdict.WORSE:
                return f"its click-through is lower by {-one.difference:.2%} of impressions (p = {one.p:.1g})"
        return None

    def _of_version(self, project: str, days: int) -> dict[str, Outcome]:
        return {group[0]: outcome for group, outcome in self.grouped(project, days, ("version",)).items()}

    def _by_origin(self, project: str, days: int) -> Mapping[Origin, Outcome]:
        total, _ = self._sums.of(project, days)
        return outcomes.by_origin(total, self._clock().timestamp() - days * DAY)


def _compared(version: str, outcome: Outcome, against: str, base: Outcome) -> Comparison | None:
    rate, usual = (intervals.of_rate(one.clicks, one.impressions) for one in (outcome, base))
    if rate is None or usual is None:
        return None
    p = intervals.always_valid_p((base.clicks, outcome.clicks), (base.impressions, outcome.impressions))
    return Comparison(version, against, rate.value - usual.value, p)
