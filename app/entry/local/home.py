"""The folder `.serendip`: databases, the signing secret, the API key, and which database was served last."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from app.entry.errors import SetupError
from app.services.access import secret_keys

HOME = Path(".serendip")
SECRET = "secret"  # noqa: S105 - a file's name
KEY = "key"
FILES = "files"
DATABASES = "databases"
SAMPLE = "sample"
CURRENT = "current"
"""Names the database that was served last; the other commands use it."""
SERVER = "server"
"""Locked by the server of this folder; says where it listens."""
SECRET_CHARACTERS = 32
WORKERS = 2
"""The number of `worker-N.lock` files: more trainings at once would only slow each other down."""
MOVE = "Move it away and try again."


def check(home: Path) -> None:
    """Raises SetupError unless the folder and what is in it can be used by a server, which may replace some of it.

    Without this, some faults would show only once the server is ready, and a foreign file would be overwritten.
    """
    for folder in (home, home / DATABASES, home / FILES):
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)):
            raise SetupError(f"{folder} is not a folder that this user can read and write. {MOVE}")
    written = (CURRENT, SERVER, *(f"worker-{number}.lock" for number in range(WORKERS)))
    for name, access, verbs in (
        *((name, os.R_OK, "read") for name in (SECRET, KEY)),
        *((name, os.R_OK | os.W_OK, "read and write") for name in written),
    ):
        path = home / name
        if path.exists() and not (path.is_file() and os.access(path, access)):
            raise SetupError(f"{path} is not a file that this user can {verbs}. {MOVE}")
    secret(home)
    for name, meaning, is_valid in (
        (KEY, "an API key", secret_keys.key_id),
        (CURRENT, "the folder of a database", lambda text: Path(text).parent == home / DATABASES),
        (SERVER, "the address of a server", lambda text: not text or text.startswith("http://127.0.0.1:")),
    ):
        path = home / name
        if path.exists() and not is_valid(read(path).strip()):
            raise SetupError(f"{path} does not hold {meaning}. {MOVE}")


def database_folder(home: Path, data: Path | None) -> Path:
    """The folder of the local database for this data; None is the sample shop."""
    name = SAMPLE if data is None else f"{data.stem}-{sha256(str(data.resolve()).encode()).hexdigest()[:8]}"
    return home / DATABASES / name


def current_folder(home: Path) -> Path:
    """The folder of the database that was served last, or of the sample. Raises SetupError if it does not exist."""
    path = home / CURRENT
    if not path.exists():
        return database_folder(home, None)
    name = read(path).strip()
    folder = Path(name)
    if folder.parent != home / DATABASES or not folder.is_dir():
        raise SetupError(f"{path} names {name!r}, which is not a database of {home}. Delete {path}, or serve once.")
    return folder


def keep_current(home: Path, folder: Path) -> None:
    (home / CURRENT).write_text(str(folder))


def make_private(home: Path) -> None:
    """Creates the folder, for its owner alone; what this process and its children create from now on is private too."""
    os.umask(0o077)
    home.mkdir(parents=True, exist_ok=True)
    if home.stat().st_uid == os.getuid():  # another owner decides who may read it
        home.chmod(0o700)


def secret(home: Path) -> str:
    """This folder's signing secret, created once in a file that only its owner can read. Raises SetupError."""
    path = home / SECRET
    if not path.exists():
        make_private(home)
        keep_private(path, token_hex(SECRET_CHARACTERS))
    text = read(path)
    if len(text.strip()) < SECRET_CHARACTERS:
        raise SetupError(
            f"{path} is not a signing secret: it has fewer than {SECRET_CHARACTERS} characters. Delete it to get a new "
            "one, which ends all user tokens and cursors."
        )
    return text


def keep_private(path: Path, text: str) -> None:
    """Creates a file that only its owner can read, complete from the start; an existing one stays."""
    unfinished = path.with_name(f"{path.name}-{token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        new.write(text)
    with suppress(FileExistsError):
        path.hardlink_to(unfinished)
    unfinished.unlink()


def read(path: Path) -> str:
    """The text of a file. Raises SetupError if it is no text."""
    try:
        return path.read_text()
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is not a text file. {MOVE}") from error


@contextmanager
def only_server(home: Path, base: str) -> Iterator[None]:
    """Raises SetupError if another process serves from this folder; `base` is where this one listens."""
    make_private(home)
    with os.fdopen(os.open(home / SERVER, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            base = read(home / SERVER).strip()
            raise SetupError(
                f"A server of this folder runs already, at {base or 'a port that it has yet to open'}. "
                "Use that one, stop it first, or start in another folder."
            ) from error
        file.truncate()
        file.write(base + "\n")
        file.flush()
        yield
