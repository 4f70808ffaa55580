"""`new_service.yml`, run as a developer runs it."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT, Workshop


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def snapshot(folder):
    """Every path below a folder with its mode and content."""
    return {
        path.relative_to(folder): (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A service made once, for the tests that only look at it."""
    folder = tmp_path_factory.mktemp("made")
    workshop = Workshop(folder / "services", folder / "inventories")
    result = workshop.new_service("Orbit_Ledger", github="little-service/orbit-ledger")
    assert result.status == 0, result.output
    return workshop, result


def test_it_makes_a_git_repository_with_one_commit_and_nothing_left_over(made):
    workshop, result = made
    path = workshop.services / "orbit-ledger"
    assert git(path, "branch", "--show-current") == "main"
    assert git(path, "log", "--format=%s", "--all") == "Make orbit-ledger with Little Service 0.1.0"
    assert git(path, "rev-parse", "main") == git(path, "rev-parse", "template")
    assert git(path, "status", "--porcelain", "--ignored") == ""
    assert git(path, "remote", "get-url", "origin") == "git@github.com:little-service/orbit-ledger.git"
    assert [child.name for child in workshop.services.iterdir()] == ["orbit-ledger"]
    assert f"Made {path}" in result.words
    assert "ansible-playbook local_up.yml -e name=orbit-ledger" in result.words


def test_it_registers_the_service_in_each_inventory(made):
    workshop, _ = made
    states = {}
    for environment in ("sandbox", "staging", "production", "local"):
        content = yaml.safe_load((workshop.inventories / environment / "orbit-ledger.yml").read_text())
        states[environment] = content["services"]["hosts"]["orbit-ledger"]
    assert [states[name]["service_state"] for name in ("sandbox", "staging", "production")] == ["present", "absent", "absent"]
    assert states["local"]["service_path"] == str(workshop.services / "orbit-ledger")
    assert states["production"]["service_github"] == "little-service/orbit-ledger"
    assert not any("service_path" in states[name] for name in ("sandbox", "staging", "production"))


def test_the_answers_file_holds_every_input_and_the_template_version(made):
    workshop, _ = made
    content = yaml.safe_load((workshop.services / "orbit-ledger/.little-service.yml").read_text())
    assert content["template"]["version"] == "0.1.0"
    assert content["answers"]["name"] == "orbit-ledger"
    assert content["answers"].keys() == {
        "name", "description", "owner_name", "owner_email", "python_version", "time_zone", "github", "branch", "celery", "ci",
    }  # fmt: skip


def test_what_is_made_follows_from_the_name_and_from_nothing_else(made, workshop):
    """Two services differ in their names only: no file holds the words of another one."""
    first = made[0].services / "orbit-ledger"
    assert workshop.new_service("comet-tail", github="little-service/comet-tail").status == 0
    second = workshop.services / "comet-tail"
    names = git(first, "ls-files").splitlines()
    assert {neutral(name) for name in names} == {neutral(name) for name in git(second, "ls-files").splitlines()}
    for name in names:
        text = (first / name).read_text(errors="replace")
        other = second / name.replace("orbit_ledger", "comet_tail")
        assert neutral(text) == neutral(other.read_text(errors="replace")), name


def neutral(text: str) -> str:
    """The text with a service's name, in each of its forms, as NAME."""
    return re.sub("orbit[-_ ]?ledger|comet[-_ ]?tail", "NAME", text, flags=re.IGNORECASE)


def test_a_second_run_changes_nothing_whatever_the_developer_did(workshop):
    assert workshop.new_service("orbit").changed == 2
    path = workshop.services / "orbit"
    (path / "README.md").unlink()
    (path / "Dockerfile").write_text("FROM scratch\n")
    (path / "notes.txt").write_text("mine\n")
    before = snapshot(workshop.services), snapshot(workshop.inventories)
    again = workshop.new_service("ORBIT", celery="false")
    assert (again.status, again.changed) == (0, 0), again.output
    assert (snapshot(workshop.services), snapshot(workshop.inventories)) == before
    assert "Without effect, since it was made with other answers: celery." in again.words


def test_a_service_without_its_answers_file_is_still_its_developers(workshop):
    workshop.new_service("orbit")
    (workshop.services / "orbit/.little-service.yml").unlink()
    again = workshop.new_service("orbit")
    assert (again.status, again.changed) == (0, 0), again.output


def test_check_mode_shows_what_the_run_then_makes_and_writes_nothing(workshop, tmp_path):
    checked = workshop.new_service("orbit", "--check", "--diff", celery="false")
    assert checked.status == 0, checked.output
    assert list(tmp_path.iterdir()) == []
    real = workshop.new_service("orbit", celery="false")
    assert checked.changed == real.changed == 2
    shown = {line.removeprefix("+++ after: ") for line in checked.output.splitlines() if line.startswith("+++ ")}
    path = workshop.services / "orbit"
    made = {str(path / name) for name in git(path, "ls-files").splitlines()}
    made |= {str(file) for file in workshop.inventories.rglob("*.yml")}
    assert shown == made


def test_in_another_services_dir_a_registered_service_is_not_made_twice(workshop, tmp_path):
    workshop.new_service("orbit")
    elsewhere = workshop.new_service("orbit", services_dir=tmp_path / "elsewhere")
    assert elsewhere.status == 2
    assert f"orbit is registered at {workshop.services / 'orbit'}" in elsewhere.words
    assert not (tmp_path / "elsewhere").exists()


def test_services_keep_their_ports_and_no_two_share_one(workshop):
    for name in ("orbit", "ledger", "comet"):
        assert workshop.new_service(name).status == 0
    ports = {
        name: yaml.safe_load((workshop.inventories / f"local/{name}.yml").read_text())["services"]["hosts"][name]["service_port"]
        for name in ("orbit", "ledger", "comet")
    }
    assert len(set(ports.values())) == 3
    assert all(port == 88 or port >= 8001 for port in ports.values())
    taken = workshop.new_service("moon", service_port=ports["ledger"])
    assert taken.status == 2
    assert f"service_port {ports['ledger']} is that of the service ledger" in taken.words
    assert not (workshop.services / "moon").exists()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"python_version": "2.7"}, "python_version is '2.7'"),
        ({"time_zone": "Mars/Olympus"}, "time_zone is 'Mars/Olympus'"),
        ({"github": "https://github.com/a/b"}, "not owner/repository"),
        ({"branch": "a..b"}, "branch is 'a..b'"),
        ({"branch": "template"}, "holds what the template made"),
        ({"celery": "maybe"}, "celery"),
        ({"ci": "jenkins"}, "ci is 'jenkins'"),
        ({"owner_email": "nobody"}, "not an address"),
        ({"service_port": "6000"}, "browsers refuse"),
        ({"service_port": "http"}, "not a number"),
        ({"service_port": "70000"}, "between 1 and 65535"),
        ({"description": "{{ secret }}"}, "Ansible would evaluate"),
        ({"services_dir": "service_template/x"}, "inside service_template/"),
        ({"services_dir": "Makefile"}, "is a file"),
    ],
)
def test_a_wrong_input_is_named_and_nothing_is_written(workshop, tmp_path, variables, words):
    result = workshop.new_service("orbit", **variables)
    assert result.status == 2, result.output
    assert words in result.words
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("typed", ["", "orbit ledger", "../orbit", "{{ 7 * 7 }}", "{{ undefined }}", "web", "x" * 23])
def test_a_wrong_name_is_refused_with_a_name_that_would_do(workshop, tmp_path, typed):
    result = workshop.new_service(typed)
    assert result.status == 2, result.output
    assert "cannot be used" in result.words
    assert "Type for example: -e name=" in result.words
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_ours_is_left_alone(workshop):
    stranger = workshop.services / "orbit"
    stranger.mkdir(parents=True)
    (stranger / "thesis.txt").write_text("years of work\n")
    before = snapshot(workshop.services)
    result = workshop.new_service("orbit")
    assert result.status == 2
    assert "exists and is not a service of that name" in result.words
    assert snapshot(workshop.services) == before
    assert not workshop.inventories.exists()


def test_a_colleagues_service_is_to_be_cloned_and_not_made_again(workshop):
    workshop.new_service("orbit", github="little-service/orbit")
    (workshop.inventories / "local/orbit.yml").unlink()
    (workshop.services / "orbit").rename(workshop.services.parent / "clone")
    result = workshop.new_service("orbit")
    assert result.status == 2
    assert f"git clone git@github.com:little-service/orbit {workshop.services / 'orbit'}" in result.words
    (workshop.services.parent / "clone").rename(workshop.services / "orbit")
    cloned = workshop.new_service("orbit")
    assert (cloned.status, cloned.changed) == (0, 1), cloned.output


def test_an_identity_of_last_resort_where_git_has_none(workshop, tmp_path):
    result = workshop.new_service("orbit", env={"HOME": str(tmp_path / "nobody"), "XDG_CONFIG_HOME": str(tmp_path / "nobody")})
    assert result.status == 0, result.output
    assert git(workshop.services / "orbit", "log", "-1", "--format=%an <%ae>") == "Little Service <little-service@localhost>"


def test_the_users_hooks_signing_and_ignore_file_do_not_reach_the_first_commit(workshop, tmp_path):
    home = tmp_path / "home"
    hook = home / "hooks/pre-commit"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (home / "ignore").write_text("*\n")
    (home / ".gitconfig").write_text(
        f"[core]\nhooksPath = {hook.parent}\nexcludesFile = {home / 'ignore'}\n"
        "[commit]\ngpgsign = true\n[user]\nname = Ada\nemail = ada@example.org\n"
    )
    result = workshop.new_service("orbit", env={"HOME": str(home), "GIT_DIR": str(tmp_path / "elsewhere")})
    assert result.status == 0, result.output
    path = workshop.services / "orbit"
    assert git(path, "log", "-1", "--format=%an <%ae>") == "Ada <ada@example.org>"
    assert "README.md" in git(path, "ls-files").splitlines()


def test_two_runs_at_once_make_one_service(workshop):
    command = ["ansible-playbook", "new_service.yml", "-e", "name=orbit"]
    for key, value in workshop.variables.items():
        command += ["-e", f"{key}={value}"]
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(3)]
    outputs = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], outputs
    assert git(workshop.services / "orbit", "rev-list", "--count", "--all") == "1"
    assert [child.name for child in workshop.services.iterdir()] == ["orbit"]
