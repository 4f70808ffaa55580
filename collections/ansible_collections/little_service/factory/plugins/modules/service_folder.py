#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of an action plugin; ansible-doc looks for it here. The work is done in action/service_folder.py."""

DOCUMENTATION = r"""
---
module: service_folder
short_description: Render a tree of templates into a git repository, whole or not at all
description:
  - Renders O(src) with Ansible's own templar, in memory, and writes it to a hidden folder beside O(path) that is then renamed.
  - Files that end in C(.j2) are rendered and lose that suffix; all others, symbolic links included, are copied as they are. Modes are kept.
  - The names of files and folders may hold variables. Undefined variables fail, with the file and the line.
  - The repository has one commit, on the branch C(template) and on the branch of the answers, which is checked out.
  - A folder that exists and is not empty is left as it is.
  - Safe to kill at any moment. The next run removes what a killed one left beside.
  - Implemented as an action plugin; it runs on the controller.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  src:
    description: The folder of templates.
    type: path
    required: true
  path:
    description: The folder to make.
    type: path
    required: true
  variables:
    description: The variables of the templates; no other can be used in them.
    type: dict
    required: true
  answers:
    description: The answers that choose the parts, the branch and the remote C(origin).
    type: dict
    required: true
  parts:
    description: For C(celery), C(circleci) and C(github), the patterns of paths that are left out without that part.
    type: dict
    required: true
attributes:
  check_mode: {support: full, description: The tree is rendered and nothing is written.}
  diff_mode: {support: full, description: Shows each file that is made.}
  idempotent: {support: full, description: A folder that exists is never changed.}
"""

EXAMPLES = r"""
- name: Render the template into a git repository
  little_service.factory.service_folder:
    src: /opt/little-service/service_template
    path: /srv/services/orbit-ledger
    variables: "{{ checked.variables }}"
    answers: "{{ checked.answers }}"
    parts: {celery: [server/config/celery.py], circleci: [.circleci], github: [.github]}
"""

RETURN = r"""
path:
  description: The folder.
  type: str
  returned: success
files:
  description: How many files and links were made, 0 where the folder was there.
  type: int
  returned: success
"""
