"""Prints at an address that fsspec understands (s3://, gs://, https://, memory://, zip://…): the extra `fsspec`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ridgefeat.errors import ImageError, LayoutError
from ridgefeat.sources.source import printable

_STAMPS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")


@dataclass(frozen=True)
class Remote:
    """One file at an address."""

    address: str
    stamp: str = ""

    @property
    def state(self) -> str:
        """A text that changes when the file does, as far as its store reports."""
        return f"{self.address} {self.stamp}"

    def read(self, limit: int) -> bytes:
        """Return its bytes.

        Raises
        ------
        ImageError
            If it cannot be read, or has more than `limit` bytes.
        """
        try:
            store, path = _store(self.address)
            with store.open(path, "rb") as file:
                data: bytes = file.read(limit + 1)
        except Exception as error:  # every store has errors of its own
            raise ImageError(f"cannot be read from {self.address}: {_brief(error)}") from None
        if len(data) > limit:
            raise ImageError(f"has more than the {limit} bytes that are read")
        return data


def is_address(given: str) -> bool:
    """Whether an input is an address rather than a path."""
    return "://" in given


def list_address(address: str) -> list[tuple[str, Remote]]:
    """Return the files below an address, or the one that is there, by their names below it.

    Raises
    ------
    LayoutError
        If the extra is not installed, or the address cannot be listed.
    """
    try:
        store, root = _store(address)
        root = root.rstrip("/")
        found = store.find(root, detail=True)
        if not found:
            if not store.exists(root):
                raise FileNotFoundError("nothing is there")
            found = {root: store.info(root)} if store.isfile(root) else {}
    except LayoutError:
        raise
    except ImportError as error:
        raise LayoutError(
            f"{address}: its store needs a package that is not installed ({_brief(error)}); pip install it"
        ) from None
    except Exception as error:  # every store has errors of its own
        raise LayoutError(f"{address} cannot be listed: {_brief(error)}") from None
    scheme, _, rest = address.partition("://")
    chained = "::" + rest.split("::", 1)[1] if "::" in rest else ""
    out = []
    for path, about in found.items():
        below = path[len(root) :].lstrip("/") if path != root else path.rsplit("/", 1)[-1]
        full = f"{scheme}://{path}{chained}" if chained else store.unstrip_protocol(path)
        stamp = next((str(about[k]) for k in _STAMPS if about.get(k) is not None), "")
        out.append((printable(below), Remote(full, f"{about.get('size')} {stamp}")))
    return out


def _store(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise LayoutError(f"{address}: addresses need the extra: pip install 'ridgefeat[fsspec]'") from None
    store, path = url_to_fs(address)
    return store, str(path)


def _brief(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
