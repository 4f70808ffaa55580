"""The action that renders a tree: what Ansible's own template would have made, in one task, with errors that name the line."""

from __future__ import annotations

import json
import pathlib
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import playbook, run

VARIABLES = {
    "service_name": "orbit-ledger",
    "service_package": "orbit_ledger_app",
    "service_description": 'Says "hi" # and: \\backslash\\ {# not a comment #} 🚀',
    "service_celery": True,
    "service_port": 8001,
    "service_list": ["a", "b"],
    "service_nothing": None,
    "service_template_version": "0.0.0",
}
ANSWERS = {"name": "orbit-ledger", "branch": "main", "github": "", "celery": True, "ci": "circleci"}
TREE = {
    "plain.txt": "{{ not rendered }}\n",
    "page.html.j2": "<p>{{ service_description }}</p>\n{% if service_celery %}\nyes\n{% endif %}\n  {% raw %}{{ left }}{% endraw %}\n",
    "no_newline.txt.j2": "{{ service_name }}",
    "newlines.txt.j2": "\n\n{{ service_name }}\n\n\n",
    "empty.txt.j2": "",
    "crlf.txt.j2": "{{ service_name }}\r\nsecond\r\n",
    "list.json.j2": "{{ service_list | to_json }}",
    "native.txt.j2": "{{ service_list }}",
    "number.txt.j2": "{{ service_port }}",
    "nothing.txt.j2": "{{ service_nothing }}",
    "loop.txt.j2": "{% for item in service_list %}\n- {{ item }}\n{% endfor %}\n",
    "backslash.txt.j2": "a\\nb {{ 'c\\\\d' }}\n",
    "comment.txt.j2": "{# gone #}\nkept\n",
    "set.txt.j2": "{% set x = 1 -%}\n   {{ x }}   {%- if true %} y{% endif %}\n",
    "include.txt.j2": "{% include 'loop.txt.j2' %}",
    "unicode-ä.txt.j2": "ä {{ service_name }} 日本\n",
}


def play(folder: pathlib.Path, source: pathlib.Path, variables: dict, tasks: list[dict]) -> pathlib.Path:
    content = [
        {"hosts": "localhost", "gather_facts": False, "vars": {"source": str(source), "given": variables, **variables}, "tasks": tasks}
    ]
    file = folder / "play.yml"
    file.write_text(json.dumps(content))
    return file


def render(tmp_path, source, variables=None, parts=None):
    variables = {**VARIABLES, **(variables or {})}
    task = {
        "little_service.factory.service_folder": {
            "src": str(source), "path": str(tmp_path / "out"), "variables": "{{ given }}", "answers": ANSWERS, "parts": parts or {},
        }
    }  # fmt: skip
    return run("ansible-playbook", play(tmp_path, source, variables, [task])), tmp_path / "out"


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def test_each_file_is_what_ansibles_template_makes_of_it(tmp_path, source):
    for name, text in TREE.items():
        (source / name).write_bytes(text.encode())
    names = [name for name in TREE if name.endswith(".j2")]
    tasks = [
        {"ansible.builtin.file": {"path": str(tmp_path / "theirs"), "state": "directory"}},
        {
            "ansible.builtin.template": {
                "src": "{{ source }}/{{ item }}",
                "dest": f"{tmp_path}/theirs/{{{{ item | regex_replace('.j2$') }}}}",
            },
            "loop": names,
        },
    ]
    theirs = run("ansible-playbook", play(tmp_path, source, VARIABLES, tasks))
    assert theirs.status == 0, theirs.output
    ours, out = render(tmp_path, source)
    assert ours.status == 0, ours.output
    for name in names:
        made = name.removesuffix(".j2")
        assert (out / made).read_bytes() == (tmp_path / "theirs" / made).read_bytes(), name
    assert (out / "plain.txt").read_text() == TREE["plain.txt"]


def test_modes_links_binary_files_and_names_with_variables_survive(tmp_path, source):
    script = source / "bin" / "run.j2"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho {{ service_name }}\n")
    script.chmod(0o755)
    noise = bytes(range(256)) * 4
    (source / "picture.png").write_bytes(noise)
    (source / "link").symlink_to("bin/run")
    package = source / "{{ service_package }}" / "{{ service_name }}.txt.j2"
    package.parent.mkdir()
    package.write_text("{{ service_package }}")
    result, out = render(tmp_path, source)
    assert result.status == 0, result.output
    assert stat.S_IMODE((out / "bin/run").stat().st_mode) == 0o755
    assert (out / "picture.png").read_bytes() == noise
    assert (out / "link").readlink() == pathlib.Path("bin/run")
    assert (out / "orbit_ledger_app/orbit-ledger.txt").read_text() == "orbit_ledger_app"


def test_parts_that_are_left_out_go_with_their_folders(tmp_path, source):
    for name in ("keep.txt", ".github/workflows/ci.yml", ".circleci/config.yml"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    result, out = render(tmp_path, source, parts={"github": [".github"], "circleci": [".circleci"], "celery": ["keep.txt"]})
    assert result.status == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == [".circleci", ".git", "keep.txt"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt.j2", "one\ntwo {{ service_nmae }}\n", "source/a.txt.j2:2: 'service_nmae' is undefined"),
        ("a.txt.j2", "one\n\n{{ service_answers.name }}\n", "source/a.txt.j2:3: 'service_answers' is undefined"),
        ("a.txt.j2", "one\n{% if %}\n", "source/a.txt.j2:2: Syntax error in template"),
        ("a.txt.j2", "{{ service_name | no_such_filter }}", "source/a.txt.j2:1:"),
        ("a.txt.j2", "{{ service_name.missing }}", "source/a.txt.j2:1:"),
        ("{{ service_nmae }}.txt", "x", "source/{{ service_nmae }}.txt"),
        ("{{ service_description }}", "x", "which is no name of a file"),
    ],
)
def test_a_mistake_in_the_template_names_its_file_and_line_and_nothing_is_written(tmp_path, source, name, text, words):
    (source / "fine.txt").write_text("fine")
    (source / name).write_text(text)
    result, out = render(tmp_path, source, variables={"service_description": "a/b"})
    assert result.status == 2
    assert words in result.words, result.output
    assert "Traceback" not in result.output
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir() if "little-service-new" in path.name] == []


@pytest.mark.parametrize("content", [b"\xff\xfe{{ x }}", b"caf\xe9"])
def test_a_template_that_is_not_utf_8_is_refused_with_its_place(tmp_path, source, content):
    (source / "a.txt.j2").write_bytes(content)
    result, out = render(tmp_path, source)
    assert result.status == 2
    assert "a.txt.j2: not UTF-8 at byte" in result.words
    assert not out.exists()


def test_two_sources_of_one_path_are_refused(tmp_path, source):
    (source / "a.txt").write_text("x")
    (source / "a.txt.j2").write_text("y")
    result, out = render(tmp_path, source)
    assert result.status == 2
    assert "a.txt is made by another file of the template already" in result.words
    assert not out.exists()


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXT, description=TEXT, celery=st.sampled_from(["true", "false", "no", "maybe", ""]))
def test_whatever_is_typed_the_service_is_whole_or_absent_and_no_traceback_is_shown(tmp_path_factory, name, description, celery):
    folder = tmp_path_factory.mktemp("typed")
    typed = folder / "typed.json"
    typed.write_text(json.dumps({"name": name, "description": description, "celery": celery}))
    result = playbook(
        "new_service", "-e", f"@{typed}", services_dir=folder / "services", inventories_dir=folder / "inventories", service_port=8123
    )
    assert "Traceback" not in result.output, result.output
    left = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*"))
    if result.status == 0:
        assert len(left) == 5, left
    else:
        assert result.status == 2
        assert left == []
