"""The text of an API key: `sk_`, a public id, a secret and a checksum, all in letters and digits.

The checksum tells a mistyped key from an unknown one without a database read, and lets scanners find leaked keys. Only
the SHA-256 of a key is stored, which is enough for a secret of 196 random bits.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from string import ascii_letters, digits
from zlib import crc32

PREFIX = "sk_"
ALPHABET = digits + ascii_letters
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 12, 33, 6
KEY_ID_PATTERN = f"^[0-9A-Za-z]{{{ID_LENGTH}}}$"
LENGTH = len(PREFIX) + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH
RANDOM_BYTES = 48
"""More bytes than 45 characters can hold, so that the bias of the remainder is below 2^-100."""


def mint(random_bytes: Callable[[int], bytes]) -> str:
    """Returns the text of a new key."""
    body = PREFIX + _letters(int.from_bytes(random_bytes(RANDOM_BYTES)), ID_LENGTH + SECRET_LENGTH)
    return body + _checksum(body)


def key_id(text: str) -> str | None:
    """Returns the public id in a key, or None if the text is not a well-formed key."""
    if len(text) != LENGTH or not text.startswith(PREFIX) or not text.isascii():
        return None
    body, checksum = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    return body[len(PREFIX) :][:ID_LENGTH] if checksum == _checksum(body) else None


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def matches(text: str, expected: str) -> bool:
    """Whether the key has this digest, compared in constant time."""
    return hmac.compare_digest(digest(text), expected)


def _checksum(body: str) -> str:
    return _letters(crc32(body.encode()), CHECKSUM_LENGTH)


def _letters(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)
