"""When an import can be taken back."""

from contextlib import suppress

from app.errors import Conflict, NotFound
from app.services.jobs.jobs import Jobs


def check_undo(jobs: Jobs, project: str, import_id: str) -> None:
    """Raises Conflict if the import is a job that has not ended."""
    with suppress(NotFound):  # imports of the command line are no jobs, and jobs are kept for 30 days
        if jobs.get(project, import_id).state.is_open:
            raise Conflict("This import has not ended. Wait for it, or cancel its job, and take it back then.")
