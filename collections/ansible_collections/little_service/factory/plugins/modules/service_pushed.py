#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a service's remote holds. The action plugin of this name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: service_pushed
short_description: Compare a service's branch with its remote's
description:
  - Tells which commit the remote's branch holds, and refuses where the branch of this machine is ahead of it, unless that is to be pushed.
  - Where the service is not on this machine, or has no such remote, nothing is known and nothing is refused.
  - It runs on the control node.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  path:
    description: The service's folder; it need not be there.
    type: path
    required: true
  branch:
    description: The branch.
    type: str
    required: true
  remotes:
    description: The names of git remotes; the first that the folder has is asked.
    type: list
    elements: str
    default: [origin]
  commit:
    description: The commit that is meant, whole or its first letters; then nothing is compared.
    type: str
    default: ""
  push:
    description: Whether to push the branch first.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: Nothing is pushed.}
  diff_mode: {support: none, description: Commits are counted.}
"""

EXAMPLES = r"""
- name: Look what the remote's branch holds
  little_service.factory.service_pushed:
    path: services/orbit-ledger
    branch: main
"""

RETURN = r"""
commit:
  description: The commit in full, empty where it is not known.
  type: str
  returned: success
pushed:
  description: Whether the branch was, or would be, pushed.
  type: bool
  returned: success
notes:
  description: What is worth knowing, such as changes that are not committed.
  type: list
  elements: str
  returned: success
"""
