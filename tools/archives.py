"""The archives of upstream's sources in Debian's source packages: which is the pinned one."""

import hashlib
import re
import shutil
import tarfile

from command import ToolError
from progress import console


class SourceError(ToolError):
    """What is wrong with the sources, and what to do about it."""


def pinned(folder, name, pin):
    """The archive of a pin in `folder`, or None. A hash that differs is an error."""
    for archive in sorted(folder.glob(f"{name}_{pin['version']}*.orig.tar.*")):
        if hashlib.sha256(archive.read_bytes()).hexdigest() != pin["sha256"]:
            archive.unlink()
            raise SourceError(f"{archive.name} is not the pinned one; it was removed, run again")
        return archive
    return None


def newer(folder, name, pin):
    """A later release of a pin's series in `folder`, or None: it came through apt's signature
    check, and is named."""
    series, _, patch = pin["version"].rpartition(".")
    for archive in folder.glob(f"{name}_{series}.*.orig.tar.*"):
        if int(re.match(r"\d+", archive.name.removeprefix(f"{name}_{series}."))[0]) > int(patch):
            console.print(f"note: {archive.name} stands in for {name} {pin['version']}")
            return archive
    return None


def extract(archive, folder):
    """Unpack a tar archive; returns the name of its topmost folder."""
    with tarfile.open(archive) as tar:
        # extractall's own `filter` came with Python 3.11.4.
        tar.extraction_filter = getattr(tarfile, "tar_filter", None)
        tar.extractall(folder)
        return tar.getnames()[0].split("/")[0]


def unpack(archive, place):
    """Unpack a tar archive, without its topmost folder, to be the folder `place` (a Path)."""
    inner = place.parent / (place.name + ".tar")
    shutil.rmtree(inner, ignore_errors=True)  # by one that was killed
    (inner / extract(archive, inner)).rename(place)
    inner.rmdir()
