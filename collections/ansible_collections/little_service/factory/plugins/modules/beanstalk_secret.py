#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One environment variable that containers get from a secret."""

DOCUMENTATION = r"""
---
module: beanstalk_secret
short_description: Have environments of Elastic Beanstalk read a secret into a variable
description:
  - Keeps one of the environments' secrets, without touching the others, or removes it.
  - Beanstalk reads secrets when it deploys. Where a secret was written after an environment last did, its containers are started anew.
  - An environment that does not stand is passed over; M(little_service.factory.beanstalk_environment) gives it all secrets when it is made.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  application:
    description: The application's name.
    type: str
    required: true
  environments:
    description: The names of the environments.
    type: list
    elements: str
    required: true
  variable:
    description: The name of the variable.
    type: str
    required: true
  state:
    description: C(absent) has the variable removed.
    type: str
    choices: [present, absent]
    default: present
  arn:
    description: The ARN of the secret.
    type: str
    default: ""
  written:
    description: When the secret's value was last written, in the form of ISO 8601. Without it nothing is started anew.
    type: str
    default: ""
  timeout:
    description: Seconds after which any wait is given up.
    type: int
    default: 2700
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Have the containers get the key
  little_service.factory.beanstalk_secret:
    application: orbit-ledger-production
    environments: [orbit-ledger-production, orbit-ledger-production-worker]
    variable: STRIPE_KEY
    arn: arn:aws:secretsmanager:us-west-2:123456789012:secret:orbit-ledger/production/env/STRIPE_KEY-a1b2c3
"""

RETURN = r"""
environments:
  description: The names of the environments that stand.
  type: list
  elements: str
  returned: success
"""

import datetime

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.beanstalk_settings import SECRETS
from ansible_collections.little_service.factory.plugins.module_utils.beanstalk_standing import Standing


class Variable(Standing, declared.Resource):
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html"""

    kind = "environment"
    failing = "did not take the secret"

    def __init__(self, module, name):
        options = module.params
        self.stands(module, options["application"])
        self._option = {"Namespace": SECRETS, "OptionName": options["variable"]}
        self._written = datetime.datetime.fromisoformat(options["written"]) if options["written"] else None
        super().__init__(name, {"variable": options["variable"], "arn": options["arn"], "read_since_written": True})

    def __str__(self):
        return f"secret {self.wanted['variable']} of the environment {self.name}"

    def is_there(self):
        self.found = self.find()
        return self.found is not None and self.found["Status"] != "Terminating"

    def read(self):
        arn = next((one["Value"] for one in self.settings() if {k: one[k] for k in self._option} == self._option), None)
        # Whatever changes an environment deploys, and whoever deploys reads the secrets.
        is_old = self._written is not None and self.found["DateUpdated"] < self._written
        return arn and {"variable": self.wanted["variable"], "arn": arn, "read_since_written": not is_old}

    def create(self):
        self._change(OptionSettings=[{**self._option, "Value": self.wanted["arn"]}])

    def update(self, step):
        if "arn" in step.changes:
            self.create()
            return
        self.await_ready()
        self.since = self.found["DateUpdated"]
        self._eb.restart_app_server(EnvironmentId=self.found["EnvironmentId"])

    def delete(self):
        self._change(OptionsToRemove=[self._option])

    def _change(self, **options):
        self.await_ready()
        done = self._eb.update_environment(EnvironmentId=self.found["EnvironmentId"], **options)
        self.since = done["DateUpdated"]


def main():
    module = AwsModule(
        {
            "application": {"type": "str", "required": True},
            "environments": {"type": "list", "elements": "str", "required": True},
            "variable": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "arn": {"type": "str", "default": ""},
            "written": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 2700},
        }
    )
    with module.telling(f"secret {module.params['variable']}"):
        standing = [one for name in module.params["environments"] if (one := Variable(module, name)).is_there()]
    steps = declared.carry_out(module, standing, present=module.params["state"] == "present")
    for variable in [resource for resource, _ in steps] if not module.check_mode else []:
        with module.telling(variable):
            module.wait_until(variable, variable.look, module.params["timeout"])
    module.done(steps, environments=[one.name for one in standing])


if __name__ == "__main__":
    main()
