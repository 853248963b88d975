"""`serendip projects` and `serendip keys`: these commands need no API key, because they reach the database directly."""

import time
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from app.deadline import within
from app.domain.access import ADMINISTRATION, ApiKey, Limits, ProjectState, Scope
from app.domain.paging import every
from app.entry.cli.terminal import connect, console

projects = typer.Typer(help="Isolated projects.", no_args_is_help=True)
keys = typer.Typer(help="API keys.", no_args_is_help=True)

SLICE_SECONDS = 20.0
PAUSE_SECONDS = 5.0
Project = Annotated[str | None, typer.Option(help="The project of the key. Default: SERENDIP_PROJECT.")]
Administration = Annotated[
    bool, typer.Option("--administration", help="An administration key (creates and deletes projects).")
]


@projects.command("create")
def projects_create(project_id: str, name: Annotated[str | None, typer.Option(help="Name to display.")] = None) -> None:
    """Create a project and print its first admin key, once."""
    with connect() as (services, _):
        _, key, text = services.projects.create_with_key(project_id, name, Limits())
    _print_new(key, text)


@projects.command("list")
def projects_list() -> None:
    """List all projects."""
    table = Table("Project", "Name", "State", "Created")
    with connect() as (services, _):
        for project in every(lambda start: services.projects.list_page(start, 100)):
            table.add_row(project.project_id, project.name or "", project.state, f"{project.created_at:%Y-%m-%d}")
    console.print(table)


@projects.command("delete")
def projects_delete(
    project_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete a project and everything in it. Can be interrupted and run again."""
    if not yes:
        typer.confirm(f"Delete all items, users, events, models and keys of {project_id}?", abort=True)
    with connect() as (services, _):
        while True:
            with within(SLICE_SECONDS):
                project = services.erasure.delete_project(project_id)
            removed = project.deletion.removed if project.deletion else {}
            console.print(", ".join(f"{number:,} {kind}" for kind, number in removed.items() if number) or "nothing")
            if project.state is ProjectState.DELETED:
                break
            if project.resume_at is None:
                console.print("Waiting until no instance accepts the project's keys any more.")
                time.sleep(PAUSE_SECONDS)
    console.print(f"{project_id} is deleted; receipt {project.deletion.receipt_id if project.deletion else ''}.")


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[list[Scope], typer.Option(help="What the key may do; may be repeated.")],
    project: Project = None,
    administration: Administration = False,
) -> None:
    """Create a key and print it, once.

    The first administration key: `keys create NAME --scope admin --administration`.
    """
    with connect() as (services, default):
        owner = ADMINISTRATION if administration else project or default
        key, text = services.keys.create(owner, name, frozenset(scope))
    _print_new(key, text)


@keys.command("list")
def keys_list(project: Project = None, administration: Administration = False) -> None:
    """List the keys of a project."""
    table = Table("Key", "Name", "Scopes", "Created", "Last used", "Expires")
    with connect() as (services, default):
        owner = ADMINISTRATION if administration else project or default
        for key in services.keys.list_all(owner):
            ends = key.revoked_at or key.expires_at
            table.add_row(
                key.key_id,
                key.name,
                ", ".join(sorted(key.scopes)),
                f"{key.created_at:%Y-%m-%d}",
                str(key.last_used or ""),
                f"{ends:%Y-%m-%d %H:%M}" if ends else "",
            )
    console.print(table)


@keys.command("rotate")
def keys_rotate(
    key_id: str,
    overlap_hours: Annotated[float, typer.Option(min=0, max=720, help="How long the old key still works.")] = 24.0,
    project: Project = None,
    administration: Administration = False,
) -> None:
    """Create a key with the same scopes and print it, once. The old key expires after the overlap."""
    with connect() as (services, default):
        owner = ADMINISTRATION if administration else project or default
        key, text = services.keys.rotate(owner, key_id, timedelta(hours=overlap_hours))
    _print_new(key, text)


@keys.command("revoke")
def keys_revoke(key_id: str, project: Project = None, administration: Administration = False) -> None:
    """Revoke a key; it stops working everywhere within a minute."""
    with connect() as (services, default):
        owner = ADMINISTRATION if administration else project or default
        services.keys.revoke(owner, key_id)
    console.print(f"{key_id} is revoked.")


def _print_new(key: ApiKey, text: str) -> None:
    console.print(f"{key.project}, {key.name!r} ({', '.join(sorted(key.scopes))}). Shown once:", highlight=False)
    console.print(text, highlight=False, soft_wrap=True)
