"""A bundle is the same bytes whenever it is made, and other bytes when its files are others."""

from __future__ import annotations

import io
import os
import zipfile

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import bundles


@pytest.fixture
def folder(tmp_path):
    (tmp_path / ".platform/hooks").mkdir(parents=True)
    (tmp_path / "docker-compose.yml").write_text("services: {}\n")
    hook = tmp_path / ".platform/hooks/run.sh"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    return tmp_path


def test_the_same_files_give_the_same_bytes(folder):
    first = bundles.zipped(folder)
    os.utime(folder / "docker-compose.yml", (1, 1))
    (folder / "docker-compose.yml").chmod(0o600)
    assert bundles.zipped(folder) == first


def test_it_is_an_archive_of_the_files_and_hooks_can_be_run(folder):
    with zipfile.ZipFile(io.BytesIO(bundles.zipped(folder))) as archive:
        assert archive.testzip() is None
        assert {one.filename: oct(one.external_attr >> 16) for one in archive.infolist()} == {
            ".platform/hooks/run.sh": "0o100755",
            "docker-compose.yml": "0o100644",
        }


def test_another_content_is_another_label(folder):
    label = bundles.label_of("placeholder", bundles.zipped(folder))
    (folder / "docker-compose.yml").write_text("services: {web: {}}\n")
    other = bundles.label_of("placeholder", bundles.zipped(folder))
    assert label != other
    assert label.startswith("placeholder-")


def test_a_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "bundle.zip").write_bytes(b"as it is")
    assert bundles.content_of(str(tmp_path / "bundle.zip")) == b"as it is"
