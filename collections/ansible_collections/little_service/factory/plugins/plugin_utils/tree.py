# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tree of templates as a list of entries, and a list of entries as a tree on disk.

The whole tree is rendered in memory before the first byte is written, so a mistake in the last file leaves nothing.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import pathlib
import re
import stat
from collections.abc import Callable, Iterator

import jinja2
import jinja2.nodes

SUFFIX = ".j2"


class TreeError(Exception):
    """The template cannot be rendered. Its text names the file and, where it is known, the line."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file or symbolic link of the rendered tree."""

    path: str  # relative to the tree's root, with "/" between its parts
    mode: int  # permission bits, as the source has them
    content: bytes = b""
    target: str | None = None  # where a symbolic link points to


def rendered(source: pathlib.Path, render: Callable[[str, str], str], left_out: list[str] | None = None) -> list[Entry]:
    """The entries of ``source``, sorted by path.

    :param source: folder of templates. Only ``*.j2`` is rendered, and loses that suffix; all else is taken as it is.
    :param render: turns a template's text into text; its second argument names the template for errors.
    :param left_out: patterns of rendered paths (fnmatch); a folder that matches is left out with all that it holds.
    :raises TreeError: for what cannot be read, named or rendered, and for two sources of one path.
    """
    entries: dict[str, Entry] = {}
    for file in _files(source):
        relative = file.relative_to(source).as_posix()
        path = _rendered_path(relative, render)
        if _is_left_out(path, left_out or []):
            continue
        if path in entries:
            raise TreeError(f"{relative}: {path} is made by another file of the template already")
        entries[path] = _entry(file, relative, path, render)
    return sorted(entries.values(), key=lambda entry: entry.path)


def write(entries: list[Entry], folder: pathlib.Path) -> None:
    """Write the entries below ``folder``, which exists and holds none of them."""
    for entry in entries:
        file = folder / entry.path
        file.parent.mkdir(parents=True, exist_ok=True)
        if entry.target is not None:
            file.symlink_to(entry.target)
            continue
        with file.open("xb") as stream:
            stream.write(entry.content)
            os.fchmod(stream.fileno(), entry.mode)


def line_of(message: str, text: str) -> int | None:
    """The line of a template that an error's message speaks of; Ansible's engine knows it for syntax errors only.

    Errors name their culprit in quotes ("'missing' is undefined"): it is looked up in the template's syntax tree.
    """
    culprits = set(re.findall(r"'([A-Za-z_]\w*(?:\.\w+)*)'", message))
    lines = []
    for node in jinja2.Environment(autoescape=True).parse(text).find_all((jinja2.nodes.Name, jinja2.nodes.Getattr, jinja2.nodes.Filter)):
        name = node.attr if isinstance(node, jinja2.nodes.Getattr) else node.name
        if name in culprits:
            lines.append(node.lineno)
    return min(lines, default=None)


def _files(source: pathlib.Path) -> Iterator[pathlib.Path]:
    def fail(error: OSError) -> None:
        raise TreeError(f"{error.filename}: {error.strerror}")

    for folder, folders, files in os.walk(source, onerror=fail):
        for child in (pathlib.Path(folder, name) for name in files + folders):
            if child.is_symlink() or not child.is_dir():
                yield child


def _rendered_path(relative: str, render: Callable[[str, str], str]) -> str:
    path = relative.removesuffix(SUFFIX)
    if "{" in path:
        path = "/".join(_rendered_part(part, relative, render) for part in path.split("/"))
    return path


def _rendered_part(part: str, relative: str, render: Callable[[str, str], str]) -> str:
    name = render(part, relative)
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise TreeError(f"{relative}: the name {part!r} becomes {name!r}, which is no name of a file")
    return name


def _is_left_out(path: str, patterns: list[str]) -> bool:
    parents = [path, *(parent.as_posix() for parent in pathlib.PurePosixPath(path).parents)]
    return any(fnmatch.fnmatchcase(parent, pattern.rstrip("/")) for pattern in patterns for parent in parents)


def _entry(file: pathlib.Path, relative: str, path: str, render: Callable[[str, str], str]) -> Entry:
    status = file.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Entry(path, mode, target=str(file.readlink()))
    if not stat.S_ISREG(status.st_mode):
        raise TreeError(f"{relative}: neither a file nor a symbolic link")
    content = file.read_bytes()
    if file.name.endswith(SUFFIX):
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise TreeError(f"{relative}: not UTF-8 at byte {error.start}; without {SUFFIX} it would be copied") from None
        content = render(text, relative).encode("utf-8")
    return Entry(path, mode, content)
