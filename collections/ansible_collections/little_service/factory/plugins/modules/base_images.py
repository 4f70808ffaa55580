#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images from a registry, or stand-ins built from a distribution's packages where no registry answers."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: base_images
short_description: Have images from a registry, or stand-ins built from a distribution's packages
description:
  - Uses what the engine has; else pulls; else, with O(build=true), builds a stand-in.
  - A stand-in that was taken once is kept, also where the upstream image is there or a registry answers by now, since a database that
    was made with one MySQL may not open with an older one. It serves until it is removed.
  - A stand-in's tag ends in a digest of its recipe and of the CA bundle, so it is built again only when one of these changes.
  - Stand-ins carry the label C(org.little-service.stand-in=true).
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  images:
    description: The images that are wanted, by a name of the caller's.
    type: dict
    required: true
    suboptions: {}
  recipes:
    description: The folder with a build context C(NAME/Dockerfile) for each image; it begins with C(ARG ROOT) and C(FROM ${ROOT}).
    type: path
    required: true
  ca_bundle:
    description: The CA bundle that is built into stand-ins, as C(ca-bundle.crt) in the build context.
    type: path
    required: true
  bundle_pulled:
    description: The names of images that get the CA bundle also where they are pulled, as a small image of their own on top.
    type: list
    elements: str
    default: []
  patience:
    description: Seconds until a registry must have said what it has. One that does not is taken for one that does not answer.
    type: float
    default: 20
  build:
    description: Whether to build what is neither there nor to be pulled. Needs mmdebstrap and root.
    type: bool
    default: false
  mirror:
    description: The mirror of Debian that stand-ins are built from.
    type: str
    default: ""
notes:
  - Each value of O(images) has C(upstream), the reference in a registry; C(stand_in), a reference without a tag's digest; C(suite), the
    suite of Debian whose packages the stand-in is made of.
attributes:
  check_mode: {support: full, description: "Tells what would be got, and asks no registry. A pull and a build look alike then."}
  diff_mode: {support: none, description: There is nothing to show.}
  idempotent: {support: full, description: What is there is used.}
"""

EXAMPLES = r"""
- name: Have Redis
  little_service.factory.base_images:
    images: {redis: {upstream: "redis:8", stand_in: "localhost/little_service/redis:8.0", suite: trixie}}
    recipes: "{{ role_path }}/files"
    ca_bundle: /etc/ssl/certs/ca-certificates.crt
"""

RETURN = r"""
chosen:
  description: The reference that serves for each name.
  type: dict
  returned: success
got:
  description: What was done for each name that was not there, V(pulled) or V(built).
  type: dict
  returned: success
missing:
  description: The names of stand-ins that are to be built, each with the reason, such as the registry's words.
  type: dict
  returned: success
"""

import hashlib
import pathlib
import shutil
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.little_service.factory.plugins.module_utils import docker_pull

LABEL = "org.little-service.stand-in"


class BaseImages:
    """The images of one call. All that changes something goes through `docker` and `root`."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.images: dict[str, dict[str, str]] = module.params["images"]
        self.recipes = pathlib.Path(module.params["recipes"])
        self.bundle = pathlib.Path(module.params["ca_bundle"])
        self.present = set(self.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())

    def docker(self, *arguments: str) -> str:
        """Run docker and return what it printed; where it fails, fail with its words."""
        status, output, errors = self.module.run_command(["docker", *arguments])
        if status:
            self.module.fail_json(msg=f"docker {' '.join(arguments[:2])} failed: {errors.strip() or output.strip()}")
        return output

    def reference(self, name: str, base: str) -> str:
        """An image of our own: its tag ends in a digest of all that it is made of."""
        digest = hashlib.sha256(self.bundle.read_bytes() if self.bundle.is_file() else b"")
        for file in sorted((self.recipes / name).iterdir()):
            digest.update(file.name.encode() + file.read_bytes())
        return f"{base}-{digest.hexdigest()[:10]}"

    def bundled(self, name: str) -> str:
        """The reference of a pulled image with the CA bundle on top."""
        return self.reference("bundle", f"localhost/little_service/{self.images[name]['upstream']}")

    def stand_in(self, name: str) -> str:
        """The reference of a stand-in."""
        return self.reference(name, self.images[name]["stand_in"])

    def upstream(self, name: str) -> str:
        """The reference of what a registry gives."""
        return self.bundled(name) if name in self.module.params["bundle_pulled"] else self.images[name]["upstream"]

    def there(self, name: str) -> str | None:
        """What serves, of what the engine has."""
        wanted = [self.stand_in(name)] if self.is_stood_in_for(name) else [self.upstream(name)]
        return next((reference for reference in wanted if reference in self.present), None)

    def is_stood_in_for(self, name: str) -> bool:
        """Whether a stand-in was taken once, of this recipe or of an earlier one."""
        base = self.images[name]["stand_in"]
        return any(reference == base or reference.startswith(f"{base}-") for reference in self.present)

    def pull(self, name: str) -> str:
        """Pull an image. Returns the reason where it could not be got."""
        upstream = self.images[name]["upstream"]
        reason = docker_pull.pull(upstream, self.module.params["patience"])
        if not reason and name in self.module.params["bundle_pulled"]:
            self.build_image("bundle", self.bundled(name), upstream)
        return reason

    def build(self, name: str) -> None:
        """Build a stand-in on the root of its suite."""
        suite = self.images[name]["suite"]
        self.build_image(name, self.stand_in(name), self.root(suite))

    def build_image(self, recipe: str, reference: str, root: str) -> None:
        """Build a recipe; the tag without the digest is the newest, for people and tests."""
        with tempfile.TemporaryDirectory() as context:
            shutil.copytree(self.recipes / recipe, context, dirs_exist_ok=True)
            shutil.copy(self.bundle, pathlib.Path(context, "ca-bundle.crt"))
            self.docker("build", "--quiet", "--build-arg", f"ROOT={root}", "--label", f"{LABEL}=true", "--tag", reference, context)
            self.docker("tag", reference, reference.rpartition("-")[0])

    def root(self, suite: str) -> str:
        """The root file system of a suite as an image."""
        reference = f"localhost/little_service/debian:{suite}"
        if reference not in self.present:
            with tempfile.TemporaryDirectory() as folder:
                archive = pathlib.Path(folder, "root.tar")
                # sid's Release file may be older than it says it may be: what is wanted are its packages, not its news.
                command = ["mmdebstrap", "--variant=apt", "--include=ca-certificates,passwd", "--aptopt=Acquire::Check-Valid-Until false"]
                mirror = f"deb {self.module.params['mirror']} {suite} main"
                status, _, errors = self.module.run_command([*command, suite, str(archive), mirror])
                if status:
                    self.module.fail_json(msg=f"Debian's {suite} could not be unpacked: {errors.strip().splitlines()[-1:]}")
                with archive.open("rb") as stream:
                    subprocess.run(
                        ["docker", "import", "--change", f"LABEL {LABEL}=true", "-", reference],
                        stdin=stream,
                        capture_output=True,
                        check=True,
                    )
            self.present.add(reference)
        return reference


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "images": {"type": "dict", "required": True},
            "recipes": {"type": "path", "required": True},
            "ca_bundle": {"type": "path", "required": True},
            "bundle_pulled": {"type": "list", "elements": "str", "default": []},
            "patience": {"type": "float", "default": 20},
            "build": {"type": "bool", "default": False},
            "mirror": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    base = BaseImages(module)
    chosen, got, missing, unreachable = {}, {}, {}, ""
    for name in base.images:
        there = base.there(name)
        if there:
            chosen[name] = there
        elif module.params["build"]:
            if not module.check_mode:
                base.build(name)
            chosen[name], got[name] = base.stand_in(name), "built"
        elif base.is_stood_in_for(name):
            missing[name] = "what its stand-in is made of has changed"
        else:
            # Where one pull finds no registry, the others would find none either.
            unreachable = unreachable or ("not asked in check mode" if module.check_mode else base.pull(name))
            if unreachable:
                missing[name] = unreachable
            else:
                chosen[name], got[name] = base.upstream(name), "pulled"
    module.exit_json(changed=bool(got), chosen=chosen, got=got, missing=missing)


if __name__ == "__main__":
    main()
