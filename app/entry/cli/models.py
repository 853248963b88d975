"""`serendip models`: versions, seen and steered from the machine that reaches the database."""

from typing import Annotated

import typer
from rich.table import Table

from app.entry.cli.terminal import console, services

models = typer.Typer(help="Model versions.", no_args_is_help=True)


@models.command("list")
def models_list() -> None:
    """All versions, newest first."""
    with services() as wired:
        project = wired.services.settings.project
        page, active = wired.services.train.list_page(project, None, 100), wired.services.traffic.active(project)
    table = Table("Version", "State", "NDCG@20", "Items", "Seconds", "")
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
    force: Annotated[bool, typer.Option("--force", help="Also if it is clearly worse than the active one.")] = False,
) -> None:
    """Serve this version from now on; an older one is a roll-back."""
    with services() as wired:
        active = wired.services.traffic.activate(wired.services.settings.project, version, force=force)
    console.print(f"Active: {active.version} (before: {active.previous or 'none'})")


@models.command("cancel")
def models_cancel(version: str) -> None:
    """Stop a running training."""
    with services() as wired:
        wired.services.train.cancel(wired.services.settings.project, version)
    console.print(f"{version} stops at its next report.")


@models.command("collect")
def models_collect() -> None:
    """Remove what killed, failed and outdated trainings left behind."""
    with services() as wired:
        cleaned = wired.services.train.collect(wired.services.settings.project)
    console.print(f"Cleaned {cleaned} version(s).")
