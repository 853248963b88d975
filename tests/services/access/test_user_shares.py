"""Tokens of users cannot use up what their key may do."""

from dataclasses import replace
from itertools import count

import pytest

from app.config import Settings
from app.domain.access import Limits, Principal, Scope
from app.errors import LimitExceeded
from app.services.access.rate_limits import Limiter
from app.services.access.token_bucket import QUOTA
from app.services.access.user_shares import KEY_PART, USER_PART
from app.wiring import Wired
from tests.support.builders import a_key, client_of, wired_on
from tests.support.calls import names_of_calls
from tests.support.fake_clock import FakeClock
from tests.support.limits import spent

SLOW = 0.001
"""A rate that adds nothing during a test."""


def a_key_principal(project: str, limits: Limits) -> Principal:
    return Principal(project, frozenset(), "a-key", limits=limits)


def a_user(key: Principal, name: str = "ann") -> Principal:
    return replace(key, user_id=name, shares_limits=True)


def spent_by_many(limiter: Limiter, key: Principal, tries: int) -> int:
    """Requests that pass of as many users."""
    names = count()
    return sum(spent(limiter, a_user(key, f"user-{next(names)}"), 1) for _ in range(tries))


@pytest.mark.parametrize("limits", [Limits(requests_per_second=SLOW, burst=40), Limits(requests_per_day=40)])
class TestShares:
    def test_one_user_takes_a_quarter_at_most(self, wired: Wired, settings: Settings, limits: Limits) -> None:
        key = a_key_principal(settings.project, limits)

        assert spent(wired.services.limiter, a_user(key), 60) == 40 // USER_PART

    def test_all_users_together_leave_a_tenth_to_the_key(
        self, wired: Wired, settings: Settings, limits: Limits
    ) -> None:
        key, limiter = a_key_principal(settings.project, limits), wired.services.limiter

        assert spent_by_many(limiter, key, 60) == 40 - 40 // KEY_PART
        assert spent(limiter, key, 60) == 40 // KEY_PART

    def test_users_of_several_processes_leave_it_too(self, wired: Wired, settings: Settings, limits: Limits) -> None:
        other = wired_on(settings)
        key = a_key_principal(settings.project, limits)

        for limiter in (wired.services.limiter, other.services.limiter) * 2:
            spent_by_many(limiter, key, 20)

        assert spent(other.services.limiter, key, 60) + spent(wired.services.limiter, key, 60) >= 40 // KEY_PART
        other.close()

    def test_the_key_itself_may_use_everything(self, wired: Wired, settings: Settings, limits: Limits) -> None:
        assert spent(wired.services.limiter, a_key_principal(settings.project, limits), 60) == 40


def test_users_who_are_refused_for_the_keys_part_of_the_day_learn_that_it_is_the_quota(
    wired: Wired, settings: Settings
) -> None:
    key = a_key_principal(settings.project, Limits(requests_per_second=1_000_000, requests_per_day=1_000))
    limiter = wired.services.limiter

    refusals = []
    for number in range(950):
        limiter.spend(key)
        try:
            limiter.spend(a_user(key, f"user-{number}"))
        except LimitExceeded as error:
            refusals.append((error.policy, error.retry_after_seconds > 1))
        if len(refusals) == 40:
            break

    assert set(refusals) == {(QUOTA, True)}


def test_a_users_share_comes_back_with_time(settings: Settings) -> None:
    clock = FakeClock()
    instance = wired_on(settings, clock=clock)
    key = a_key_principal(settings.project, Limits(requests_per_second=4, burst=40))
    before = spent(instance.services.limiter, a_user(key), 60)

    clock.advance(5)

    assert (before, spent(instance.services.limiter, a_user(key), 60)) == (10, 5)
    instance.close()


def test_a_refused_user_costs_no_call_and_an_accepted_one_none_of_their_own(wired: Wired, settings: Settings) -> None:
    key = a_key_principal(settings.project, Limits(requests_per_second=SLOW, burst=400))
    limiter, writes = wired.services.limiter, names_of_calls(wired.database, "PutItem")
    spent_by_many(limiter, key, 400)
    with_users = len(writes)

    spent(limiter, a_user(key, "user-1"), 50)

    assert len(writes) == with_users
    assert with_users < 400 / 10


def test_a_token_of_a_user_is_told_its_own_limits(wired: Wired, settings: Settings) -> None:
    limits = Limits(requests_per_second=SLOW, burst=40, requests_per_day=400)
    made = client_of(wired, a_key(wired, settings.project, Scope.WRITE, limits=limits)).post(
        "/v1/users/ann/tokens", json={}
    )
    client = client_of(wired)
    client.headers["Authorization"] = f"Bearer {made.json()['token']}"

    answers = [client.get("/v1/users/ann/recommendations") for _ in range(12)]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert '"rate";q=10;' in answers[0].headers["RateLimit-Policy"]
    assert '"day";q=100;' in answers[0].headers["RateLimit-Policy"]
    assert "user's share" in answers[-1].json()["detail"]
