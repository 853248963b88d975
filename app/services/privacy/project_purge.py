"""Removal of everything that a project stored: rows of all tables, and files of jobs."""

from collections.abc import Callable, Sequence
from typing import Any

from app.domain.access import Project
from app.storage.admin.purge import Purge
from app.storage.database import Database
from app.storage.objects import FileStore, project_folder


class ProjectPurge:
    def __init__(self, database: Database, files: FileStore | None, counter_levels: Sequence[int]) -> None:
        """`counter_levels` are the levels of rollups."""
        self._database, self._files, self._levels = database, files, counter_levels

    def run(
        self,
        project: Project,
        removed: dict[str, int],
        out_of_time: Callable[[], bool],
        *,
        is_last: bool,
    ) -> dict[str, Any] | None:
        """Removes a project's rows and files, from where the last call stopped, until the time is up.

        Args:
            project: the project, whose `resume_at` has the place.
            removed: the numbers of removed rows by table, and of files; updated in place.
            out_of_time: whether to stop, asked after each page of rows.
            is_last: whether nothing is written any more, so that nothing is left after this pass.

        Returns:
            The checkpoint of the next call, or None at the end of the pass.
        """
        purge = Purge(self._database, project.project_id, self._levels, is_indexed=project.is_indexed, is_last=is_last)
        checkpoint = purge.run(project.resume_at.purge if project.resume_at else None, removed, out_of_time)
        if checkpoint is None and self._files is not None:
            files = self._files.delete_all(project_folder(project.project_id))
            if files:
                removed["files"] = removed.get("files", 0) + files
        return checkpoint
