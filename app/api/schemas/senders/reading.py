"""Reads events from the messages of other senders."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from re import fullmatch

from pydantic import ValidationError

from app.api.http import validation
from app.api.schemas.records import MAX_EVENTS
from app.api.schemas.senders.messages import Line, Message
from app.domain.events import Event, event_id_of
from app.domain.fields import ID_PATTERN, ID_RULE
from app.errors import FieldError, InvalidInput


@dataclass(frozen=True, slots=True)
class Sent:
    """An event, and the JSON pointer of its item in the request."""

    event: Event
    recommendation_id: str | None
    pointer: str


@dataclass
class Reading:
    """The events of messages, and what is not stored."""

    line: type[Line]
    kind: Callable[[str], str]
    """Returns the kind of an event type."""
    now: datetime
    skipped: Counter[str] = field(default_factory=Counter)
    ignored: set[str] = field(default_factory=set)
    sent: list[Sent] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)
    named: int = 0
    """The number of items with an id. Only as many as a request can hold are read."""

    def add(self, message: Message) -> None:
        """Reads the events of a message: one for each item that it names."""
        event_type = "_".join(message.event_type.split())
        named = [position for position, content in enumerate(message.lines) if self._names_item(content)]
        if len(named) < max(1, len(message.lines)):
            self.skipped[message.name] += max(1, len(message.lines)) - len(named)
        self.named += len(named)
        if self.named > MAX_EVENTS:
            return
        if named and not fullmatch(ID_PATTERN, event_type):
            self.errors.append(FieldError(message.type_pointer, f"with its spaces as _, must be {ID_RULE}"))
            return
        kind = self.kind(event_type)
        for position in named:
            pointer = message.place.format(position)
            try:
                line = self.line.model_validate(message.lines[position])
            except ValidationError as error:
                self.errors += validation.of_part(error.errors(), self.line, pointer)
                continue
            content_id = event_id_of(*message.identity, message.owner, str(line.item_id), event_type, str(position))
            event = Event(
                message.owner,
                str(line.item_id),
                event_type,
                message.timestamp or self.now,
                content_id,
                line.value(kind),
            )
            self.sent.append(Sent(event, line.recommendation_id, pointer))
            self.ignored |= line.ignored(kind).union(message.others)

    def _names_item(self, content: object) -> bool:
        return isinstance(content, Mapping) and content.get(self.line.ITEM, "") not in (None, "")

    def checked(self) -> list[Sent]:
        """Returns the events.

        Raises:
            InvalidInput: some are invalid, or there are too many.
        """
        if self.named > MAX_EVENTS:
            raise InvalidInput(
                f"The items make {self.named} events, and a request can hold {MAX_EVENTS}; nothing was stored. "
                "Send smaller batches."
            )
        if self.errors:
            raise InvalidInput("Some items are not as expected; nothing was stored.", tuple(self.errors))
        return self.sent
