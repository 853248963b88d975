"""Filling a database and training on it, with progress on the terminal."""

import random
from datetime import datetime
from pathlib import Path

import orjson

from app import clock
from app.domain.events import Event
from app.entry.cli.terminal import console, database_folder, progress_bar
from app.entry.jobs import file_formats, imports
from app.entry.jobs.file_formats import Source
from app.entry.local import sample_shop
from app.services.models.training import Engine
from app.wiring import Wired

SAMPLE_STATE = "sample.json"


def load_sample(wired: Wired) -> None:
    """Load the synthetic shop once; a load that was killed is finished with the same events."""
    state = database_folder(None) / SAMPLE_STATE
    project = wired.services.settings.project
    if state.exists():
        known = orjson.loads(state.read_bytes())
        if known["complete"]:
            return
        at = datetime.fromisoformat(known["moment"])
    elif wired.services.catalog.list_items(project, None, None, 1).records:
        return
    else:
        at = clock.now()
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_bytes(orjson.dumps({"moment": at.isoformat(), "complete": False}))
    console.print("The database is empty: loading a synthetic sample shop (made up, seeded).")
    generator = random.Random(sample_shop.SEED)  # noqa: S311 - made-up data
    shop = sample_shop.items(generator)
    people = sample_shop.users(generator)
    happened = list(sample_shop.events(generator, shop, people, at))
    for start in range(0, len(shop), 100):
        wired.services.catalog.put_items(project, shop[start : start + 100])
    for start in range(0, len(people), 100):
        wired.services.catalog.put_users(project, people[start : start + 100])
    with progress_bar() as bar:
        task = bar.add_task("Events", total=len(happened), note="")
        for start in range(0, len(happened), 500):
            chunk: list[Event] = happened[start : start + 500]
            wired.services.events.accept(project, chunk)
            bar.advance(task, len(chunk))
    state.write_bytes(orjson.dumps({"moment": at.isoformat(), "complete": True}))
    console.print(f"Loaded {len(shop)} items, {len(people)} users, {len(happened):,} events.")


def load_files(wired: Wired, path: Path, kind: str | None, mapping: dict[str, str]) -> None:
    for source in file_formats.sources(path, kind, mapping):
        rejects = Path(f"{source.path.name}.rejects.jsonl")
        with progress_bar() as bar:
            task = bar.add_task(f"{source.path.name} ({source.kind})", total=source.size, note="")
            started = clock.now()

            def show(_: Source, position: int, loaded: int, rejected: int) -> None:
                rate = loaded / max((clock.now() - started).total_seconds(), 1e-3)  # noqa: B023 - called within the loop
                note = f"{loaded:,} rows, {rate:,.0f}/s" + (f", {rejected:,} bad" if rejected else "")
                bar.update(task, completed=position, note=note)  # noqa: B023 - called within the loop

            outcome = imports.run(wired.services, wired.services.settings.project, source, rejects, show)
        console.print(f"{source.path.name}: {outcome.loaded:,} {source.kind} loaded, {outcome.rejected:,} rejected.")
        if outcome.rejects:
            console.print(f"  The bad rows and why: {outcome.rejects}")


def train_now(wired: Wired, *, force: bool, engine: Engine | None = None) -> None:
    training = wired.services.train
    project = wired.services.settings.project
    version = training.queue(project)
    with progress_bar() as bar:
        task = bar.add_task("Training", total=1.0, note="")

        def show(phase: str, progress: float) -> None:
            bar.update(task, completed=progress, description=f"Training: {phase}")

        trained = training.run(project, version, force=force, report=show, engine=engine)
    console.print(
        f"Trained {trained.version}: NDCG@20 {trained.metrics['ndcg']:.4f} on held-out events "
        f"(popularity {trained.metrics['popularity_ndcg']:.4f}), "
        f"{trained.counts['items']} items, {trained.seconds:.1f} s"
    )
    if trained.detail:
        console.print(trained.detail)
