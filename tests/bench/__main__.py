"""Runs all benchmarks or those named as arguments; see BENCHMARKS."""

import sys

from tests.bench import (
    accuracy,
    bought,
    cold_items,
    coldstart,
    costs,
    first_rule,
    fresh_pairs,
    freshness,
    front_door,
    gorse,
    growth,
    idle,
    latency,
    loading,
    next_item,
    open_moments,
    overload,
    peers,
    recent_pairs,
    row_formats,
    sockets,
    solvers,
    staleness,
)

BENCHMARKS = {
    "accuracy": accuracy.run,
    "next": next_item.run,
    "open": open_moments.run,
    "peers": peers.run,
    "bought": bought.run,
    "rows": row_formats.run,
    "solvers": solvers.run,
    "new-items": cold_items.run,
    "staleness": staleness.run,
    "fresh-pairs": fresh_pairs.run,
    "recent-pairs": recent_pairs.run,
    "coldstart": coldstart.run,
    "costs": costs.run,
    "latency": latency.run,
    "gorse": gorse.run,
    "growth": growth.run,
    "first-rule": first_rule.run,
    "front-door": front_door.run,
    "overload": overload.run,
    "import": loading.run,
    "idle": idle.run,
    "sockets": sockets.run,
    "freshness": freshness.run,
}

for name in sys.argv[1:] or BENCHMARKS:
    BENCHMARKS[name]()
