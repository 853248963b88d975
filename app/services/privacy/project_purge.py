"""Removal of everything that a project stored: rows of all tables, and files of jobs."""

from collections.abc import Callable, Mapping
from typing import Any

from app.storage.admin import schema
from app.storage.database import Database
from app.storage.objects import FileStore, project_folder


class ProjectPurge:
    def __init__(self, database: Database, files: FileStore | None) -> None:
        self._database, self._files = database, files

    def run(
        self,
        project: str,
        checkpoint: Mapping[str, Any] | None,
        removed: dict[str, int],
        out_of_time: Callable[[], bool],
    ) -> dict[str, Any] | None:
        """Removes a project's rows and files until the time is up.

        Args:
            project: the project.
            checkpoint: what an earlier call returned; None starts from the beginning.
            removed: the numbers of removed rows by table, and of files; updated in place.
            out_of_time: whether to stop, asked after each page of rows.

        Returns:
            The checkpoint of the next call, or None when nothing is left.
        """
        checkpoint = schema.purge(self._database, project, checkpoint, removed, out_of_time)
        if checkpoint is None and self._files is not None:
            files = self._files.delete_all(project_folder(project))
            if files:
                removed["files"] = removed.get("files", 0) + files
        return checkpoint
