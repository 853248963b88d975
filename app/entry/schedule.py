"""Periodic work: run by a schedule in the cloud, and by the stream follower on a laptop."""

from app.services.bundle import Services


def tick(services: Services) -> dict[str, int]:
    """Refresh overdue lists and resume abandoned jobs; returns how many of each."""
    return {"refreshed": services.lists.refresh_due(), "resumed": services.jobs.resume_due()}
