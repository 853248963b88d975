"""Stores the events of other senders' messages."""

from collections.abc import Iterable

from app.api.routes.events import store
from app.api.schemas.senders.messages import Line, Message, Received
from app.api.schemas.senders.reading import Reading, Sent
from app.domain.access import Principal
from app.errors import Erased
from app.services.bundle import Services


def receive(services: Services, principal: Principal, messages: Iterable[Message], line: type[Line]) -> Received:
    """Stores the events of messages, as `POST /v1/events` does, and returns what became of them.

    Args:
        services: the services.
        principal: who sends them; credentials of one user limit them.
        messages: the messages.
        line: the form of their items.

    Raises:
        Forbidden, InvalidInput, InvalidToken: as storing events does; `errors` name places in the request.
    """
    now, project = services.clock.now(), principal.project
    reading = Reading(line, services.tuning.weights(project).kind, now)
    for message in messages:
        reading.add(message)
    sent, erased = reading.checked(), 0
    try:
        _store(services, principal, sent)
    except Erased as error:  # the sender cannot take their events out
        erased = len(error.positions)
        sent = [event for position, event in enumerate(sent) if position not in error.positions]
        _store(services, principal, sent)
    return Received(
        accepted=len(sent),
        freshness_token=services.tokens.freshness(project, now),
        skipped=reading.skipped,
        erased=erased,
        ignored=sorted(reading.ignored),
    )


def _store(services: Services, principal: Principal, sent: list[Sent]) -> None:
    if sent:
        ids = [each.recommendation_id for each in sent]
        store(services, principal, [each.event for each in sent], ids, [each.pointer for each in sent])
