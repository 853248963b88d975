"""Store the files of jobs: in a bucket, or in a folder on a laptop.

A name is project/job/file. A URL needs no other credentials; it is for one file and expires.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from time import time
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.domain.jobs import StoredFile
from app.domain.paging import Page
from app.errors import InvalidToken, Unavailable
from app.storage.aws import client

GET, PUT = "GET", "PUT"
LOCAL_PATH = "/files/"
MISSING = {"404", "NoSuchKey", "NotFound"}
DELETED_AT_ONCE = 1_000
DAY_SECONDS = 86_400


def project_folder(project: str) -> str:
    """Returns the folder of a project's files; the prefix keeps a project named `..` inside."""
    return f"of-{project}/"


class FileStore(Protocol):
    """Every method may raise Unavailable."""

    def size(self, name: str) -> int | None:
        """The file's size in bytes; None if it does not exist."""

    def read(self, name: str, start: int, size: int) -> bytes:
        """Reads up to `size` bytes from a position inside the file."""

    def write(self, name: str, content: bytes) -> None:
        """Writes a whole file or nothing, replacing an existing file."""

    def list_page(self, prefix: str, start: str | None, limit: int) -> Page[StoredFile]:
        """Returns a page of files by name."""

    def delete_all(self, prefix: str) -> int:
        """Deletes all files with this prefix; returns their number."""

    def url(self, method: str, name: str, seconds: int) -> str:
        """Returns a URL that allows GET or PUT for a limited time; on a laptop, only its path."""


class S3FileStore:
    def __init__(self, bucket: str, region: str) -> None:
        self._bucket, self._region = bucket, region

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - botocore creates its classes at run time
        """Created on first use: most instances never need it."""
        virtual = {"addressing_style": "virtual"}
        return client("s3", self._region, read_timeout_seconds=10, signature_version="s3v4", s3=virtual)

    def size(self, name: str) -> int | None:
        with _translated():
            try:
                return int(self._client.head_object(Bucket=self._bucket, Key=name)["ContentLength"])
            except ClientError as error:
                if error.response["Error"]["Code"] in MISSING:
                    return None
                raise

    def read(self, name: str, start: int, size: int) -> bytes:
        with _translated():
            byte_range = f"bytes={start}-{start + size - 1}"
            return bytes(self._client.get_object(Bucket=self._bucket, Key=name, Range=byte_range)["Body"].read())

    def write(self, name: str, content: bytes) -> None:
        with _translated():
            self._client.put_object(Bucket=self._bucket, Key=name, Body=content)

    def list_page(self, prefix: str, start: str | None, limit: int) -> Page[StoredFile]:
        after = {"StartAfter": start} if start else {}
        with _translated():
            listing = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=limit, **after)
        files = tuple(StoredFile(entry["Key"], entry["Size"]) for entry in listing.get("Contents", ()))
        return Page(files, files[-1].name if listing["IsTruncated"] else None)

    def delete_all(self, prefix: str) -> int:
        deleted = 0
        while files := self.list_page(prefix, None, DELETED_AT_ONCE).records:
            keys = [{"Key": file.name} for file in files]
            with _translated():
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
            deleted += len(files)
        return deleted

    def url(self, method: str, name: str, seconds: int) -> str:
        parameters = {"Bucket": self._bucket, "Key": name}
        with _translated():
            return str(self._client.generate_presigned_url(f"{method.lower()}_object", parameters, seconds))


class FolderFileStore:
    """The laptop's twin; the URLs that it gives are served by `entry.local_files`."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._folder, self._signer = folder, URLSafeTimedSerializer(secret, salt="file")

    def path(self, name: str) -> Path:
        return self._folder / name

    def size(self, name: str) -> int | None:
        path = self.path(name)
        return path.stat().st_size if path.is_file() else None

    def read(self, name: str, start: int, size: int) -> bytes:
        with self.path(name).open("rb") as file:
            file.seek(start)
            return file.read(size)

    def write(self, name: str, content: bytes) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name("." + path.name)
        unfinished.write_bytes(content)
        unfinished.replace(path)

    def list_page(self, prefix: str, start: str | None, limit: int) -> Page[StoredFile]:
        names = sorted(name for name in self._names(prefix) if name > (start or ""))
        files = tuple(StoredFile(name, self.path(name).stat().st_size) for name in names[:limit])
        return Page(files, names[limit - 1] if len(names) > limit else None)

    def delete_all(self, prefix: str) -> int:
        names = list(self._names(prefix))
        for name in names:
            self.path(name).unlink()
        return len(names)

    def expire(self, days: int) -> None:
        """Deletes files that are older than this; a bucket does that by itself."""
        oldest = time() - days * DAY_SECONDS
        for path in self._folder.rglob("*"):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()

    def url(self, method: str, name: str, seconds: int) -> str:
        return LOCAL_PATH + str(self._signer.dumps([method, name, seconds]))

    def named(self, token: str, method: str) -> str:
        """Returns the name of the file that a URL is for.

        Raises:
            InvalidToken: the URL is for another method, is not valid, or has expired.
        """
        try:
            allowed, name, seconds = self._signer.loads(token)
            self._signer.loads(token, max_age=seconds)
        except BadSignature as error:
            raise InvalidToken("This URL is not valid or has expired. Request the job again for a new one.") from error
        if method != allowed:
            raise InvalidToken(f"This URL is for {allowed}.")
        return str(name)

    def _names(self, prefix: str) -> Iterator[str]:
        folder = self.path(prefix)
        paths = folder.rglob("[!.]*") if folder.is_dir() else ()
        return (path.relative_to(self._folder).as_posix() for path in paths if path.is_file())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise Unavailable("The files of jobs cannot be reached. Try again later.") from error
