"""`serendip train`: train a new model version in this process, or on Spark."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.entry.cli.mistakes import readable_path
from app.entry.cli.terminal import connect_project, console, progress_bar
from app.entry.errors import SetupError

if TYPE_CHECKING:
    from app.services.bundle import Services
    from app.services.models.training import Engine


def train(
    force: Annotated[
        bool, typer.Option("--force", help="Activate the version even if it is clearly worse than the active one.")
    ] = False,
    spark: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Train on Spark from exported events: Parquet, JSON Lines, or DynamoDB's export to S3.",
        ),
    ] = None,
    master: Annotated[
        str | None,
        typer.Option(help="Spark's master, for example `local[*]` for this machine. Default: spark-submit's."),
    ] = None,
) -> None:
    """Train a new model version on all events and activate it."""
    if master is not None and spark is None:
        raise typer.BadParameter("--master needs --spark.")
    if spark is not None and "://" not in spark:  # Spark knows whether there is such a URL
        readable_path(Path(spark))
    with connect_project() as (services, project):
        if spark is None:
            train_now(services, project, force=force)
            return
        try:
            from app.entry.offline import spark_training
        except ImportError as error:
            raise SetupError("Spark is not installed. Run `make spark`, or install the extra `spark`.") from error
        with spark_training.session(master) as session:
            engine = spark_training.engine(session, spark, services.settings)
            train_now(services, project, force=force, engine=engine)


def train_now(services: "Services", project: str, *, force: bool, engine: "Engine | None" = None) -> None:
    """Train with progress on the terminal. Raises NotEnoughData."""
    version = services.train.queue(project)
    with progress_bar() as bar:
        task = bar.add_task("Training", total=1.0, note="")

        def show(phase: str, progress: float) -> None:
            bar.update(task, completed=progress, description=f"Training: {phase}")

        trained = services.train.run(project, version, force=force, report=show, engine=engine)
    console.print(
        f"Trained {trained.version}: NDCG@20 {trained.metrics['ndcg']:.4f} on held-out events "
        f"(popularity {trained.metrics['popularity_ndcg']:.4f}), "
        f"{trained.counts['items']} items, {trained.seconds:.1f} s"
    )
    if trained.detail:
        console.print(trained.detail)
