from app.services.jobs.files import PREVIEW, READ_FILES, UPLOAD, file_name, upload_name
from app.services.jobs.jobs import LEASE, MAX_ATTEMPTS, STARTING, Jobs
from app.services.jobs.undo import check_undo

__all__ = [
    "LEASE",
    "MAX_ATTEMPTS",
    "PREVIEW",
    "READ_FILES",
    "STARTING",
    "UPLOAD",
    "Jobs",
    "check_undo",
    "file_name",
    "upload_name",
]
