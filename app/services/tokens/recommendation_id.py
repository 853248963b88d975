"""The content of a recommendation_id. It describes its own list, so that serving writes nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.domain.recommendations import (
    BOUGHT_TOGETHER,
    CATALOG,
    DIGEST_BYTES,
    EXPLORATION,
    LATEST,
    NEIGHBORS,
    POPULAR,
    REQUESTED,
    SIMILAR,
    TRENDING,
    item_digest,
)

SOURCES = (NEIGHBORS, SIMILAR, TRENDING, POPULAR, LATEST, CATALOG, EXPLORATION, REQUESTED, BOUGHT_TOGETHER)
"""Their positions are written in tokens: append only."""
FROM_CHALLENGER = 0x80
"""The bit of an item that the challenger of two interleaved versions chose."""
ENTRY_BYTES = DIGEST_BYTES + 1


@dataclass(frozen=True, slots=True)
class RecommendationId:
    """A list that was served: its version, scenario, time, and the source of each item."""

    version: str | None
    served_at: datetime
    scenario: str | None = None
    entries: bytes = b""
    """The digest of each item and one byte for its source."""
    earlier: bytes = b""
    """The digests of the items on earlier pages."""
    owner: str | None = None
    """The digest of the user or session that the list was made for, or of "" if it is for anyone but stored."""
    decision: str | None = None
    """The id of the response in the decision log."""
    challenger: str | None = None
    """The version that was interleaved with it."""

    @property
    def shown(self) -> frozenset[bytes]:
        """The digests of all items on this page and earlier ones."""
        entries = _split(self.entries, ENTRY_BYTES)
        return frozenset(_split(self.earlier, DIGEST_BYTES)) | {content[:DIGEST_BYTES] for content in entries}

    def attribution(self, item_id: str) -> tuple[str | None, str] | None:
        """Returns the version and the source of an item on this page; None if the page does not hold the item."""
        digest = item_digest(item_id)
        for content in _split(self.entries, ENTRY_BYTES):
            if content.startswith(digest):
                version = self.challenger if content[-1] & FROM_CHALLENGER else self.version
                return version, SOURCES[content[-1] & ~FROM_CHALLENGER]
        return None

    def encode(self) -> dict[str, Any]:
        """Returns the content as short JSON without empty values."""
        content = {
            "v": self.version,
            "t": int(self.served_at.timestamp()),
            "s": self.scenario,
            "i": _base64(self.entries),
            "e": _base64(self.earlier),
            "o": self.owner,
            "d": self.decision,
            "w": self.challenger,
        }
        return {name: value for name, value in content.items() if value or name == "v"}

    @classmethod
    def decode(cls, content: Mapping[str, Any]) -> "RecommendationId":
        return cls(
            version=content["v"],
            served_at=datetime.fromtimestamp(content["t"], UTC),
            scenario=content.get("s"),
            entries=urlsafe_b64decode(content.get("i", "")),
            earlier=urlsafe_b64decode(content.get("e", "")),
            owner=content.get("o"),
            decision=content.get("d"),
            challenger=content.get("w"),
        )


def entry(item_id: str, source: str, *, from_challenger: bool) -> bytes:
    """Returns the entry of an item: its digest and its source."""
    return item_digest(item_id) + bytes([SOURCES.index(source) | (FROM_CHALLENGER if from_challenger else 0)])


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode()


def _split(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]
