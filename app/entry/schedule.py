"""What is done from time to time: by a schedule in the cloud, by the follower of the stream on a laptop."""

from app.services.bundle import Services


def tick(services: Services) -> dict[str, int]:
    """Make lists that were put off, and have jobs gone on with whose worker was killed; returns how many of each."""
    return {"refreshed": services.lists.refresh_due(), "resumed": services.jobs.resume_due()}
