"""Confidence intervals and sequential tests for live traffic. Observations are assumed to be independent."""

from dataclasses import dataclass
from math import exp, log, sqrt

Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile, for intervals of 95 %; `statistics` would slow every cold start."""
ALPHA = 0.05
"""Versions differ if a p-value is below; intervals hold with the rest of the probability."""
EXPECTED_EFFECT = 0.25
"""Prior standard deviation of relative differences, for which the sequential test is tuned."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two means. Its 95 % interval and `p` stay valid however often one looks."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over trials: what is needed for a mean and its variance."""

    total: float
    squares: float
    trials: int

    @property
    def mean(self) -> float:
        return self.total / self.trials

    @property
    def variance(self) -> float:
        """The variance of one trial; there must be two."""
        return max(0.0, self.squares - self.trials * self.mean**2) / (self.trials - 1)


def of_rate(successes: int, trials: int) -> Estimate | None:
    """Wilson's score interval (JASA 22, 1927); None without trials.

    More successes than trials (a user clicked twice) count as if every trial succeeded.
    """
    if trials <= 0:
        return None
    rate = min(max(successes, 0), trials) / trials
    scale = 1 + Z * Z / trials
    center = (rate + Z * Z / (2 * trials)) / scale
    margin = Z / scale * sqrt(rate * (1 - rate) / trials + Z * Z / (4 * trials * trials))
    return Estimate(rate, max(0.0, min(center - margin, rate)), min(1.0, max(center + margin, rate)))


def of_mean(total: float, squares: float, trials: int) -> Estimate | None:
    """The normal interval of a mean, from the sum and the sum of squares; None with fewer than two trials."""
    if trials <= 1:
        return None
    sums = Sums(total, squares, trials)
    margin = Z * sqrt(sums.variance / trials)
    return Estimate(sums.mean, sums.mean - margin, sums.mean + margin)


def of_rate_difference(successes: tuple[int, int], trials: tuple[int, int]) -> Difference | None:
    """Returns the second rate less the first one; None without trials of both."""
    if min(trials) <= 0:
        return None
    clipped = [min(max(count, 0), most) for count, most in zip(successes, trials, strict=True)]
    value = clipped[1] / trials[1] - clipped[0] / trials[0]
    pooled = sum(clipped) / sum(trials)
    variance = pooled * (1 - pooled) * (1 / trials[0] + 1 / trials[1])
    difference = _sequential(value, variance, pooled)
    if difference is None:
        return Difference(value, -1.0, 1.0, 1.0)
    return Difference(value, max(-1.0, difference.low), min(1.0, difference.high), difference.p)


def of_mean_difference(base: Sums, other: Sums) -> Difference | None:
    """Returns the second mean less the first one; None with fewer than two trials of either, or without variance."""
    if min(base.trials, other.trials) <= 1:
        return None
    pooled = (base.total + other.total) / (base.trials + other.trials)
    variance = base.variance / base.trials + other.variance / other.trials
    return _sequential(other.mean - base.mean, variance, pooled)


def _sequential(value: float, variance: float, usual: float) -> Difference | None:
    """Tests whether a difference is zero, and returns its interval; None if there is no variance to judge it by.

    The mixture sequential probability ratio test (Johari, Koomen, Pekelis and Walsh, Operations Research 70, 2022):
    with the difference d, its variance v and the prior variance t of effects,

        1 / p = sqrt(v / (v + t)) * exp(t * d^2 / (2 * v * (v + t)))

    The interval holds the differences that the same test would not reject at ALPHA:

        d +- sqrt(2 * v * (v + t) / t * (ln(1 / ALPHA) + ln((v + t) / v) / 2))
    """
    effects = (EXPECTED_EFFECT * usual) ** 2
    if variance <= 0 or effects <= 0:
        return None
    both = variance + effects
    p = min(1.0, sqrt(both / variance) * exp(-effects * value**2 / (2 * variance * both)))
    margin = sqrt(2 * variance * both / effects * (log(1 / ALPHA) + log(both / variance) / 2))
    return Difference(value, value - margin, value + margin, p)
