#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lock that lets one run at a time change a service."""

DOCUMENTATION = r"""
---
module: service_lock
short_description: Give a service's lock back
description:
  - Gives back the lease that this run's other modules took before their first write; where they took none it only reads.
  - It is named by O(lock). A run that ends without this has its lease end by itself.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Give the lock back
  little_service.factory.service_lock:
    lock: {bucket: artifacts, key: locks/production/orbit-ledger, holder: ada@laptop, pid: 4711}
"""

RETURN = r"""
released:
  description: Whether this run held the lock.
  type: bool
  returned: success
"""

from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule


def main():
    module = AwsModule({})
    with module.telling("lock"):
        released = False if module.check_mode else module.lease.release()
    # Not a change to the service: nothing of it differs.
    module.done([], released=released)


if __name__ == "__main__":
    main()
