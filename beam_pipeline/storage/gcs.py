"""A bucket of Google Cloud Storage. The only file that knows the names of google's packages."""

from __future__ import annotations

import contextlib
import functools
import os
import uuid
from collections.abc import Callable, Iterator
from typing import TypeVar

from google.api_core.exceptions import (
    GoogleAPICallError,
    GoogleAPIError,
    NotFound,
    PreconditionFailed,
    RequestRangeNotSatisfiable,
    RetryError,
)
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY
from urllib3.exceptions import HTTPError

from beam_pipeline.records import EmonetError
from beam_pipeline.storage import TEMPORARY, ConflictError, StoredFile, is_temporary

PATIENCE_S = 60.0
"""How long a request that meets a busy server or a broken connection is tried again, ever less
often: no try begins later than this."""

REQUEST_S = 30.0
"""How long a connection may be silent before it counts as broken."""

PAGE = 1_000
"""How many objects are listed in one request; the service gives no more."""

T = TypeVar("T")

_REFUSED = {
    401: "the credentials were refused; log in again with `gcloud auth application-default login`",
    403: "permission was denied; give this account roles/storage.objectUser on the bucket",
    404: "there is no such bucket; make it, or give another",
}


@functools.lru_cache(maxsize=1)
def client() -> storage.Client:
    """The connections of this process, made when they are needed first.

    Credentials are those of the machine (Application Default Credentials), and none where
    `STORAGE_EMULATOR_HOST` names another server. Objects need no project, so none is looked up.
    """
    # For its traces the client looks up every bucket behind our back, on the same connections;
    # whoever has rights to objects alone finds that denied in the audit log.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    return storage.Client(project=None)


# two processes on one connection would read each other's answers
os.register_at_fork(after_in_child=client.cache_clear)


class GcsStorage:
    """Objects below `gs://BUCKET/PREFIX`; see `Storage`.

    The server shows an object whole or not at all, and gives every content a generation of its
    own, which is the version here. Contents are checked by their crc32c on the way: by the server
    when written, by us when read.

    A call is tried again as a whole: a download that is resumed halfway, as the library would,
    is not held against its checksum.
    """

    def __init__(self, root: str):
        self.root = root
        self._bucket, _, prefix = root.removeprefix("gs://").partition("/")
        self._prefix = prefix.rstrip("/")
        if not self._bucket:
            raise EmonetError(f"'{root}' names no bucket; give gs://BUCKET or gs://BUCKET/PREFIX")

    def prepare(self) -> None:
        """See `Storage`; an empty object is written and removed."""
        probe = f"{TEMPORARY}{uuid.uuid4().hex[:8]}"
        self.write(probe, b"")
        self.delete(probe)

    def read(self, path: str) -> bytes:
        """See `Storage`."""
        found = self.version(path)
        if found is None:
            raise EmonetError(f"{self._url(path)}: there is no such file; restore it from a copy")
        return found[0]

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """See `Storage`; the server has no checksum of a part, so its reader needs one."""

        def download() -> bytes | None:
            blob = self._in_bucket().blob(self._name(path))
            try:
                content: bytes = blob.download_as_bytes(
                    start=start, end=end - 1, raw_download=True, checksum=None,
                    timeout=REQUEST_S, retry=None,
                )  # fmt: skip
            except NotFound:
                return None
            except RequestRangeNotSatisfiable:
                return b""
            return content

        found = self._ask(path, download)
        # what is missing is told as it is of whole files
        return self.read(path)[start:end] if found is None else found

    def version(self, path: str) -> tuple[bytes, str] | None:
        """See `Storage`; a version is the object's generation."""

        def download() -> tuple[bytes, str] | None:
            blob = self._in_bucket().blob(self._name(path))
            try:
                # as it lies there: what is packed is unpacked by its reader, within limits
                content = blob.download_as_bytes(
                    raw_download=True, checksum="crc32c", timeout=REQUEST_S, retry=None
                )
            except NotFound:
                return None
            return content, str(blob.generation)

        found = self._ask(path, download)
        if found is None:
            # without a bucket every file is missing, but this fails
            self._ask(path, functools.partial(self._page, self._name(path), None))
        return found

    def write(self, path: str, content: bytes | memoryview) -> None:
        """See `Storage`."""
        self._upload(path, content, None)

    def replace(self, path: str, content: bytes, version: str | None) -> None:
        """See `Storage`."""
        try:
            self._upload(path, content, int(version or 0))
        except ConflictError:
            # If the answer to a try was lost, the next one meets what the first has written.
            now = self.version(path)
            if now is None or now[0] != content:
                raise

    def files(self, path: str) -> Iterator[StoredFile]:
        """See `Storage`."""
        if path:
            name = self._name(path)
            found = self._ask(
                path, lambda: self._in_bucket().get_blob(name, timeout=REQUEST_S, retry=None)
            )
            if found is not None:
                yield self._stored(found)
        for file in self._beginning_with(path, f"{self._name(path)}/".removeprefix("/")):
            # consoles make empty objects with a name like the first to show a folder
            if not file.path.endswith("/") and not is_temporary(file.path):
                yield file

    def names(self, path: str) -> list[str]:
        """See `Storage`."""
        folder = f"{self._name(path)}/"
        found = self._beginning_with(path, folder)
        names = (file.path.removeprefix(f"{path}/") for file in found)
        return [name for name in names if "/" not in name]

    def temporaries(self) -> Iterator[StoredFile]:
        """See `Storage`; an object appears whole, so these are probes of `prepare` alone."""
        return self._beginning_with("", self._name(TEMPORARY))

    def delete(self, path: str) -> None:
        """See `Storage`."""

        def delete() -> None:
            with contextlib.suppress(NotFound):
                self._in_bucket().delete_blob(self._name(path), timeout=REQUEST_S, retry=None)

        self._ask(path, delete)

    def _upload(self, path: str, content: bytes | memoryview, generation: int | None) -> None:
        def upload() -> None:
            self._in_bucket().blob(self._name(path)).upload_from_string(
                bytes(content),
                content_type="application/octet-stream",
                checksum="crc32c",
                if_generation_match=generation,
                timeout=REQUEST_S,
                retry=None,
            )

        self._ask(path, upload)

    def _beginning_with(self, path: str, prefix: str) -> Iterator[StoredFile]:
        """The objects whose names begin like this, in order; `path` is for messages."""
        token = None
        while True:
            page = functools.partial(self._page, prefix, token)
            blobs, token = self._ask(path, page)
            yield from map(self._stored, blobs)
            if token is None:
                return

    def _page(self, prefix: str, token: str | None) -> tuple[list[storage.Blob], str | None]:
        """Some of the objects whose names begin like this, in order, and where the next begin."""
        listing = client().list_blobs(
            self._bucket,
            prefix=prefix,
            page_token=token,
            page_size=PAGE,
            fields="items(name,size,updated),nextPageToken",
            timeout=REQUEST_S,
            retry=None,
        )
        return list(next(listing.pages, ())), listing.next_page_token

    def _in_bucket(self) -> storage.Bucket:
        return client().bucket(self._bucket)

    def _stored(self, blob: storage.Blob) -> StoredFile:
        name: str = blob.name
        path = name[len(self._prefix) + 1 :] if self._prefix else name
        return StoredFile(path, blob.size, blob.updated)

    def _name(self, path: str) -> str:
        return "/".join(part for part in (self._prefix, path) if part)

    def _url(self, path: str) -> str:
        return f"gs://{self._bucket}/{self._name(path)}"

    def _ask(self, path: str, request: Callable[[], T]) -> T:
        """What a request answers, tried again for as long as there is hope."""
        again = DEFAULT_RETRY.with_delay(initial=0.2, maximum=8.0, multiplier=2.0)
        try:
            answer: T = again.with_timeout(PATIENCE_S)(request)()
        except PreconditionFailed as error:
            raise ConflictError(f"{self._url(path)}: was replaced in the meantime") from error
        except (GoogleAPIError, GoogleAuthError, DataCorruption, HTTPError, OSError) as error:
            raise EmonetError(f"{self._url(path)}: {_advice(error)}") from error
        return answer


def _advice(error: Exception) -> str:
    """What went wrong and what to do, without the words of the server."""
    match error:
        case RetryError():
            last = error.cause
            answer = last.code if isinstance(last, GoogleAPICallError) else "no answer"
            return (
                f"failed again and again for {PATIENCE_S:.0f} s, with {answer} at last; look at "
                "the network and at the state of the service, and run it again"
            )
        case GoogleAPICallError():
            unexpected = f"the request was refused with {error.code}; look at the address"
            return _REFUSED.get(error.code or 0, unexpected)
        case GoogleAuthError() if not isinstance(error, TransportError):
            return "no valid credentials; log in with `gcloud auth application-default login`"
        case DataCorruption():
            return "it did not arrive as it was sent, by its checksum; run it again"
        case _:
            return "the storage service cannot be reached; look at the network"
