"""`serendip stream`: what became of records that could not be applied."""

from typing import Annotated

import orjson
import typer
from rich.table import Table

from app.domain.paging import every
from app.entry.cli.terminal import console, services
from app.entry.stream import Consumer

stream = typer.Typer(help="The stream of events.", no_args_is_help=True)
LISTED = 100

Project = Annotated[str | None, typer.Option(help="The project; the configured one if left out.")]
Unknown = Annotated[bool, typer.Option("--unknown", help="Those that do not even say which project they are of.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with the records.")]


class _NoSockets:
    """The command line has no sockets to push to; the next event pushes."""

    def any_of(self, project: str) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def push(self, project: str, user_id: str) -> int:
        raise NotImplementedError


@stream.command("failures")
def failures(project: Project = None, unknown: Unknown = False, as_json: AsJson = False) -> None:
    """List the records that could not be applied, and why; they are kept for two weeks."""
    with services() as wired:
        name = None if unknown else project or wired.services.settings.project
        found = list(every(lambda start: wired.services.failures.list_page(name, start, LISTED)))
    if as_json:
        listed = [{"record_id": one.record_id, "reason": one.reason, "record": one.record} for one in found]
        console.print_json(orjson.dumps(listed).decode())
        return
    table = Table("Record", "User", "Reason")
    for one in found:
        table.add_row(one.record_id, one.user_id or "", one.reason)
    console.print(table if found else "There are none.")


@stream.command("retry")
def retry(project: Project = None, unknown: Unknown = False) -> None:
    """Apply them again, after the cause was mended."""
    with services() as wired:
        consumer = Consumer(wired.services, _NoSockets())
        name = None if unknown else project or wired.services.settings.project
        tried, done = wired.services.failures.retry(name, consumer.succeeds)
    console.print(f"{done} of {tried} applied.")
