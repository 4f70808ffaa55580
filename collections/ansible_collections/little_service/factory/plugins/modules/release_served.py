#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A commit that serves."""

DOCUMENTATION = r"""
---
module: release_served
short_description: Wait until a commit serves
description:
  - Waits until environments of Elastic Beanstalk are well, and the first one's C(/version) says the commit, three times running.
  - Changes nothing.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  application:
    description: The application's name.
    type: str
    required: true
  environments:
    description: The names of the environments, that of the web first.
    type: list
    elements: str
    required: true
  commit:
    description: The commit that is to answer; empty takes any.
    type: str
    default: ""
  domain:
    description: The service's domain; empty asks at the name that Beanstalk gives.
    type: str
    default: ""
  answers:
    description: Whether anything runs that could answer. In the sandbox's control mode nothing does.
    type: bool
    default: true
  timeout:
    description: For how many seconds at most.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: See that it serves
  little_service.factory.release_served:
    application: orbit-ledger-staging
    environments: [orbit-ledger-staging]
    commit: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567
"""

RETURN = r"""
address:
  description: The service's address.
  type: str
  returned: success
version:
  description: The label of the version that the first environment runs.
  type: str
  returned: success
commit:
  description: The commit that answers; empty where nothing was asked.
  type: str
  returned: success
"""

import json
import urllib.error
import urllib.parse

from ansible.module_utils.urls import open_url
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.beanstalk_standing import Standing

TIMES = 3  # a load balancer may still lead to an instance that is on its way out
SECONDS = 10  # for one answer


class Serving(Standing):
    """An environment that is to be well."""

    failing = "does not serve"

    def __init__(self, module, name):
        self.name = name
        self.stands(module, module.params["application"])
        self.found = self.find()
        if self.found is None:
            raise declared.DeclarationError(f"The {self} does not stand. It is made by aws_up.yml.")

    def __str__(self):
        return f"environment {self.name}"

    def address(self, domain):
        """Where it answers. https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-alb.html"""
        given = {(one["Namespace"], one["OptionName"]): one.get("Value") for one in self.settings()}
        secure = given.get(("aws:elbv2:listener:443", "ListenerEnabled")) == "true"
        return f"{'https' if secure and domain else 'http'}://{domain or self.found.get('CNAME', '')}/"


class Answer:
    """What ``/version`` says, and how often it said what is wanted."""

    def __init__(self, address, wanted):
        self._url, self._wanted, self._times, self.commit = f"{address}version", wanted, 0, ""
        self._is_local = urllib.parse.urlsplit(address).hostname in ("127.0.0.1", "localhost")

    def look(self):
        """Whether it is enough, in the form of ``wait_until``."""
        said = self._said()
        right = bool(self.commit) and self.commit == (self._wanted or self.commit)
        self._times = self._times + 1 if right else 0
        return self._times >= TIMES, said

    def _said(self):
        self.commit = ""
        try:
            with open_url(self._url, timeout=SECONDS, use_proxy=not self._is_local) as answer:
                self.commit = str(json.load(answer).get("commit", ""))
        except urllib.error.HTTPError as error:
            return f"{self._url} answers {error.code}"
        except (OSError, ValueError, AttributeError) as error:
            return f"{self._url} does not answer: {getattr(error, 'reason', None) or error}"
        return f"{self._url} says commit {self.commit[:12] or 'unknown'}"


def main():
    module = AwsModule(
        {
            "application": {"type": "str", "required": True},
            "environments": {"type": "list", "elements": "str", "required": True},
            "commit": {"type": "str", "default": ""},
            "domain": {"type": "str", "default": ""},
            "answers": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 600},
        }
    )
    with module.telling("release"):
        serving = [Serving(module, name) for name in module.params["environments"]]
        address = serving[0].address(module.params["domain"])
        answer = Answer(address, module.params["commit"])
        if not module.check_mode:
            for one in serving:
                module.wait_until(one, one.look, module.params["timeout"])
            if module.params["answers"]:
                module.wait_until("service", answer.look, module.params["timeout"])
    module.done([], address=address, version=serving[0].found.get("VersionLabel", ""), commit=answer.commit)


if __name__ == "__main__":
    main()
