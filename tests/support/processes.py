"""Start processes that call a function of ours: they are forked from one that has loaded what they need.

Only one thread of a test may start and join them: `start` also polls the others, and the second reader of an exit code
gets 255.
"""

from multiprocessing import get_context

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["pytest", "app.recommender.fit.learn", "app.entry.local.server", "tests.support.warm"]
)
