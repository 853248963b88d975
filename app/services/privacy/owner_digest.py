"""Keyed digests of user ids."""

from hashlib import blake2b

from app.config import Settings

DIGEST_BYTES = 12


def owner_digest(settings: Settings, project: str, user_id: str) -> str:
    """Returns the digest that stands for a user in recommendation ids and in the decision log."""
    secret = settings.secret.get_secret_value().encode()[:64]
    return blake2b(f"{project}\n{user_id}".encode(), key=secret, digest_size=DIGEST_BYTES).hexdigest()
