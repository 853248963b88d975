"""Rating scales, taken from all ratings of a project: a typo must not move them.

A rating is liked from three fifths of the scale on: 6 of 10, 3 of 5, 0.2 between -1 and 1.
"""

from collections.abc import Mapping, Sequence
from math import ceil

LIKED = 0.6
BEYOND = 1.5
"""A user whose ratings are beyond this multiple of the scale has another scale."""
FEW = 10
"""Below this number of ratings, nothing tells a typo from the top of the scale."""
TOP_SHARE = 0.005
OWN_RATINGS = 5
"""Number of ratings from which on a user can have a scale of their own."""
NEVER = 1e-9
"""The threshold if no rating is positive: just above 0."""


def threshold(ratings: Mapping[float, int]) -> float | None:
    """Returns the lowest rating that counts as liked; None if there are no ratings.

        threshold = lowest + 3/5 (highest - lowest)

    `highest` is what 1 of 200 positive ratings, and at least two, reach. `lowest` is the same among negative ratings,
    and 0 if these are rarer than that.

    Args:
        ratings: the number of ratings of each value.
    """
    if not ratings:
        return None
    count = sum(ratings.values())
    several = max(2, ceil(TOP_SHARE * count)) if count >= FEW else 1
    highest = _top({value: number for value, number in ratings.items() if value > 0}, several)
    negative = {-value: number for value, number in ratings.items() if value < 0}
    lowest = -_top(negative, several) if sum(negative.values()) >= several else 0.0
    return max(lowest + LIKED * (highest - lowest), NEVER) if highest > 0 else NEVER


def _top(ratings: Mapping[float, int], several: int) -> float:
    """Returns the largest value that `several` ratings reach, or the smallest if there are fewer; 0 without ratings."""
    reached, number = 0.0, 0
    for value in sorted(ratings, reverse=True):
        reached, number = value, number + ratings[value]
        if number >= several:
            break
    return reached


def threshold_of_user(ratings: Sequence[float], project: float) -> float:
    """Returns the lowest rating that counts as liked by one user.

    It is the project's, unless the user has a scale of their own: their second-highest rating does not reach the
    project's threshold, or it is beyond the project's scale. Then it is three fifths of that rating.

    Args:
        ratings: the user's ratings.
        project: the threshold of the project.
    """
    if len(ratings) < OWN_RATINGS:
        return project
    second = sorted(ratings)[-2]
    return LIKED * second if has_own_scale(second, project) else project


def has_own_scale(second: float, project: float) -> bool:
    """Whether a user whose second-highest rating this is has a scale of their own."""
    return 0 < second < project or second > BEYOND / LIKED * project
