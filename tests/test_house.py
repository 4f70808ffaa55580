"""The house and its rules: what every role, playbook, plugin and file of this repository keeps to.

Each message says what to type or where to look. `bin/lint` runs these; they need neither Docker nor a network.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import inspect
import json
import pathlib
import re
import sys

import ansible.module_utils.basic
import packaging.specifiers
import pytest
import yaml

from tests.conftest import ROOT, run

pytestmark = pytest.mark.house

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted(path.name for path in (ROOT / "playbooks").glob("*.yml"))
COLLECTION = "little_service.factory"
PLUGINS = ROOT / "collections/ansible_collections" / COLLECTION.replace(".", "/") / "plugins"
# An action plugin is documented by the module of its name, helpers not at all.
DOCUMENTED = sorted(
    (kind.name.removesuffix("s"), file.stem)
    for kind in PLUGINS.iterdir()
    if kind.name not in ("action", "doc_fragments", "module_utils", "plugin_utils")
    for file in kind.glob("*.py")
    if not file.name.startswith("_")
)
# Folders of one machine: of root, of a user, of a build. Ada is made up; root's folder is an image's own where an image is described.
MACHINE_PATH = re.compile(r"(?<![\w.$}~)-])/(root|work|(?:home|Users)/(?!ada/)[\w.-]+)/[\w.]")
IMAGES = re.compile(r"^molecule/|(^|/)[^/]*Dockerfile[^/]*$")
HOST = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+")
# Which registry or mirror is used is the machine's business. Digests, so that this file does not hold what it bans; another one:
# printf %s HOST | sha256sum | cut -c -16
REGISTRIES = frozenset(
    re.findall(
        r"\w+",
        """
        00a7dc5a0cc38858 0206ab7f1f15f8fb 0dc11026ac75c015 0fd460f0568e29c1 15bdb44dafa6843b 1ba4e37997a2e986
        24f81de5fc499525 271dacc9f4d0caf8 2e97613f5a81eaa4 317d2d52829b7812 3d01f3609be82d98 4a8b734fb5be77bc
        4b602daf23ba2974 4db460c55b85212e 519e0f33ca3e6bf6 57630988f95417c0 5e9dacd3577946a2 62f256676f138898
        70bb4000cd2fab03 70cca582c4895337 71741fe2460a6150 789e46d79514e280 8743857e3ea00fd1 89389784c68edf23
        8b5bb5eb9d758455 9495278a74715c7e a0f007d863a0ed19 a4aa2ac280bb8d1a be2f919014d7cedb c2b35955576ffa71
        c899567ee9068517 d6d7019ca9fcbf07 dcb6cc3991f9799e e514b0d3b0562f54 e680c440a2e92079 edd83f6692f960c7
        """,
    )
)


def load(file: pathlib.Path) -> object:
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None


def options(role: str) -> dict[str, dict]:
    """The options of all entry points of a role."""
    specs = load(ROOT / "roles" / role / "meta/argument_specs.yml")
    assert specs, f"roles/{role}/meta/argument_specs.yml is missing: write the role's spec first."
    return {name: option for spec in specs["argument_specs"].values() for name, option in spec.get("options", {}).items()}


def defaults(role: str) -> dict[str, object]:
    return load(ROOT / "roles" / role / "defaults/main.yml") or {}


def literal(default: object) -> object:
    """What a default is where it can be told without running Ansible: itself, or the literal in ``{{ x | default(literal) }}``."""
    if not isinstance(default, str) or "{{" not in default:
        return default
    inner = re.fullmatch(r"\{\{ \w+ \| default\(('[^']*'|true|false|\d+)\) \}\}", default)
    return yaml.safe_load(inner[1]) if inner else None


def tasks(role: str) -> list[dict]:
    """All tasks of a role, those of blocks included."""

    def flat(listed: list[dict] | None) -> list[dict]:
        return [
            task for outer in listed or [] for task in (outer, *(t for key in ("block", "rescue", "always") for t in flat(outer.get(key))))
        ]

    folder = ROOT / "roles" / role
    return [task for kind in ("tasks", "handlers") for file in sorted((folder / kind).glob("*.yml")) for task in flat(load(file))]


@functools.cache
def texts() -> dict[str, str]:
    """Every file that git has or would take, as text."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z").output.split("\0")
    files = [ROOT / name for name in listed if name]
    return {
        file.relative_to(ROOT).as_posix(): file.read_bytes().decode("utf-8", errors="replace")
        for file in files
        if file.is_file() and not file.is_symlink()
    }


@functools.cache
def documentation() -> dict[tuple[str, str], dict]:
    """What ansible-doc says of each plugin of the collection, fragments included."""
    result = run("ansible-doc", "--metadata-dump", COLLECTION, ANSIBLE_DEPRECATION_WARNINGS="False")
    assert result.status == 0, result.output
    dump = json.loads(result.output[result.output.index("{") : result.output.rindex("}") + 1])["all"]
    return {
        (kind, name.removeprefix(f"{COLLECTION}.")): {**dumped["doc"], "examples": dumped["examples"]}
        for kind, plugins in dump.items()
        for name, dumped in plugins.items()
        if name.startswith(COLLECTION)
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_public_variable_is_in_the_spec_and_in_the_defaults(role):
    spec, given = options(role), defaults(role)
    undocumented = sorted(set(given) - set(spec))
    assert not undocumented, f"Document in roles/{role}/meta/argument_specs.yml: {undocumented}"
    absent = sorted(name for name, option in spec.items() if not option.get("required") and name not in given)
    assert not absent, f"Give a default in roles/{role}/defaults/main.yml, or make required in the spec: {absent}"


@pytest.mark.parametrize("role", ROLES)
def test_the_default_that_a_spec_states_is_the_one_that_applies(role):
    given = {name: literal(value) for name, value in defaults(role).items()}
    wrong = [
        f"{name}: the spec says {option['default']!r}, defaults/main.yml {given[name]!r}"
        for name, option in options(role).items()
        if "default" in option and given.get(name) is not None and literal(option["default"]) != given[name]
    ]
    assert not wrong, f"Make them equal in roles/{role}: {wrong}"


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_readme_is_the_one_that_its_spec_makes(role):
    result = run(sys.executable, "bin/role-readme", "--check", role)
    assert result.status == 0, result.output


@pytest.mark.parametrize("role", ROLES)
def test_a_role_names_its_variables_after_itself(role):
    public = [*options(role), *defaults(role)]
    internal = [name for file in (ROOT / "roles" / role / "vars").glob("*.yml") for name in load(file) or {}]
    internal += [task["register"] for task in tasks(role) if "register" in task]
    facts = [name for task in tasks(role) for name in task.get("ansible.builtin.set_fact", {}) if name != "cacheable"]
    wrong = [name for name in [*public, *facts] if not name.startswith((f"{role}_", f"__{role}_"))]
    wrong += [name for name in public if name.startswith("__")]
    wrong += [name for name in internal if not name.startswith(f"__{role}_")]
    assert not wrong, f"In roles/{role} name public variables {role}_x, internal and registered ones __{role}_x: {sorted(set(wrong))}"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_like_a_table_of_contents_and_checks_its_inputs(role):
    file = ROOT / "roles" / role / "tasks/main.yml"
    lines = len(file.read_text().splitlines())
    assert lines <= 80, f"roles/{role}/tasks/main.yml has {lines} lines: move a step to a file of its own and import it."
    assert (file.parent / "validate.yml").exists(), f"roles/{role}/tasks/validate.yml is missing: check the inputs there."
    imported = [task.get("ansible.builtin.import_tasks", task.get("ansible.builtin.include_tasks")) for task in load(file)]
    assert "validate.yml" in imported, f"roles/{role}/tasks/main.yml does not import validate.yml: make it the first task."


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_is_short_and_can_be_typed_from_the_root(playbook):
    lines = len((ROOT / "playbooks" / playbook).read_text().splitlines())
    assert lines <= 60, f"playbooks/{playbook} has {lines} lines: what it does belongs in roles."
    at_root = load(ROOT / playbook) or []
    imported = [play.get("ansible.builtin.import_playbook") for play in at_root]
    assert imported == [f"playbooks/{playbook}"], f"Make {playbook} at the root with nothing but import_playbook: playbooks/{playbook}"


def test_no_file_holds_a_path_of_one_machine():
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        for folder in MACHINE_PATH.findall(line)
        if not (folder == "root" and IMAGES.search(name))
    ]
    assert not found, "Say it relative to the repository, or with a variable:\n" + "\n".join(found)


def test_no_file_holds_the_address_of_a_package_registry():
    found = [f"{name}: {host}" for name, text in texts().items() for host in set(HOST.findall(text.lower())) if is_registry(host)]
    assert not found, "Leave it to the machine's own configuration (uv pip compile has --no-emit-index-url):\n" + "\n".join(found)


@functools.cache
def is_registry(host: str) -> bool:
    labels = host.split(".")
    domains = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return any(hashlib.sha256(domain.encode()).hexdigest()[:16] in REGISTRIES for domain in domains)


def test_nothing_is_put_off():
    mark = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if mark.search(line)
    ]
    assert not found, "Do it, or open an issue:\n" + "\n".join(found)


@pytest.mark.parametrize(("kind", "name"), DOCUMENTED)
def test_a_plugin_is_documented_with_an_example_and_since_when(kind, name):
    doc = documentation().get((kind, name), {})
    lacking = [part for part in ("short_description", "description", "version_added") if not doc.get(part)]
    lacking += ["examples"] if kind in ("module", "filter") and not doc.get("examples") else []
    # In `{support: full, description: It stops, then starts.}` the comma begins another key.
    broken = [part for part, attribute in doc.get("attributes", {}).items() if None in attribute.values()]
    assert not broken, f"The {kind} {name} has a comma in its attributes {broken} that wants quotes around the text."
    assert not lacking, f"The {kind} {name} lacks {lacking}; try: ansible-doc -t {kind} {COLLECTION}.{name}"


@pytest.mark.parametrize("name", [name for kind, name in DOCUMENTED if kind == "module"])
def test_a_module_accepts_the_options_that_it_documents(name):
    documented = {
        option: (bool(spec.get("required")), spec.get("default"), spec.get("type", "str"))
        for option, spec in documentation()["module", name].get("options", {}).items()
    }
    if (PLUGINS / "action" / f"{name}.py").exists():
        action = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.action.{name}")
        assert sorted(action.ActionModule._VALID_ARGS) == sorted(documented), f"Make DOCUMENTATION and _VALID_ARGS of {name} equal."
    else:
        accepted = {
            option: (bool(spec.get("required")), spec.get("default"), spec.get("type", "str"))
            for option, spec in argument_spec(name).items()
        }
        assert accepted == documented, f"Make DOCUMENTATION and argument_spec of {name} equal."


def argument_spec(name: str) -> dict[str, dict]:
    """What a module hands to AnsibleModule, caught on the way."""

    class Caught(BaseException):
        """Not an Exception: a module's own handlers must not swallow it."""

    def catch(_, argument_spec, **_kwargs):
        raise Caught(argument_spec)

    module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ansible.module_utils.basic.AnsibleModule, "__init__", catch)
        with pytest.raises(Caught) as caught:
            module.main()
    return caught.value.args[0]


@pytest.mark.parametrize("name", [name for kind, name in DOCUMENTED if kind == "filter"])
def test_a_filter_accepts_the_options_that_it_documents(name):
    found = [
        filters[name]
        for file in (PLUGINS / "filter").glob("*.py")
        for filters in [importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.filter.{file.stem}").FilterModule().filters()]
        if name in filters
    ]
    _, *accepted = inspect.signature(found[0]).parameters
    documented = [option for option in documentation()["filter", name]["options"] if option != "_input"]
    assert sorted(accepted) == sorted(documented), f"Make the options of plugins/filter/{name}.yml and the function's parameters equal."


def test_every_action_is_documented_by_a_module_of_its_name():
    actions = {file.stem for file in (PLUGINS / "action").glob("*.py") if not file.name.startswith("_")}
    undocumented = sorted(action for action in actions if ("module", action) not in DOCUMENTED)
    assert not undocumented, f"ansible-doc looks for an action's documentation in plugins/modules/NAME.py. Write it for: {undocumented}"


def test_the_collections_here_are_those_that_ours_depends_on():
    result = run("ansible-galaxy", "collection", "list", "--format", "json")
    assert result.status == 0, result.output
    folders = json.loads(next(line for line in result.output.splitlines() if line.startswith("{")))
    installed = {name: found["version"] for folder in folders.values() for name, found in folder.items()}
    needed = load(PLUGINS.parent / "galaxy.yml")["dependencies"]
    wrong = [
        f"{name} {wanted}: {installed.get(name, 'absent')}"
        for name, wanted in needed.items()
        if installed.get(name, "*") == "*" or installed[name] not in packaging.specifiers.SpecifierSet(wanted)
    ]
    assert not wrong, f"The environment is not the lock's. Type: make setup ({wrong})"


def test_the_services_runbook_knows_every_alarm_and_no_other():
    declared = set(re.findall(r"(?m)^  - name: ([\w-]+)", (ROOT / "roles/aws_monitoring/vars/main/alarms.yml").read_text(encoding="utf-8")))
    section = (ROOT / "service_template/docs/runbook.md.j2").read_text(encoding="utf-8").partition("## Alarms")[2]
    assert set(re.findall(r"(?m)^\| `([\w-]+)` \|", section)) == declared


def test_the_surveys_are_those_that_the_argument_specs_make():
    result = run(sys.executable, "bin/surveys", "--check")
    assert result.status == 0, result.output


def test_ansible_builder_takes_the_execution_environment_and_its_versions_are_the_locks(tmp_path):
    made = run("ansible-builder", "create", "--file", "execution-environment.yml", "--context", tmp_path)
    assert made.status == 0, made.output
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    needs = load(ROOT / "execution-environment.yml")["dependencies"]
    pinned = [needs["ansible_core"]["package_pip"], *(one for one in needs["python"] if "==" in one)]
    other = [one for one in pinned if not re.search(rf"(?m)^{re.escape(one)}\b", lock)]
    assert not other, f"Write the versions of requirements.lock in execution-environment.yml: {other}"
    (recipe,) = tmp_path.glob("*file")
    assert f'ARG ANSIBLE_INSTALL_REFS="{needs["ansible_core"]["package_pip"]} ' in recipe.read_text(encoding="utf-8")


DOCUMENTS = sorted(name for name in texts() if name.endswith(".md") and not name.startswith(("service_template/", "seed/")))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_link_in_a_document_leads_to_a_file_that_is_there(name):
    links = re.findall(r"\]\((?!\w+:|#)([^)\s]+)\)", re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", texts()[name]))
    missing = [link for link in links if not ((ROOT / name).parent / link.partition("#")[0]).exists()]
    assert not missing, f"{name} leads to what is not there: {missing}"


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.count("/") < 2 and not name.startswith("roles/")])
def test_a_command_in_a_document_can_be_typed(name):
    typed = re.findall(r"\b(\w+\.yml)((?: +(?:\[?-e (?:\"[^\"\n]*\"|'[^'\n]*'|[^\s`]+)|-i [\w/]+|-[\w-]+))*)", texts()[name])
    commands = [(playbook, options) for playbook, options in typed if f"ansible-playbook {playbook}" in texts()[name] or "-e " in options]
    unknown = sorted({playbook for playbook, _ in commands if playbook not in PLAYBOOKS})
    assert not unknown, f"{name} has a command whose playbook is not there: {unknown}"
    keys = {key for _, options in commands for key in re.findall(r"-e [\"']?(\w+)=", options)}
    assert keys <= inputs(), f"{name} has a command with a variable that nobody reads: {sorted(keys - inputs())}"


@functools.cache
def inputs() -> frozenset[str]:
    """What can be given with -e: what a role's defaults, and the plugins that take the inputs of a service, look for."""
    asked = [re.findall(r"\b(\w+) \| default\(", file.read_text(encoding="utf-8")) for file in ROOT.glob("roles/*/defaults/main.yml")]
    specs = load(ROOT / "roles/service_repository/meta/argument_specs.yml")["argument_specs"].values()
    return frozenset(["name", *(key for keys in asked for key in keys), *(key for spec in specs for key in spec.get("options", {}))])
