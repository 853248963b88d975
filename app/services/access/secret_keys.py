"""The text of an API key: `sk_`, a public id, a secret, a checksum and a seal, all in letters and digits.

The checksum tells a mistyped key from another one, and lets scanners find leaked keys. The seal is a checksum that
needs the secret of the deployment, so a key that was made up is refused without a database read; keys of before
2026-11-30 have none. Only the SHA-256 of a key is stored, which is enough for a secret of 196 random bits.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from string import ascii_letters, digits
from zlib import crc32

PREFIX = "sk_"
ALPHABET = digits + ascii_letters
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH, SEAL_LENGTH = 12, 33, 6, 11
KEY_ID_PATTERN = f"^[0-9A-Za-z]{{{ID_LENGTH}}}$"
UNSEALED_LENGTH = len(PREFIX) + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH
LENGTH = UNSEALED_LENGTH + SEAL_LENGTH
RANDOM_BYTES = 48
"""More bytes than 45 characters can hold, so that the bias of the remainder is below 2^-100."""


def mint(random_bytes: Callable[[int], bytes], secret: str) -> str:
    """Returns the text of a new key; `secret` is that of the deployment."""
    body = PREFIX + _letters(int.from_bytes(random_bytes(RANDOM_BYTES)), ID_LENGTH + SECRET_LENGTH)
    unsealed = body + _checksum(body)
    return unsealed + _seal(unsealed, secret)


def key_id(text: str) -> str | None:
    """Returns the public id in a key, or None if the text is not a well-formed key."""
    if len(text) not in {LENGTH, UNSEALED_LENGTH} or not text.startswith(PREFIX) or not text.isascii():
        return None
    unsealed = text[:UNSEALED_LENGTH]
    body, checksum = unsealed[:-CHECKSUM_LENGTH], unsealed[-CHECKSUM_LENGTH:]
    return body[len(PREFIX) :][:ID_LENGTH] if checksum == _checksum(body) else None


def is_unsealed(text: str) -> bool:
    """Whether a well-formed key has no seal."""
    return len(text) == UNSEALED_LENGTH


def has_seal(text: str, secret: str) -> bool:
    """Whether this deployment made the well-formed key."""
    return hmac.compare_digest(text[UNSEALED_LENGTH:].encode(), _seal(text[:UNSEALED_LENGTH], secret).encode())


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def matches(text: str, expected: str) -> bool:
    """Whether the key has this digest, compared in constant time."""
    return hmac.compare_digest(digest(text), expected)


def _checksum(body: str) -> str:
    return _letters(crc32(body.encode()), CHECKSUM_LENGTH)


def _seal(unsealed: str, secret: str) -> str:
    return _letters(
        int.from_bytes(hmac.digest(secret.encode(), f"api key\n{unsealed}".encode(), "sha256")), SEAL_LENGTH
    )


def _letters(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)
