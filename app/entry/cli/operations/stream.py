"""`serendip stream`: list and retry the stream records that could not be applied, replay lost batches."""

import sys
from typing import Annotated

import typer

from app.domain.paging import every
from app.entry.cli.terminal import AsJson, connect, console, existing_project, print_json, print_rows

stream = typer.Typer(help="The stream of events.", no_args_is_help=True)
PAGE = 100

Project = Annotated[str | None, typer.Option(help="The project. Default: SERENDIP_PROJECT.")]
Unknown = Annotated[bool, typer.Option("--unknown", help="Records that name no project.")]


class _NoSockets:
    """The command line pushes to no sockets; the next event does."""

    def any_of(self, project: str) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def push(self, project: str, user_id: str) -> int:
        raise NotImplementedError


@stream.command("failures")
def failures(project: Project = None, unknown: Unknown = False, as_json: AsJson = False) -> None:
    """List the records that could not be applied, with reasons. They are kept for two weeks."""
    with connect() as (services, default):
        name = None if unknown else existing_project(services, project or default)
        listed = list(every(lambda start: services.failures.list_page(name, start, PAGE)))
    if as_json:
        rows = [
            {"record_id": failure.record_id, "reason": failure.reason, "record": failure.record} for failure in listed
        ]
        print_json(rows)
        return
    table = [(failure.record_id, failure.user_id or "", failure.reason) for failure in listed]
    print_rows(("Record", "User", "Reason"), table, "There are none.")


@stream.command("retry")
def retry(project: Project = None, unknown: Unknown = False) -> None:
    """Apply the records again, after the cause was fixed."""
    from app.entry.stream import Consumer

    with connect() as (services, default):
        consumer = Consumer(services, _NoSockets())
        name = None if unknown else existing_project(services, project or default)
        tried, applied = services.failures.retry(name, consumer.succeeds)
    console.print(f"{applied} of {tried} applied.")


@stream.command("replay")
def replay() -> None:
    """Apply the batches that Lambda dropped after all retries, of all projects. Works for 24 hours; ends the alarm."""
    from app.entry.cli.operations.replay import LostBatches
    from app.entry.stream import Consumer

    with connect() as (services, _):
        outcome = LostBatches(services.settings, Consumer(services, _NoSockets()).apply).replay()
    console.print(f"{outcome.batches} batches: {outcome.records} records applied.")
    if outcome.gone:
        console.print(f"{outcome.gone} batches are older than a day: the stream no longer has their records.")
    if outcome.failed:
        console.print(f"{outcome.failed} batches failed again and stay in the queue. The log says why.")
        sys.exit(1)
