"""`serendip events`: delete events, or let those that are stored expire."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.entry.cli.jobs import work_on
from app.entry.cli.mistakes import valid_id
from app.entry.cli.terminal import connect_project, connect_wired, console, existing_project

if TYPE_CHECKING:
    from app.domain.events import EventSelection
    from app.services.bundle import Services

PAGE = 1_000

events = typer.Typer(help="Events.", no_args_is_help=True)


@events.command("delete")
def delete(
    user_id: Annotated[str | None, typer.Option("--user", help="Only events of this user.")] = None,
    session_id: Annotated[str | None, typer.Option("--session", help="Only events of this session.")] = None,
    item_id: Annotated[str | None, typer.Option("--item", help="Only events about this item.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Only events of this type.")] = None,
    from_time: Annotated[
        str | None, typer.Option("--from", help="Only events at this time or later: ISO 8601, UTC without an offset.")
    ] = None,
    to_time: Annotated[str | None, typer.Option("--to", help="Only events before this time.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not count the events and ask for confirmation first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the events; delete nothing.")] = False,
) -> None:
    """Delete the events that meet all conditions. Can be interrupted: `serendip jobs work ID` continues."""
    from app.domain.jobs import DeletionRequest
    from app.services.events import check_deletion

    for value in (user_id, session_id, item_id, event_type):
        if value is not None:
            valid_id(value)
    request = DeletionRequest(user_id, session_id, item_id, event_type, _time(from_time), _time(to_time))
    check_deletion(request)
    with connect_project() as (services, project):
        if dry_run or not yes:
            selected, read = _count(services, project, request.selection)
            console.print(f"{selected:,} of {read:,} events meet the conditions.")
            if dry_run or not selected:
                return
            typer.confirm("Delete them?", abort=True)
        work_on(services, project, request)


@events.command("expire")
def expire() -> None:
    """Let stored events expire as SERENDIP_EVENT_DAYS says, after it was set, changed or removed. Can be repeated."""
    from app.storage.admin.expiry import Expiry

    with connect_wired() as wired:
        settings = wired.services.settings
        project = existing_project(wired.services, settings.project)
        with console.status("Reading events") as status:
            read, changed = Expiry(wired.database, settings.event_days).apply(
                project, lambda read, changed: status.update(f"{read:,} events read, {changed:,} changed")
            )
    days = settings.event_days
    kept = "are kept for ever" if days is None else f"expire {days} days after they happened"
    console.print(f"{read:,} events read, {changed:,} changed: all {kept}.", highlight=False)


def _count(services: "Services", project: str, selection: "EventSelection") -> tuple[int, int]:
    """Returns the number of selected events, and of those that were read to find them."""
    selected, read, start = 0, 0, None
    while True:
        page = services.events.select(project, selection, start, PAGE)
        selected, read, start = selected + len(page.keys), read + page.read, page.next_start
        if start is None:
            return selected, read


def _time(text: str | None) -> str | None:
    """Raises BadParameter unless this is a time."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a time in ISO 8601, such as 2026-01-31T12:00:00Z.") from error
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()
