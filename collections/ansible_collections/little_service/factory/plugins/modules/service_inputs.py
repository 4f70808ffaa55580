#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of an action plugin; ansible-doc looks for it here. The work is done in action/service_inputs.py."""

DOCUMENTATION = r"""
---
module: service_inputs
short_description: Check every input of a new service and tell what follows from them
description:
  - Refuses names, versions, ports and folders that would not work, with the reason and what to type instead.
  - Reads only, so a run that is refused has written nothing.
  - Implemented as an action plugin; it runs on the controller.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  inputs:
    description:
      - What was typed, under the names that the answers file has.
      - The keys are C(name), C(description), C(owner_name), C(owner_email), C(python_version), C(time_zone),
        C(github), C(branch), C(celery) and C(ci).
      - Empty C(owner_name) and C(owner_email) become git's own, or an identity of last resort.
    type: dict
    required: true
  raw_params:
    description: What Ansible cut off a name with spaces (its C(_raw_params)).
    type: str
    required: true
  root:
    description: This project's folder, with C(service_template) in it.
    type: path
    required: true
  inventories:
    description: The folder of the inventories.
    type: path
    required: true
  services_dir:
    description: The folder for the service's folder; empty takes C(services) in O(root), or where the service is registered.
    type: str
    required: true
  service_port:
    description: The port that was asked for; empty leaves the choice to M(little_service.factory.service_registration).
    type: str
    required: true
attributes:
  check_mode: {support: full, description: It changes nothing in any mode.}
  diff_mode: {support: none, description: There is nothing to show.}
  idempotent: {support: full, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: Check the inputs
  little_service.factory.service_inputs:
    inputs: {name: Orbit_Ledger, description: Keeps orbits., owner_name: "", owner_email: "", python_version: "3.13",
             time_zone: UTC, github: "", branch: main, celery: true, ci: circleci}
    raw_params: ""
    root: /opt/little-service
    inventories: /opt/little-service/inventories
    services_dir: ""
    service_port: ""
"""

RETURN = r"""
answers:
  description: The content of the answers file, in its order.
  type: dict
  returned: success
variables:
  description: The variables of the template.
  type: dict
  returned: success
path:
  description: Where the service's folder is or will be.
  type: str
  returned: success
without_effect:
  description: Inputs that were typed and differ from what an existing service was made with.
  type: list
  elements: str
  returned: success
"""
