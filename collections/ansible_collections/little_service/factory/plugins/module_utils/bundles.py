# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Source bundles: zip archives that are the same bytes whenever and wherever they are made."""

from __future__ import annotations

import hashlib
import io
import os
import pathlib
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment that a zip archive can tell


def zipped(folder: pathlib.Path) -> bytes:
    """The files of a folder as an archive. Not compressed: what a compressor makes differs from one release of zlib to the next."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.relative_to(folder).as_posix()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            # Whether it can be run is all that counts of its mode; Beanstalk's hooks must be.
            entry.external_attr = (0o100755 if os.access(path, os.X_OK) else 0o100644) << 16
            entry.create_system = 3  # Unix, on whatever system this runs
            archive.writestr(entry, path.read_bytes())
    return body.getvalue()


def content_of(path: str) -> bytes:
    """A bundle that is a file already, or a folder's."""
    given = pathlib.Path(path)
    return zipped(given) if given.is_dir() else given.read_bytes()


def label_of(prefix: str, content: bytes) -> str:
    """A version's label that changes with its content and with nothing else."""
    return f"{prefix}-{hashlib.sha256(content).hexdigest()[:12]}"
