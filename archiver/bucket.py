"""An archive on object storage: its address, and the few things that are done there.

An object is written in one request, and only where none of its name is, or in place of the very
version that is known; so it is whole or absent. Credentials are found as the store's own tools find
them, and never told. What objects mean, and when they are written, others know.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar

from archiver.errors import StoreRefuses, StoreUnreachable

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

_Taken = TypeVar("_Taken")

Version = dict[str, str]
"""What a store calls a version of an object: its ETag, and Google's number of it."""

SCHEMES = ("s3", "gs", "az")
_ADDRESS = re.compile(rf"(?:{'|'.join(SCHEMES)})://[^/\s?#@:]+(?:/[^\s?#]*)?")
EXTRA = "object storage needs a package; install it: pip install 'tiledesk-archive[s3]'"
# One request brings a whole part, also over a slow line.
_CLIENT = {"connect_timeout": "10s", "timeout": "300s"}
_RETRIES = 3
_PATIENCE = timedelta(seconds=20)
_STATUS = "status code: "
_PASSING = ("408", "409", "429")
_PIECE = 8 * 2**20
# What a library says, as a pattern, and what it means; the first that fits.
_REFUSALS = (
    (
        "NoSuchBucket|ContainerNotFound|bucket does not exist",
        "no such bucket; make it, or name another",
    ),
    (
        r"169\.254\.|metadata\.google",  # asked where an instance's role would be told
        "no credentials found; set them in the environment, or in a profile",
    ),
    (_STATUS + "40[13]", "access denied; look at the credentials, and at what they may do"),
    (_STATUS + "(301|307|400).*[Rr]egion", "it is in another region; set AWS_REGION"),
)


@dataclass(frozen=True)
class Remote:
    """Where an archive on object storage is; `spool` is the folder of a recorder beside us."""

    url: str
    spool: Path | None = None

    def __str__(self) -> str:
        return self.url


class Stored(NamedTuple):
    """An object: its key seen from the archive's root, and when it was written (microseconds)."""

    url: str
    key: str
    size: int
    at: int = 0

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> PurePosixPath:
        """The folder of its key."""
        return PurePosixPath(self.key).parent

    def __str__(self) -> str:
        return self.url


class Found(NamedTuple):
    """What is in a folder of a bucket: the names of its folders, and the objects."""

    folders: list[str]
    objects: list[Stored]


def is_address(text: str) -> bool:
    """Tell whether a text names no folder, but something elsewhere."""
    return "://" in text


def parse(text: str) -> Remote:
    """Return the archive that an address names."""
    if not _ADDRESS.fullmatch(text):
        shown = "an address with a password" if "@" in text else text
        raise StoreRefuses(
            f"{shown}: none of an archive; name a folder, or s3://BUCKET/PREFIX (gs://, az://)"
        )
    return Remote(text.rstrip("/"))


class Bucket:
    """An archive's part of a bucket, open to be read and written."""

    def __init__(self, remote: Remote, retries: int = _RETRIES) -> None:
        self.remote = remote
        self._store = self._try(lambda: _open(remote.url, retries))

    def read(self, key: str) -> bytes:
        """Return an object; FileNotFoundError says that there is none."""
        import obstore

        return self._try(lambda: bytes(obstore.get(self._store, key).bytes()))

    def read_version(self, key: str) -> tuple[bytes, Version]:
        """Return an object, and what the store calls this version of it."""
        import obstore

        def read() -> tuple[bytes, Version]:
            found = obstore.get(self._store, key)
            told = {"e_tag": found.meta["e_tag"], "version": found.meta["version"]}
            return bytes(found.bytes()), {name: value for name, value in told.items() if value}

        return self._try(read)

    def download(self, key: str, file: BinaryIO) -> None:
        """Write an object to a file, by and by."""
        import obstore

        def copy() -> None:
            file.writelines(obstore.get(self._store, key).stream(_PIECE))

        self._try(copy)

    def read_range(self, key: str, start: int, size: int) -> bytes:
        """Return some bytes of an object."""
        import obstore

        if size <= 0:
            return b""
        return self._try(
            lambda: bytes(obstore.get_range(self._store, key, start=start, length=size))
        )

    def list(self, folder: str = "") -> Found:
        """Return what is in a folder; nothing is in one that is not there."""
        import obstore

        found = self._try(
            lambda: obstore.list_with_delimiter(self._store, folder.rstrip("/") or None)
        )
        return Found(
            sorted(path.rpartition("/")[2] for path in found["common_prefixes"]),
            sorted(map(self._stored, found["objects"])),
        )

    def list_all(self) -> Sequence[Stored]:
        """Return all objects there are: one request for a thousand."""
        import obstore

        return self._try(
            lambda: [self._stored(one) for some in obstore.list(self._store) for one in some]
        )

    def find(self, key: str) -> Stored | None:
        """Look an object up by its name; a listing may lag behind."""
        import obstore

        try:
            return self._try(lambda: self._stored(obstore.head(self._store, key)))
        except FileNotFoundError:
            return None

    def _stored(self, one: ObjectMeta) -> Stored:
        url = f"{self.remote.url}/{one['path']}"
        at = round(one["last_modified"].timestamp() * 1_000_000)
        return Stored(url, one["path"], one["size"], at)

    def put_once(self, key: str, data: bytes) -> bool:
        """Write an object in one request; tell whether there was none of its name."""
        return self._put(key, data, "create")

    def replace(self, key: str, data: bytes, version: Version) -> bool:
        """Write an object in one request; tell whether that version of it was still there."""
        return self._put(key, data, version)

    def _put(self, key: str, data: bytes, mode: Any) -> bool:
        """Write an object under a condition; a request that was done again may not meet its own."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        def put() -> bool:
            try:
                obstore.put(self._store, key, data, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

        return self._try(put)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is not there is no matter."""
        import obstore

        there = [*keys]
        try:
            self._try(lambda: obstore.delete(self._store, there))
        except FileNotFoundError:  # some stores stop there
            for key in there:
                with suppress(FileNotFoundError):
                    self._try(lambda key=key: obstore.delete(self._store, key))  # type: ignore[misc]

    def open(self, stored: Stored) -> Ranges:
        """Open an object as a file of which only what is asked for is read."""
        return Ranges(stored, self.read_range)

    def _try(self, do: Callable[[], _Taken]) -> _Taken:
        """Do something, and tell in one line what the store says against it."""
        try:
            return do()
        except (StoreRefuses, StoreUnreachable):
            raise
        except ModuleNotFoundError as error:
            raise StoreRefuses(f"{self.remote}: {EXTRA}") from error
        except FileNotFoundError as error:
            if re.search(_REFUSALS[0][0], str(error)):
                raise self._told(error) from None
            raise FileNotFoundError(f"{self.remote}: no such object") from None
        except Exception as error:
            if not type(error).__module__.startswith(("obstore", "botocore")):
                raise
            raise self._told(error) from None

    def _told(self, error: Exception) -> StoreRefuses | StoreUnreachable:
        """Return what to say: nothing of a request's headers, or of an answer's body."""
        text = str(error)
        for pattern, why in _REFUSALS:
            if re.search(pattern, text, re.DOTALL):
                return StoreRefuses(f"{self.remote}: {why}")
        status = re.search(_STATUS + r"(\d{3})", text)
        if status and status[1].startswith("4") and status[1] not in _PASSING:
            return StoreRefuses(f"{self.remote}: the store refuses (status {status[1]})")
        if not status and "Error performing" not in text:  # it was not even asked
            return StoreRefuses(f"{self.remote}: {text.partition(chr(10))[0].rstrip('.')}")
        why = f"status {status[1]}" if status else "no answer"
        return StoreUnreachable(f"{self.remote}: cannot be reached now ({why}); try again later")


class Ranges(io.RawIOBase):
    """An object as a file: what is asked for is read, no more."""

    def __init__(self, stored: Stored, read: Callable[[str, int, int], bytes]) -> None:
        super().__init__()
        self.size = stored.size
        self._key = stored.key
        self._read = read
        self._at = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go elsewhere."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what follows."""
        data = self._read(self._key, self._at, max(0, min(len(buffer), self.size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _open(url: str, retries: int) -> ObjectStore:
    from obstore.store import from_url

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    client: Any = _CLIENT | {"allow_http": endpoint.startswith("http://")}
    return from_url(
        url,
        client_options=client,
        retry_config={"max_retries": retries, "retry_timeout": _PATIENCE},
        credential_provider=_profile() if url.startswith("s3:") else None,
    )


def _profile() -> Any:
    """Return what reads AWS' own files where they are to be read; the library does not."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return None
    folder = Path.home() / ".aws"
    named = [os.environ.get(f"AWS_{name}_FILE") for name in ("SHARED_CREDENTIALS", "CONFIG")]
    files = [Path(named[0] or folder / "credentials"), Path(named[1] or folder / "config")]
    if "AWS_PROFILE" not in os.environ and not any(path.is_file() for path in files):
        return None
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return Boto3CredentialProvider()
    except ValueError:  # there are files, but no credentials in them
        return None
