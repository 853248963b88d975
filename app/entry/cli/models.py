"""`serendip models`: list, activate and cancel model versions."""

from typing import Annotated, Any

import typer

from app.domain.paging import every
from app.entry.cli.terminal import AsJson, connect_project, console, print_json, print_rows

PAGE = 100

models = typer.Typer(help="Model versions.", no_args_is_help=True)


@models.command("list")
def models_list(as_json: AsJson = False) -> None:
    """List all versions, newest first."""
    with connect_project() as (services, project):
        versions = list(every(lambda start: services.train.list_page(project, start, PAGE)))
        active = services.rollout.active(project)
    rows: list[dict[str, Any]] = [
        {
            "version": version.version,
            "state": version.state,
            "active": active is not None and active.version == version.version,
            "ndcg": version.metrics.get("ndcg"),
            "items": version.counts.get("items"),
            "seconds": version.seconds,
            "detail": version.detail,
        }
        for version in versions
    ]
    if as_json:
        print_json(rows)
        return
    table = [
        (
            row["version"],
            row["state"],
            "" if row["ndcg"] is None else f"{row['ndcg']:.4f}",
            str(row["items"] or ""),
            str(row["seconds"] or ""),
            "active" if row["active"] else row["detail"] or "",
        )
        for row in rows
    ]
    print_rows(("Version", "State", "NDCG@20", "Items", "Seconds", "Detail"), table, "There are no versions.")


@models.command("activate")
def models_activate(
    version: str,
    force: Annotated[bool, typer.Option("--force", help="Even if it is clearly worse than the active one.")] = False,
) -> None:
    """Activate a version. Activate an older one to roll back."""
    with connect_project() as (services, project):
        active = services.rollout.activate(project, version, force=force)
    console.print(f"Active: {active.version} (previously {active.previous or 'none'})")


@models.command("cancel")
def models_cancel(version: str) -> None:
    """Stop a running training."""
    with connect_project() as (services, project):
        services.train.cancel(project, version)
    console.print(f"{version} is cancelled; its worker stops within a minute.")


@models.command("collect")
def models_collect() -> None:
    """Delete what killed, failed and outdated trainings left behind."""
    with connect_project() as (services, project):
        cleaned = services.train.collect(project)
    console.print(f"Cleaned up {cleaned} version(s).")
