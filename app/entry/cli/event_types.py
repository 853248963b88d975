"""`serendip event-types`: list the types of events, and set how much they weigh."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.entry.cli.terminal import AsJson, connect_project, console, print_json, print_rows

if TYPE_CHECKING:
    from app.domain.event_types import EventType

MOST = 10
WEIGHTS = ("learning", "serving", "lists")
Meaning = Literal["purchase", "return"]

event_types = typer.Typer(help="Event types and their weights.", no_args_is_help=True)


@event_types.command("list")
def event_types_list(as_json: AsJson = False) -> None:
    """List the types that came lately or have weights of their own, with counts and what their names mean."""
    with connect_project() as (services, project):
        rows = [_row(event_type) for event_type in services.event_types.all(project)]
    if as_json:
        print_json(rows)
        return
    table = [
        (
            row["event_type"],
            row["kind"] or "unknown",
            str(row["count"]),
            *(f"{row['weights'][name]:g}" for name in WEIGHTS),
            "default" if row["is_default"] else "own",
        )
        for row in rows
    ]
    heads = ("Event type", "Meaning", "Events", "Learning", "Serving", "Lists", "Weights")
    print_rows(heads, table, "No events came lately, and no type has weights of its own.")


@event_types.command("set")
def event_types_set(
    event_type: str,
    learning: Annotated[float | None, typer.Option(min=0, max=MOST, help="The weight in training.")] = None,
    serving: Annotated[
        float | None, typer.Option(min=-MOST, max=MOST, help="The weight in a user's history; negative ones exclude.")
    ] = None,
    lists: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="The weight in popular and trending lists.")
    ] = None,
    means: Annotated[
        Meaning | None, typer.Option(help="What events of the type are, if the name does not say so.")
    ] = None,
) -> None:
    """Set the weights of a type in all its spellings; those that are left out are the defaults of its meaning."""
    weights = {"learning": learning, "serving": serving, "lists": lists}
    with connect_project() as (services, project):
        changes = {name: weight for name, weight in weights.items() if weight is not None}
        stored = services.event_types.put(project, event_type, changes, means).weights
    console.print(f"{event_type}: learning {stored.learning:g}, serving {stored.serving:g}, lists {stored.lists:g}")


@event_types.command("reset")
def event_types_reset(event_type: str) -> None:
    """Give a type its default weights again."""
    with connect_project() as (services, project):
        services.event_types.delete(project, event_type)
    console.print(f"{event_type} has its default weights.")


def _row(event_type: "EventType") -> dict[str, Any]:
    return {
        "event_type": event_type.name,
        "kind": event_type.kind,
        "count": event_type.count,
        "weights": {name: getattr(event_type.weights, name) for name in WEIGHTS},
        "is_default": not event_type.is_own,
    }
