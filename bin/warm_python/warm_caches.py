"""What a fork of the warm server finds done: imports, compiled code, parsed models of AWS. Nothing of what scripts are given is in here."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import marshal
import os
import pathlib
import sys
import types
import zipfile
import zipimport
from _imp import _fix_co_filename

import boto3
import botocore.loaders
import botocore.session

# What Ansible's boto3 modules come to import. Where one of these is absent, that is the module's to find out.
IMPORTS = """
    boto3.docs.service boto3.s3.transfer botocore.crt botocore.docs.service botocore.retries.special botocore.waiter
    botocore.vendored.requests.exceptions argparse ctypes datetime distro encodings.cp437 encodings.idna getpass glob grp
    importlib.resources ipaddress locale multiprocessing.managers multiprocessing.pool packaging.version platform pwd runpy shlex
    syslog tempfile typing_extensions urllib.request
"""


class Payload(zipimport.zipimporter):
    """Imports from the zip into which Ansible packs a module and its module_utils; compiles no file whose content is known."""

    known: dict[tuple[str, int, int], types.CodeType] = {}
    learnt: dict[tuple[str, int, int], types.CodeType] = {}

    def get_filename(self, fullname: str) -> str:
        # zipimport's own compiles the file to say this: https://github.com/python/cpython/blob/v3.13.0/Lib/zipimport.py#L173
        path = f"{self.archive}/{self.prefix}{fullname.rpartition('.')[2]}{'/__init__' if self.is_package(fullname) else ''}.py"
        return path if self.entry(path) else super().get_filename(fullname)

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        entry = self.entry(path)
        if entry is None:  # compiled already, in another kind of zip
            return super().get_code(fullname)
        key = entry.filename, entry.CRC, entry.file_size
        if key not in self.known:
            return self.learnt.setdefault(key, super().get_code(fullname))
        # As importlib does with the .pyc of a file that was moved. Tracebacks show the name, and Ansible tells plugins by it.
        _fix_co_filename(self.known[key], path)
        return self.known[key]

    def entry(self, path: str) -> zipfile.ZipInfo | None:
        return contents(self.archive).get(path.removeprefix(f"{self.archive}/"))


@functools.cache
def contents(archive: str) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(archive) as opened:
        return opened.NameToInfo


class Models(botocore.loaders.Loader):
    """One loader of AWS's models for all sessions, and the questions that it was asked."""

    asked: set[tuple] = set()

    def list_available_services(self, *args, **named):
        return self.ask("list_available_services", args, named)

    def load_data_with_path(self, *args, **named):
        return self.ask("load_data_with_path", args, named)

    def load_service_model(self, *args, **named):
        return self.ask("load_service_model", args, named)

    def ask(self, method: str, args: tuple, named: dict):
        self.asked.add((method, args, tuple(named.items())))
        return getattr(super(), method)(*args, **named)


models = Models()
questions: list[tuple] = []  # what forks asked the loader: the server asks it too, when it has nothing else to do


def warm_up() -> dict[str, tuple | None]:
    """Import, and have all that is imported later use what is kept here. Returns what that stands on."""
    for name in IMPORTS.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    sys.path_hooks[:] = [Payload if hook is zipimport.zipimporter else hook for hook in sys.path_hooks]
    # Each boto3 session adds this folder: an answer without it would be another one.
    models.search_paths.append(str(pathlib.Path(boto3.__file__).parent / "data"))
    usual = botocore.session.create_loader

    def create_loader(paths: str | None = None) -> botocore.loaders.Loader:
        # Models of the user's own can change at any time.
        return usual(paths) if paths is not None or pathlib.Path(models.CUSTOMER_DATA_PATH).is_dir() else models

    botocore.session.create_loader = create_loader
    gc.freeze()
    files = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    return {file: stamp(file) for file in (*files, *sys.path, sys.executable, f"{sys.prefix}/pyvenv.cfg")}


def stamp(file: str) -> tuple | None:
    """What tells that a file or folder has changed."""
    try:
        found = os.stat(file)  # noqa: PTH116 # hundreds of them, for each script
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def news(asked_before: frozenset) -> bytes:
    """What a fork knows that the server does not."""
    asked = Models.asked - asked_before
    return marshal.dumps((Payload.learnt, asked)) if Payload.learnt or asked else b""


def learn(news: bytes) -> None:
    """Take in a fork's news, which are cut short where the fork was killed."""
    with contextlib.suppress(EOFError, ValueError, TypeError):
        code, asked = marshal.loads(news)  # noqa: S302 # our own fork's
        Payload.known.update(code)
        questions.extend(asked.difference(Models.asked, questions))


def answer_one() -> None:
    method, args, named = questions.pop()
    with contextlib.suppress(Exception):  # botocore has many for what there is not
        getattr(models, method)(*args, **dict(named))
    gc.freeze()
