"""The text of API keys."""

from secrets import token_bytes
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import Settings
from app.domain.access import Scope
from app.errors import Overloaded, Unauthenticated
from app.services.access import secret_keys
from app.services.access.authentication import Credentials
from app.services.access.unsealed_keys import AT_ONCE
from app.wiring import Wired
from tests.support.builders import a_key, wired_on
from tests.support.calls import names_of_calls

DEPLOYMENT = "the secret of a deployment"


class TestMint:
    def test_keys_are_unique_and_contain_their_id(self) -> None:
        keys = {secret_keys.mint(token_bytes, DEPLOYMENT) for _ in range(500)}

        assert len(keys) == 500
        assert all(key.startswith("sk_") and secret_keys.key_id(key) == key[3:15] for key in keys)

    def test_the_secret_part_holds_at_least_192_bits(self) -> None:
        assert len(secret_keys.ALPHABET) ** secret_keys.SECRET_LENGTH >= 2**192

    @given(st.binary(min_size=48, max_size=48))
    def test_equal_bytes_make_equal_keys(self, content: bytes) -> None:
        assert secret_keys.mint(lambda _: content, DEPLOYMENT) == secret_keys.mint(lambda _: content, DEPLOYMENT)


class TestKeyId:
    @given(position=st.integers(3, secret_keys.LENGTH - 1), letter=st.sampled_from(secret_keys.ALPHABET))
    def test_a_single_wrong_letter_is_detected(self, position: int, letter: str) -> None:
        key = secret_keys.mint(lambda size: bytes(range(size)), DEPLOYMENT)
        typed = key[:position] + letter + key[position + 1 :]

        is_accepted = secret_keys.key_id(typed) is not None and secret_keys.has_seal(typed, DEPLOYMENT)
        assert is_accepted == (typed == key)

    @given(st.text(max_size=80))
    def test_other_texts_have_no_key_id(self, text: str) -> None:
        assert secret_keys.key_id(text) is None

    def test_keys_of_another_deployment_have_another_seal(self) -> None:
        key = secret_keys.mint(token_bytes, DEPLOYMENT)

        assert secret_keys.has_seal(key, DEPLOYMENT)
        assert not secret_keys.has_seal(key, "another secret")


@pytest.fixture
def calls(wired: Wired) -> list[str]:
    """The operations of the database, as they are called."""
    return names_of_calls(wired.database)


def refused(wired: Wired, key: str) -> None:
    with pytest.raises(Unauthenticated):
        wired.services.access.authenticate(Credentials(key))


def flood(wired: Wired) -> None:
    """Tries unsealed keys that were made up; the last ones are not even read."""
    for _ in range(10 * AT_ONCE):
        with pytest.raises((Unauthenticated, Overloaded)) as caught:
            wired.services.access.authenticate(Credentials(unsealed(secret_keys.mint(token_bytes, "a guess"))))
    assert isinstance(caught.value, Overloaded)


class TestMadeUpKeys:
    def test_they_make_no_database_read(self, wired: Wired, calls: list[str]) -> None:
        for _ in range(30):
            refused(wired, secret_keys.mint(token_bytes, "a guess"))

        assert calls == []

    def test_without_a_seal_few_of_them_make_one(self, wired: Wired, calls: list[str]) -> None:
        started = monotonic()
        flood(wired)

        assert AT_ONCE <= len(calls) <= AT_ONCE + 1 + monotonic() - started


class TestUnsealedKeys:
    def test_they_stay_valid_whatever_others_are_tried(
        self, wired: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mint = secret_keys.mint
        monkeypatch.setattr(secret_keys, "mint", lambda *arguments: unsealed(mint(*arguments)))
        key = a_key(wired, settings.project, Scope.ADMIN)
        hurried = wired_on(settings.model_copy(update={"key_ttl_seconds": 0.0}))

        principal = hurried.services.access.authenticate(Credentials(key))
        flood(hurried)

        assert hurried.services.access.authenticate(Credentials(key)) == principal
        hurried.close()


def unsealed(key: str) -> str:
    """Returns a key as earlier releases made it."""
    return key[: secret_keys.UNSEALED_LENGTH]
