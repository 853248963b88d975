"""`serendip projects` and `serendip keys`: these commands need no API key, because they reach the database directly."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.deadline import within
from app.domain.access import ADMINISTRATION, ApiKey, Limits, ProjectState, Scope
from app.domain.paging import every
from app.entry.cli.mistakes import valid_id, valid_origin
from app.entry.cli.terminal import AsJson, connect, console, existing_project, print_json, print_rows
from app.entry.errors import SetupError
from app.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from app.services.bundle import Services

projects = typer.Typer(help="Isolated projects.", no_args_is_help=True)
keys = typer.Typer(help="API keys.", no_args_is_help=True)

SLICE_SECONDS = 20.0
PAUSE_SECONDS = 2.0
Project = Annotated[str | None, typer.Option(help="The project of the key. Default: SERENDIP_PROJECT.")]
Administration = Annotated[
    bool, typer.Option("--administration", help="An administration key (creates and deletes projects).")
]


@contextmanager
def _connect_owner(project: str | None, *, administration: bool) -> Iterator[tuple["Services", str]]:
    """Yields the services, and the project of keys or the administration."""
    with connect() as (services, default):
        yield services, ADMINISTRATION if administration else existing_project(services, project or default)


@projects.command("create")
def projects_create(project_id: str, name: Annotated[str | None, typer.Option(help="Name to display.")] = None) -> None:
    """Create a project and print its first admin key, once."""
    valid_id(project_id)
    with connect() as (services, _):
        _, key, text = services.projects.create_with_key(project_id, name, Limits())
    _print_new(key, text)


@projects.command("list")
def projects_list(as_json: AsJson = False) -> None:
    """List all projects."""
    with connect() as (services, _):
        listed = list(every(lambda start: services.projects.list_page(start, 100)))
    if as_json:
        names = ("project_id", "name", "state", "created_at")
        print_json([{name: getattr(project, name) for name in names} for project in listed])
        return
    rows = [
        (project.project_id, project.name or "", project.state, f"{project.created_at:%Y-%m-%d}") for project in listed
    ]
    print_rows(("Project", "Name", "State", "Created"), rows, "There are no projects.")


@projects.command("delete")
def projects_delete(
    project_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete a project and everything in it. Can be interrupted and run again; a local server resumes it by itself."""
    with connect() as (services, _):
        try:
            services.projects.get(project_id)
        except NotFound:
            raise SetupError(f"Project {project_id} does not exist. See `serendip projects list`.") from None
        if not yes:
            typer.confirm(f"Delete all items, users, events, models and keys of {project_id}?", abort=True)
        try:
            receipt = _deleted(services, project_id)
        except (KeyboardInterrupt, Unavailable):
            console.print(
                f"The deletion of {project_id} is unfinished. A running local server resumes it; otherwise run "
                "this command again."
            )
            raise
    console.print(f"{project_id} is deleted; receipt {receipt}.")


def _deleted(services: "Services", project_id: str) -> str:
    """Waits until a project is deleted, working on it and printing what was removed; returns the receipt's id."""
    printed = ""
    while True:
        with within(SLICE_SECONDS):
            project = services.erasure.delete_project(project_id)
        removed = project.deletion.removed if project.deletion else {}
        text = ", ".join(f"{number:,} {kind}" for kind, number in removed.items() if number) or "nothing yet"
        if project.resume_at and project.resume_at.purge is None:
            text += "; waiting until no instance accepts the project's keys any more"
        if text != printed:
            printed = text
            console.print(f"Removed: {text}.", highlight=False)
        if project.state is ProjectState.DELETED:
            return project.deletion.receipt_id if project.deletion else ""
        if project.resume_at and project.resume_at.leased_until:  # until the end of the wait, or of another's work
            time.sleep(PAUSE_SECONDS)


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[list[Scope], typer.Option(help="What the key may do; may be repeated.")],
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A web origin, such as https://shop.example, whose pages alone may use it; may be repeated."),
    ] = None,
    project: Project = None,
    administration: Administration = False,
) -> None:
    """Create a key and print it, once.

    The first administration key: `keys create NAME --scope admin --administration`.
    """
    origins = tuple(map(valid_origin, origin or ()))
    with _connect_owner(project, administration=administration) as (services, owner):
        key, text = services.keys.create(owner, name, frozenset(scope), origins=origins)
    _print_new(key, text)


@keys.command("list")
def keys_list(project: Project = None, administration: Administration = False, as_json: AsJson = False) -> None:
    """List the keys of a project."""
    with _connect_owner(project, administration=administration) as (services, owner):
        listed = list(services.keys.list_all(owner))
    if as_json:
        names = ("key_id", "name", "created_at", "last_used", "expires_at", "revoked_at")
        print_json([{name: getattr(key, name) for name in names} | {"scopes": sorted(key.scopes)} for key in listed])
        return
    rows = []
    for key in listed:
        ends = key.revoked_at or key.expires_at
        created, scopes = f"{key.created_at:%Y-%m-%d}", ", ".join(sorted(key.scopes))
        expires = f"{ends:%Y-%m-%d %H:%M}" if ends else ""
        rows.append((key.key_id, key.name, scopes, created, str(key.last_used or ""), expires))
    print_rows(("Key", "Name", "Scopes", "Created", "Last used", "Expires"), rows, "There are no keys.")


@keys.command("rotate")
def keys_rotate(
    key_id: str,
    overlap_hours: Annotated[float, typer.Option(min=0, max=720, help="How long the old key still works.")] = 24.0,
    project: Project = None,
    administration: Administration = False,
) -> None:
    """Create a key with the same scopes and print it, once. The old key expires after the overlap."""
    with _connect_owner(project, administration=administration) as (services, owner):
        key, text = services.keys.rotate(owner, key_id, timedelta(hours=overlap_hours))
    _print_new(key, text)


@keys.command("revoke")
def keys_revoke(key_id: str, project: Project = None, administration: Administration = False) -> None:
    """Revoke a key; it stops working everywhere within a minute."""
    with _connect_owner(project, administration=administration) as (services, owner):
        services.keys.revoke(owner, key_id)
    console.print(f"{key_id} is revoked.")


def _print_new(key: ApiKey, text: str) -> None:
    console.print(f"{key.project}, {key.name!r} ({', '.join(sorted(key.scopes))}). Shown once:", highlight=False)
    console.print(text, highlight=False, soft_wrap=True)
