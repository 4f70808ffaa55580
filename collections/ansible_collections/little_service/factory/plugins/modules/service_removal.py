#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of an action plugin; ansible-doc looks for it here. The work is done in action/service_removal.py."""

DOCUMENTATION = r"""
---
module: service_removal
short_description: Remove a service's registration, and where asked its folder
description:
  - Removes the service's file of each inventory. Whether anything of it runs or stands is for the caller to check before.
  - The folder goes only where that is asked for, and only where all that its developer made is elsewhere too. Committed and pushed, every
    branch and tag, with nothing stashed, and no file that git neither knows nor ignores. The remotes themselves are asked.
  - What git ignores goes with the folder. No symbolic link is followed, and nothing that is mounted in the folder is removed.
  - Safe to kill at any moment. The next run removes the rest.
  - Implemented as an action plugin; it runs on the controller.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The service's name.
    type: str
    required: true
  path:
    description: The service's folder; empty where it is not on this machine. It may be gone.
    type: str
    required: true
  inventories:
    description: The folder with an inventory folder for C(sandbox), C(staging), C(production) and C(local).
    type: path
    required: true
  delete_files:
    description: Whether to remove the folder.
    type: bool
    required: true
  data_may_be_lost:
    description: Whether to remove the folder also where not all of it is elsewhere.
    type: bool
    required: true
attributes:
  check_mode: {support: full, description: Tells what would be removed.}
  diff_mode: {support: full, description: Shows each file of the registration that is removed.}
  idempotent: {support: full, description: What is gone is not removed again.}
"""

EXAMPLES = r"""
- name: Remove the service
  little_service.factory.service_removal:
    name: orbit-ledger
    path: /srv/services/orbit-ledger
    inventories: /opt/little-service/inventories
    delete_files: true
    data_may_be_lost: false
"""

RETURN = r"""
files:
  description: The files of the registration that were removed.
  type: list
  elements: str
  returned: success
folder:
  description: The folder that was removed, empty where it stays or is gone already.
  type: str
  returned: success
"""
