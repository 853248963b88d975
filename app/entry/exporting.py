"""All records of a kind as JSON Lines, in the form that `import` reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from app.api.schemas import EventView, ItemView, UserView
from app.domain import every
from app.wiring import Wired

PAGE = 100
FIELDS: dict[str, set[str]] = {
    "events": set(),
    "items": {"created_at", "updated_at"},
    "users": {"created_at", "updated_at"},
}


def run(wired: Wired, kind: str, path: Path) -> int:
    """Write the file under another name first, so that a killed export leaves none that looks whole."""
    unfinished = path.with_name(path.name + ".part")
    count = 0
    with unfinished.open("wb") as lines:
        for record in _records(wired, kind):
            lines.write(orjson.dumps({name: value for name, value in record.items() if value is not None}) + b"\n")
            count += 1
    unfinished.replace(path)
    return count


def _records(wired: Wired, kind: str) -> Iterator[dict[str, Any]]:
    services = wired.services
    project = services.settings.project
    if kind == "events":
        for event in services.events.all(project):
            yield EventView.model_validate(event).model_dump(mode="json")
    elif kind == "items":
        for item in every(lambda start: services.catalog.list_items(project, None, start, PAGE)):
            yield ItemView.model_validate(item).model_dump(mode="json", exclude=FIELDS[kind])
    else:
        for user in every(lambda start: services.catalog.list_users(project, start, PAGE)):
            yield UserView.model_validate(user).model_dump(mode="json", exclude=FIELDS[kind])
