"""Runs the trial and prints its table; exits with 1 if something did not hold."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.trial.attacks import bodies, clocks, crowds, databases, issuers, keys, kills, rules, streams
from tests.trial.health import watched
from tests.trial.record import Record
from tests.trial.stage import Stage

Attack = Callable[[Stage, Record], None]
ATTACKS: Sequence[Attack] = (
    rules.bombs,
    bodies.documents,
    bodies.large_answers,
    bodies.slow_senders,
    issuers.hanging,
    issuers.dripping,
    issuers.failing,
    databases.hung,
    databases.slow,
    databases.dripping,
    databases.dead,
    databases.cut,
    databases.full_disk,
    crowds.overload,
    crowds.one_credential,
    crowds.idle_connections,
    keys.made_up,
    streams.shuffled,
    clocks.jumps,
    kills.under_load,
)
SHORT: Sequence[Attack] = (
    rules.bombs,
    bodies.documents,
    databases.cut,
    keys.made_up,
    kills.under_load,
)
KILLS, SHORT_KILLS = 100, 3
IDLE_SECONDS = 4.0
MOST_HEALTH_ADDED_SECONDS = 0.05
"""By how much the p99 of health checks may be longer under attack than at rest."""


def name(attack: Attack) -> str:
    return f"{attack.__module__.rpartition('.')[2]}.{attack.__name__}"


def run(attacks: Sequence[Attack], *, is_short: bool, kills: int) -> dict[Attack, Record]:
    """Runs attacks one after the other on one stage.

    Health checks are not judged in a short run, which other tests share the machine with.
    """
    records: dict[Attack, Record] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Stage(Path(folder), is_short=is_short, kills=kills).running() as stage,
    ):
        idle = 0.0 if is_short else _idle(stage)
        for attack in attacks:
            records[attack] = record = Record()
            start = time.monotonic()
            try:
                attack(stage, record)
            except Exception as error:  # noqa: BLE001 - the other attacks are tried too
                record.fault(f"the trial broke off: {type(error).__name__}: {error}"[:300])
            print(_row(attack, record, idle, time.monotonic() - start), flush=True)
        if not is_short:
            idle = max(idle, _idle(stage))
            for record in records.values():
                _judge_health(record, idle)
            print(f"Health of an idle server: p99 {idle * 1_000:.1f} ms")
    return records


def _idle(stage: Stage) -> float:
    stage.serve()
    with watched(stage.port) as pulse:
        time.sleep(IDLE_SECONDS)
    return pulse.p99


def _judge_health(record: Record, idle: float) -> None:
    if record.health_p99 is not None and not record.health_p99 - idle <= MOST_HEALTH_ADDED_SECONDS:
        record.fault(f"health checks take {(record.health_p99 - idle) * 1_000:.0f} ms longer (p99)")


def _row(attack: Attack, record: Record, idle: float, seconds: float) -> str:
    added = "-" if record.health_p99 is None else f"{(record.health_p99 - idle) * 1_000:+.0f}"
    numbers = (record.tried, record.lost, record.doubled, record.late, record.large, record.slowest, added, seconds)
    row = "{:<24}{:>8,}{:>6}{:>8}{:>6}{:>6}{:>8.2f}{:>9}{:>7.0f}".format(name(attack), *numbers)
    statuses = " ".join(f"{status or 'none'}x{count}" for status, count in sorted(record.statuses.items()))
    lines = [row + ("  held" if record.held else "  DID NOT HOLD"), f"    {attack.__doc__}", f"    {statuses}"]
    lines += [f"    {note}" for note in record.notes]
    lines += [f"    ! {count} x {fault}" for fault, count in record.faults.most_common(5)]
    return "\n".join(lines)


HEAD = "{:<24}{:>8}{:>6}{:>8}{:>6}{:>6}{:>8}{:>9}{:>7}".format(
    "attack", "tried", "lost", "doubled", "late", ">5 MB", "max s", "health ms", "s"
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.trial", description=__doc__)
    parser.add_argument("attacks", nargs="*", help="names or modules; default: all", metavar="ATTACK")
    parser.add_argument("--short", action="store_true", help="a few seconds of the quick ones")
    parser.add_argument("--kills", type=int, help=f"kills of the server; default: {KILLS}")
    options = parser.parse_args(arguments)
    attacks = SHORT if options.short else ATTACKS
    if options.attacks:
        attacks = [each for each in ATTACKS if {name(each), name(each).partition(".")[0]} & set(options.attacks)]
    print(HEAD, flush=True)
    records = run(attacks, is_short=options.short, kills=options.kills or (SHORT_KILLS if options.short else KILLS))
    broken = [name(attack) for attack, record in records.items() if not record.held]
    print(f"{len(records) - len(broken)} of {len(records)} held." + (f" Not: {', '.join(broken)}." if broken else ""))
    return 1 if broken or not records else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
