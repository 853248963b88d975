"""All of MovieTweetings through the command line: two imports and a training; then recommendations around an event."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from app.config import Settings
from app.entry.local import dynamodb
from app.wiring import Wired
from tests.bench import import_costs
from tests.support import datasets
from tests.support.builders import SECRET, a_project, client_of, wired_on


def run() -> None:
    import_costs.run()
    print("\nImport and training: MovieTweetings 100K with 10,506 films, DynamoDB Local in memory")
    if not datasets.MOVIETWEETINGS.exists():
        print(f"  skipped, there is no {datasets.MOVIETWEETINGS} (set SERENDIP_DATA)")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        emulator = dynamodb.start(datasets.ROOT / ".serendip", None)
        try:
            settings = Settings(secret=SECRET, endpoint=emulator.endpoint, read_timeout_seconds=20)
            wired = wired_on(settings)
            key = a_project(wired, settings.project)
            counts = []
            for round_name in ("first", "again"):
                seconds, memory = _command(emulator.endpoint, folder, "import", str(datasets.MOVIETWEETINGS))
                events = sum(1 for _ in wired.services.events.all(settings.project))
                counts.append(events)
                print(
                    f"  import, {round_name}: {events:,} events stored, {events / seconds:,.0f} events/s with 10,506 "
                    f"items, {seconds:.0f} s, {memory:.0f} MB"
                )
            print(f"  a second import changed the count by {counts[1] - counts[0]}")
            seconds, memory = _command(emulator.endpoint, folder, "train")
            print(f"  training: {seconds:.0f} s, peak memory {memory:.0f} MB")
            _journey(wired, key)
            wired.close()
        finally:
            emulator.stop()


def _journey(wired: Wired, key: str) -> None:
    """Prints ten films for user 1, and whether the list changes and names a rating as its reason."""
    with client_of(wired, key) as client:
        url = "/v1/users/1/recommendations?limit=10"
        before = client.get(url).json()["items"]
        for film in before:
            reason = film["reasons"][0]
            print(f"    {film['title']} ({film['source']}; {reason['share']:.0%} because of {reason['title']})")
        liked = before[0]["item_id"]
        client.post(
            "/v1/events", json={"events": [{"user_id": "1", "item_id": liked, "event_type": "rating", "value": 9}]}
        )
        after = client.get(url).json()["items"]
    changed = [film["item_id"] for film in after] != [film["item_id"] for film in before]
    named = sum(any(reason["item_id"] == liked for reason in film["reasons"]) for film in after)
    print(f"  after rating {before[0]['title']}: list changed: {changed}; {named} of 10 films name it as a reason")


def _command(endpoint: str, folder: Path, *arguments: str) -> tuple[float, float]:
    """Seconds and peak resident memory in MB of a command."""
    environment = {
        **os.environ,
        "SERENDIP_ENDPOINT": endpoint,
        "SERENDIP_SECRET": SECRET.get_secret_value(),
        "PYTHONPATH": str(datasets.ROOT),
    }
    started, peak = time.monotonic(), 0.0
    command = [sys.executable, "-m", "app.entry.cli.main", *arguments]
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, watched.memory_info().rss / 2**20)
        time.sleep(0.2)
    if process.returncode:
        said = process.stderr.read() if process.stderr else b""
        raise RuntimeError(f"serendip {' '.join(arguments)} failed: {said[-1_000:].decode()}")
    return time.monotonic() - started, peak
