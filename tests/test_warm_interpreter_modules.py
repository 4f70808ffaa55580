"""Ansible's modules, upstream's and our own, give under bin/warm-python what they give under .venv/bin/python."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import textwrap

import pytest
import yaml

from tests import warm
from tests.conftest import run
from tests.sandbox.conftest import REGION, cloud, running_sandbox  # noqa: F401 fixtures

pytestmark = pytest.mark.full  # minutes; signals and kills want a machine at rest

MODULE = """
    #!/usr/bin/python
    import sys
    from ansible.module_utils.basic import AnsibleModule
    from ansible.module_utils.greeting import greet
    def main():
        options = {"raise": {"type": "bool"}, "print": {"type": "str"}, "secret": {"type": "str", "no_log": True}, "tell": {"type": "bool"}}
        module = AnsibleModule(options)
        module.deprecate("It is old.", version="99.0", collection_name="ansible.builtin")
        if module.params["print"]:
            print(module.params["print"])
        if module.params["raise"]:
            raise ValueError(greet("error"))
        caches = sys.modules.get("warm_caches") if module.params["tell"] else None
        compiled = sorted(name for name, _, _ in caches.Payload.learnt) if caches else None
        module.exit_json(warm=caches is not None, compiled=compiled, greeting=greet(module.params["secret"]))
    if __name__ == "__main__":
        main()
"""
GREETING = """
    def greet(name):
        return f"Hello, {name}!"
"""


# What is by chance or by the clock: folders, identities, times.
CHANCE = re.compile(
    r"_payload_\w+|ansible-tmp-[\d.-]+|\b[A-Za-z0-9]{52}\b|(?<=-)[0-9a-f]{8,17}\b|\bARO\w+|\bj?\d{9,}\.\d+\b"
    r"|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT|\d{4}-\d\d-\d\d[T ][\d:.]+(?:\+00:00|Z)?|\b\d:\d\d:\d\d\.\d+"
)


def plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return CHANCE.sub("(chance)", value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def interpreter():
    with warm.interpreter() as made:
        made.server()
        yield made


@dataclasses.dataclass(frozen=True)
class Plays:
    """Plays in a folder with a module and a module_util of their own."""

    folder: pathlib.Path
    interpreter: warm.Interpreter

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")

    def run(self, python: pathlib.Path, *tasks: dict, hosts: str = "localhost,", url: str = "", **env: str) -> list[dict]:
        """The result of each task on each host, in order."""
        aws = {"endpoint_url": url, "region": REGION, "access_key": "administrator-of-the-sandbox", "secret_key": "not-checked-by-it"}
        play = {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": str(python)},
            "module_defaults": {"group/aws": aws, "group/little_service.factory.aws": aws} if url else {},
            "tasks": [{"ignore_errors": True, **task} for task in tasks],
        }
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
        settings = {
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_CALLBACKS_ENABLED": "none",
            "ANSIBLE_DISPLAY_TRACEBACK": "always",
        }
        done = run("ansible-playbook", "-i", hosts, self.folder / "play.yml", **self.interpreter.environment(**settings, **env))
        assert done.status == 0, done.output
        said = json.loads(done.output[done.output.index('{\n    "custom_stats"') : done.output.rindex("}") + 1])
        return [plain(result) for task in said["plays"][0]["tasks"] for _, result in sorted(task["hosts"].items())]


@pytest.fixture
def plays(tmp_path, interpreter):
    made = Plays(tmp_path, interpreter)
    made.write("library/greeter.py", MODULE)
    made.write("module_utils/greeting.py", GREETING)
    return made


AWS_TASKS = [
    {"amazon.aws.aws_caller_info": {}},
    {"amazon.aws.s3_bucket": {"name": "orbit", "tags": {"a": "b"}, "versioning": True}},
    {"amazon.aws.s3_bucket": {"name": "orbit", "tags": {"a": "b"}, "versioning": True}},
    {"community.aws.sns_topic": {"name": "orbit"}, "check_mode": True},
    {"amazon.aws.ec2_vpc_net": {"name": "orbit", "cidr_block": "10.0.0.0/16"}},
    {"amazon.aws.iam_role": {"name": "orbit", "assume_role_policy_document": {"Version": "2012-10-17", "Statement": []}}, "diff": True},
    {"little_service.factory.ecr_repository": {"name": "orbit", "tags": {"a": "b"}}, "diff": True},
    {"little_service.factory.ecr_repository": {"name": "orbit", "tags": {"a": "b"}}},
    {"amazon.aws.rds_instance_info": {"db_instance_identifier": "missing"}},
    {"amazon.aws.s3_bucket": {"name": "No Bucket"}},
    {"amazon.aws.s3_bucket": {"nane": "orbit"}},
]
OTHER_TASKS = [
    {"ansible.builtin.command": "sh -c 'echo out; echo error >&2; exit 3'"},
    {"ansible.builtin.command": {"argv": ["cat"], "stdin": "given"}},
    {"ansible.builtin.shell": "umask; echo $HOME $GIVEN", "environment": {"GIVEN": "by the task"}},
    {"ansible.builtin.setup": {"filter": ["ansible_python", "ansible_user_id"]}},
    {"ansible.builtin.async_status": {"jid": "missing"}},
    {"ansible.builtin.command": "sleep 0.1", "async": 30, "poll": 1},
    {"greeter": {"raise": True}},
    {"greeter": {"print": "This is no JSON."}},
    {"greeter": {"unknown": 1}},
]


@pytest.mark.parametrize(("tasks", "pipelining"), [(AWS_TASKS, "true"), (AWS_TASKS[1::4], "false")])
def test_modules_of_aws_give_the_same_results(plays, cloud, tasks, pipelining):  # noqa: F811
    given = {"url": cloud.url, "ANSIBLE_PIPELINING": pipelining}
    cold = plays.run(plays.interpreter.cold, *tasks, **given)
    cloud.control("POST", "reset")
    warm = plays.run(plays.interpreter.warm, *tasks, {"greeter": {"tell": True}}, **given)
    assert warm.pop()["warm"]
    assert warm == cold


@pytest.mark.parametrize(("tasks", "pipelining"), [(OTHER_TASKS, "true"), (OTHER_TASKS[1::2], "false")])
def test_other_modules_give_the_same_results(plays, tasks, pipelining):
    cold = plays.run(plays.interpreter.cold, *tasks, ANSIBLE_PIPELINING=pipelining)
    warm = plays.run(plays.interpreter.warm, *tasks, {"greeter": {"tell": True}}, ANSIBLE_PIPELINING=pipelining)
    assert warm.pop()["warm"]
    assert warm == cold


def test_each_file_is_compiled_once_and_anew_when_it_has_changed(plays):
    def told(word: str) -> tuple[str, list[str]]:
        plays.write("module_utils/greeting.py", GREETING.replace("Hello", word))
        result = plays.run(plays.interpreter.warm, {"greeter": {"tell": True}})[0]
        return result["greeting"], [file for file in result["compiled"] if "greet" in file]

    plays.run(plays.interpreter.warm, {"greeter": {"tell": True}})
    changed = ["ansible/module_utils/greeting.py"]
    assert [told("Welcome"), told("Welcome"), told("Farewell")] == [
        ("Welcome, None!", changed),
        ("Welcome, None!", []),
        ("Farewell, None!", changed),
    ]


def test_twenty_hosts_in_eight_forks_each_have_their_own_result(plays):
    hosts = "".join(f"host{number:02}," for number in range(20))
    task = {"ansible.builtin.shell": "sleep 0.2; echo {{ inventory_hostname }} $NAME", "environment": {"NAME": "{{ inventory_hostname }}"}}
    results = plays.run(plays.interpreter.warm, task, hosts=hosts, ANSIBLE_FORKS="8")
    assert [result["stdout"] for result in results] == [f"host{number:02} host{number:02}" for number in range(20)]


def test_a_module_file_that_ansible_kept_can_be_unpacked_and_run(plays, tmp_path):
    kept = {"ANSIBLE_PIPELINING": "false", "ANSIBLE_KEEP_REMOTE_FILES": "true", "ANSIBLE_REMOTE_TEMP": str(tmp_path / "kept")}
    plays.run(plays.interpreter.warm, {"greeter": {}}, **kept)
    [file] = tmp_path.glob("kept/*/AnsiballZ_greeter.py")
    assert plays.interpreter.run(file, "explode").output.startswith("Module expanded into:")
    util = file.parent / "debug_dir/ansible/module_utils/greeting.py"
    util.write_text(util.read_text().replace("Hello", "Unpacked"))
    assert plays.interpreter.run(file, "execute").facts["greeting"] == "Unpacked, None!"
