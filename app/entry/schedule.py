"""Periodic work: run by a schedule in the cloud, and by the local server on a laptop."""

from time import monotonic

from app import telemetry
from app.deadline import within
from app.errors import Unavailable
from app.services.bundle import Services

DELETING_SECONDS = 5.0
PACKING_SECONDS = 40.0
"""The time for one catalog; a function has 90 s for all of its periodic work."""
MOST_PACKING_SECONDS = 20.0
"""No other catalog is begun later."""


def tick(services: Services) -> dict[str, int]:
    """Refreshes overdue lists and resumes abandoned jobs; returns how many of each."""
    return {"refreshed": refresh_overdue_lists(services), "resumed": services.jobs.resume_due()}


def refresh_overdue_lists(services: Services) -> int:
    """Refreshes the lists of projects whose refresh was put off, and considers their retraining; returns how many.

    An error of one project is logged and does not stop the others.
    """
    refreshed = 0
    for pending in services.lists.overdue():
        try:
            if services.access.is_active(pending.project):
                total = services.lists.refresh_pending(pending)
                services.retraining.consider(pending.project, total)
            else:
                services.lists.discard(pending)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one project's trouble is not the others'
            telemetry.log_failure(telemetry.current(), error)
        else:
            refreshed += 1
    return refreshed


def pack_catalogs(services: Services) -> int:
    """Packs catalogs that are due; returns how many. An error of one project is logged and does not stop the others."""
    packed, began_at = 0, monotonic()
    for project in services.packer.wanted():
        if monotonic() - began_at > MOST_PACKING_SECONDS:
            break
        try:
            with within(PACKING_SECONDS):
                packed += services.packer.consider(project)
        except Exception as error:  # noqa: BLE001 - as above
            telemetry.log_failure(telemetry.current(), error)
    return packed


def continue_deletions(services: Services) -> None:
    """Works for a while on each unfinished deletion of a project, with the same treatment of errors."""
    for project in services.erasure.unfinished_deletions():
        try:
            with within(DELETING_SECONDS):
                services.erasure.delete_project(project)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            telemetry.log_failure(telemetry.current(), error)
