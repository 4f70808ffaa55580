#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of an action plugin; ansible-doc looks for it here. The work is done in action/service_standing.py."""

DOCUMENTATION = r"""
---
module: service_standing
short_description: Tell in which environments a service stands on AWS
description:
  - For staging and production the inventory is believed, whatever inventory the play was given; a service stands there unless its
    C(service_state) is V(absent).
  - A sandbox that runs is asked for what has the service's tag. One that does not run holds nothing.
  - Implemented as an action plugin; it runs on the controller.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The service's name.
    type: str
    required: true
  inventories:
    description: The folder of the inventories.
    type: path
    required: true
  sandbox_url:
    description: Where the sandbox answers if it runs.
    type: str
    required: true
attributes:
  check_mode: {support: full, description: It reads only.}
  diff_mode: {support: none, description: There is nothing to show.}
  idempotent: {support: full, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: Look for what stands on AWS
  little_service.factory.service_standing:
    name: orbit-ledger
    inventories: /opt/little-service/inventories
    sandbox_url: http://127.0.0.1:4566
  register: aws
"""

RETURN = r"""
standing:
  description: A line for each environment in which the service stands, with what tells so and the command that takes it down.
  type: list
  elements: str
  returned: success
"""
