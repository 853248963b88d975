"""Confidence intervals and sequential tests for live traffic. Observations are assumed to be independent."""

from dataclasses import dataclass
from math import exp, sqrt

Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile, for intervals of 95 %; `statistics` would slow every cold start."""
EXPECTED_EFFECT = 0.25
"""Prior standard deviation of the relative difference of rates, for which the sequential test is tuned."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


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
    mean = total / trials
    variance = max(0.0, squares - trials * mean * mean) / (trials - 1)
    margin = Z * sqrt(variance / trials)
    return Estimate(mean, mean - margin, mean + margin)


def always_valid_p(successes: tuple[int, int], trials: tuple[int, int]) -> float:
    """Returns a p-value for the difference of two rates that stays valid however often it is looked at.

    The mixture sequential probability ratio test (Johari, Koomen, Pekelis and Walsh, Operations Research 70, 2022):
    with the difference d, its variance v and the prior variance t of effects,

        1 / p = sqrt(v / (v + t)) * exp(t * d^2 / (2 * v * (v + t)))
    """
    if min(trials) <= 0:
        return 1.0
    clipped = [min(max(count, 0), most) for count, most in zip(successes, trials, strict=True)]
    pooled = sum(clipped) / sum(trials)
    variance = pooled * (1 - pooled) * (1 / trials[0] + 1 / trials[1])
    if variance <= 0:
        return 1.0
    difference = clipped[1] / trials[1] - clipped[0] / trials[0]
    effects = (EXPECTED_EFFECT * pooled) ** 2
    exponent = effects * difference**2 / (2 * variance * (variance + effects))
    return min(1.0, sqrt((variance + effects) / variance) * exp(-exponent))
