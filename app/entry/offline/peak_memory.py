"""The memory that this process has used."""

import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def megabytes() -> int:
    """Returns the largest resident memory so far; on Linux, `ru_maxrss` would begin with that of the parent process."""
    if not STATUS.exists():
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    lines = dict(line.split(":", 1) for line in STATUS.read_text(encoding="utf-8").splitlines())
    return round(int(lines["VmHWM"].split()[0]) / 1024)
