"""Run all benchmarks, or the ones named: accuracy, coldstart, latency, import."""

import sys

from tests.bench import accuracy, coldstart, latency, loading

BENCHMARKS = {"accuracy": accuracy.run, "coldstart": coldstart.run, "latency": latency.run, "import": loading.run}

for name in sys.argv[1:] or BENCHMARKS:
    BENCHMARKS[name]()
