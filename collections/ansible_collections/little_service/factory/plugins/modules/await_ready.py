#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait for what takes minutes on AWS, all of it at once."""

DOCUMENTATION = r"""
---
module: await_ready
short_description: Wait for databases, caches and environments together
description:
  - Waits until all of them serve, so that the wait lasts as long as the slowest. Meanwhile it says of each its state, for how long it has
    been waited for, and what AWS last said of it.
  - Ends at once, with AWS's own words, where one of them cannot become ready.
  - Changes nothing. In check mode nothing is waited for, and what is not known yet reads C((known after apply)).
  - "Not boto3's waiters: they wait for one kind of thing, for Beanstalk at most 400 s, and say nothing meanwhile."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  databases:
    description: Names of instances on RDS.
    type: list
    elements: str
    default: []
  caches:
    description: Names of replication groups on ElastiCache.
    type: list
    elements: str
    default: []
  environments:
    description: Names of environments on Elastic Beanstalk.
    type: list
    elements: str
    default: []
  timeout:
    description: For how many seconds at most.
    type: int
    default: 3600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Wait for what takes minutes
  little_service.factory.await_ready:
    databases: [orbit-ledger-production]
    caches: [orbit-ledger-production]
    environments: [orbit-ledger-production, orbit-ledger-production-worker]
"""

RETURN = r"""
databases:
  description: Of each database C(host) and C(port).
  type: dict
  returned: success
caches:
  description: Of each cache C(host), C(port) and its C(nodes).
  type: dict
  returned: success
environments:
  description:
    - Of each environment C(health), C(errors) where it is not well, C(version), C(cname), and what its metrics are known by - its
      Auto Scaling C(groups), C(balancers) and C(target_groups).
  type: dict
  returned: success
"""

from ansible_collections.little_service.factory.plugins.module_utils import readiness
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

KINDS = {"databases": readiness.Database, "caches": readiness.Cache, "environments": readiness.Environment}


def main():
    module = AwsModule(
        {
            "databases": {"type": "list", "elements": "str", "default": []},
            "caches": {"type": "list", "elements": "str", "default": []},
            "environments": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 3600},
        }
    )
    awaited = {kind: [make(module, name) for name in module.params[kind]] for kind, make in KINDS.items()}
    everything = [one for listed in awaited.values() for one in listed]
    with module.telling("place on AWS"):
        if module.check_mode:
            for one in everything:
                one.look()
        else:
            wait(module, everything)
        facts = {kind: {one.name: one.facts() if one.is_ready else one.unknown() for one in listed} for kind, listed in awaited.items()}
    module.done([], **facts)


def wait(module, everything):
    def look():
        for one in everything:
            if not one.is_ready:
                one.look()
                one.check()
        waited_for = [one.said() for one in everything if not one.is_ready]
        return not waited_for, "; ".join(waited_for) or "ready"

    module.wait_until("place on AWS", look, module.params["timeout"])


if __name__ == "__main__":
    main()
