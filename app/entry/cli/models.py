"""`serendip models`: list, activate and cancel model versions."""

from typing import Annotated

import typer
from rich.table import Table

from app.entry.cli.terminal import connect, console

models = typer.Typer(help="Model versions.", no_args_is_help=True)


@models.command("list")
def models_list() -> None:
    """List all versions, newest first."""
    with connect() as (services, project):
        page, active = services.train.list_page(project, None, 100), services.rollout.active(project)
    table = Table("Version", "State", "NDCG@20", "Items", "Seconds", "Detail")
    for version in page.records:
        mark = "active" if active and active.version == version.version else version.detail or ""
        quality = f"{version.metrics['ndcg']:.4f}" if "ndcg" in version.metrics else ""
        table.add_row(
            version.version,
            version.state,
            quality,
            str(version.counts.get("items", "")),
            str(version.seconds or ""),
            mark,
        )
    console.print(table)


@models.command("activate")
def models_activate(
    version: str,
    force: Annotated[bool, typer.Option("--force", help="Even if it is clearly worse than the active one.")] = False,
) -> None:
    """Activate a version. Activate an older one to roll back."""
    with connect() as (services, project):
        active = services.rollout.activate(project, version, force=force)
    console.print(f"Active: {active.version} (previously {active.previous or 'none'})")


@models.command("cancel")
def models_cancel(version: str) -> None:
    """Stop a running training."""
    with connect() as (services, project):
        services.train.cancel(project, version)
    console.print(f"{version} is cancelled; its worker stops within a minute.")


@models.command("collect")
def models_collect() -> None:
    """Delete what killed, failed and outdated trainings left behind."""
    with connect() as (services, project):
        cleaned = services.train.collect(project)
    console.print(f"Cleaned up {cleaned} version(s).")
