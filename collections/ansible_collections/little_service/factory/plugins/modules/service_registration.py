#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of an action plugin; ansible-doc looks for it here. The work is done in action/service_registration.py."""

DOCUMENTATION = r"""
---
module: service_registration
short_description: Register a service in each inventory, once
description:
  - Writes one file per environment and one, not in git, for what belongs to this machine. Each appears whole or not at all.
  - A file that exists is never written again.
  - Implemented as an action plugin; it runs on the controller.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  inventories:
    description: The folder with an inventory folder for C(sandbox), C(staging), C(production) and C(local).
    type: path
    required: true
  template:
    description: The template of an environment's file.
    type: path
    required: true
  local_template:
    description: The template of this machine's file.
    type: path
    required: true
  variables:
    description: The template's variables; C(service_environment), C(service_path) and C(service_port) are added.
    type: dict
    required: true
  path:
    description: The service's folder on this machine.
    type: path
    required: true
  service_port:
    description: The port of the service's page on this machine; empty takes 88 for the first service, then the first free one from 8001 up.
    type: str
    required: true
attributes:
  check_mode: {support: full, description: Tells which files would be made.}
  diff_mode: {support: full, description: Shows each file that is made.}
  idempotent: {support: full, description: A file that exists is never changed.}
"""

EXAMPLES = r"""
- name: Register the service in the inventories
  little_service.factory.service_registration:
    inventories: /opt/little-service/inventories
    template: service.yml.j2
    local_template: local.yml.j2
    variables: "{{ checked.variables }}"
    path: /srv/services/orbit-ledger
    service_port: ""
"""

RETURN = r"""
service_port:
  description: The port of the service's page on this machine.
  type: int
  returned: success
files:
  description: The files that were made.
  type: list
  elements: str
  returned: success
"""
