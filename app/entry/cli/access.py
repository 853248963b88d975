"""`serendip projects` and `serendip keys`: what needs no key, because whoever runs it reaches the database itself."""

import time
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from app.deadline import within
from app.domain.access import ADMINISTRATION, ApiKey, Limits, ProjectState, Scope
from app.domain.paging import every
from app.entry.cli.terminal import console, services

projects = typer.Typer(help="Isolated projects.", no_args_is_help=True)
keys = typer.Typer(help="API keys.", no_args_is_help=True)

SLICE_SECONDS = 20.0
PAUSE_SECONDS = 5.0
Project = Annotated[str | None, typer.Option(help="The key's project; left out: SERENDIP_PROJECT.")]
Administration = Annotated[bool, typer.Option("--administration", help="A key that creates and deletes projects.")]


@projects.command("create")
def projects_create(project_id: str, name: Annotated[str | None, typer.Option()] = None) -> None:
    """Make a project and print its first admin key, once."""
    with services() as wired:
        wired.services.projects.create(project_id, name, Limits())
        key, text = wired.services.keys.create(project_id, "first", frozenset({Scope.ADMIN}))
    _print_new(key, text)


@projects.command("list")
def projects_list() -> None:
    """All projects."""
    table = Table("Project", "Name", "State", "Created")
    with services() as wired:
        for project in every(lambda start: wired.services.projects.list_page(start, 100)):
            table.add_row(project.project_id, project.name or "", project.state, f"{project.created_at:%Y-%m-%d}")
    console.print(table)


@projects.command("delete")
def projects_delete(
    project_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove everything of a project. Can be interrupted and started again."""
    if not yes:
        typer.confirm(f"Remove all items, users, events, models and keys of {project_id}?", abort=True)
    with services() as wired:
        while True:
            with within(SLICE_SECONDS):
                project = wired.services.erasure.delete_project(project_id)
            removed = project.deletion.removed if project.deletion else {}
            console.print(", ".join(f"{number:,} {kind}" for kind, number in removed.items() if number) or "nothing")
            if project.state is ProjectState.DELETED:
                break
            if project.resume_at is None:
                console.print("Waiting until no instance accepts a key of it any more.")
                time.sleep(PAUSE_SECONDS)
    console.print(f"{project_id} is deleted; receipt {project.deletion.receipt_id if project.deletion else ''}.")


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[list[Scope], typer.Option(help="May be given several times.")],
    project: Project = None,
    administration: Administration = False,
) -> None:
    """Make a key and print it, once. The first administrator: keys create NAME --scope admin --administration."""
    with services() as wired:
        owner = ADMINISTRATION if administration else project or wired.services.settings.project
        key, text = wired.services.keys.create(owner, name, frozenset(scope))
    _print_new(key, text)


@keys.command("list")
def keys_list(project: Project = None, administration: Administration = False) -> None:
    """The keys of a project."""
    table = Table("Key", "Name", "Scopes", "Created", "Last used", "Ends")
    with services() as wired:
        owner = ADMINISTRATION if administration else project or wired.services.settings.project
        for key in wired.services.keys.list_all(owner):
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
    overlap_hours: Annotated[float, typer.Option(min=0, max=720)] = 24.0,
    project: Project = None,
    administration: Administration = False,
) -> None:
    """Make a key that may do the same, and print it; the old one ends after the overlap."""
    with services() as wired:
        owner = ADMINISTRATION if administration else project or wired.services.settings.project
        key, text = wired.services.keys.rotate(owner, key_id, timedelta(hours=overlap_hours))
    _print_new(key, text)


@keys.command("revoke")
def keys_revoke(key_id: str, project: Project = None, administration: Administration = False) -> None:
    """End a key, everywhere within a minute."""
    with services() as wired:
        owner = ADMINISTRATION if administration else project or wired.services.settings.project
        wired.services.keys.revoke(owner, key_id)
    console.print(f"{key_id} is revoked.")


def _print_new(key: ApiKey, text: str) -> None:
    console.print(f"{key.project}, {key.name!r} ({', '.join(sorted(key.scopes))}). Shown once:", highlight=False)
    console.print(text, highlight=False, soft_wrap=True)
