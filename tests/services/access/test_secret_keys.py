"""The text of API keys."""

from secrets import token_bytes

from hypothesis import given
from hypothesis import strategies as st

from app.services.access import secret_keys


class TestMint:
    def test_keys_are_unique_and_contain_their_id(self) -> None:
        keys = {secret_keys.mint(token_bytes) for _ in range(500)}

        assert len(keys) == 500
        assert all(key.startswith("sk_") and secret_keys.key_id(key) == key[3:15] for key in keys)

    def test_the_secret_part_holds_at_least_192_bits(self) -> None:
        assert len(secret_keys.ALPHABET) ** secret_keys.SECRET_LENGTH >= 2**192

    @given(st.binary(min_size=48, max_size=48))
    def test_equal_bytes_make_equal_keys(self, content: bytes) -> None:
        assert secret_keys.mint(lambda _: content) == secret_keys.mint(lambda _: content)


class TestKeyId:
    @given(position=st.integers(3, secret_keys.LENGTH - 1), letter=st.sampled_from(secret_keys.ALPHABET))
    def test_a_single_wrong_letter_is_detected(self, position: int, letter: str) -> None:
        key = secret_keys.mint(lambda size: bytes(range(size)))
        typed = key[:position] + letter + key[position + 1 :]

        assert (secret_keys.key_id(typed) is None) == (typed != key)

    @given(st.text(max_size=80))
    def test_other_texts_have_no_key_id(self, text: str) -> None:
        assert secret_keys.key_id(text) is None
