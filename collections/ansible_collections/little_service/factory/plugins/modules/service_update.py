#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of an action plugin; ansible-doc looks for it here. The work is done in action/service_update.py."""

DOCUMENTATION = r"""
---
module: service_update
short_description: Merge what is new in the template into a service
description:
  - Renders today's template with the answers that the service has committed, commits that on its branch C(template), and merges the branch
    into the one that is checked out. The template is rendered beside the service; its working tree changes by the merge only.
  - Refuses a working tree with changes, an unfinished merge or rebase, a version of the template that this repository does not know,
    and files in the way that git does not know.
  - What the developer deleted stays deleted, also where the template has changed it, and is told.
  - All else that cannot be merged is a conflict, between git's own markers. The task does not fail by that: its difference is to be shown.
  - A missing branch C(template) is taken from C(origin), found in the service's history, or rendered from this repository's history.
  - Safe to kill at any moment. The next run takes back or finishes what a killed one began.
  - Implemented as an action plugin; it runs on the controller.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The service's name.
    type: str
    required: true
  path:
    description: The service's folder; empty where it is not on this machine.
    type: str
    required: true
  root:
    description: This project's folder, with the template and its history.
    type: path
    required: true
  parts:
    description: As for M(little_service.factory.service_folder).
    type: dict
    required: true
  inputs:
    description: Every question of today's template with its default. Those that the service has answered keep their answers.
    type: dict
    required: true
  must_be_here:
    description: Whether it is an error that the service is not on this machine.
    type: bool
    required: true
attributes:
  check_mode: {support: full, description: "git itself foresees the merge, conflicts included, and nothing is written to the service."}
  diff_mode: {support: full, description: "Shows what the merge changes, file by file."}
  idempotent: {support: full, description: Where the template has nothing new nothing is changed.}
"""

EXAMPLES = r"""
- name: Merge what is new in the template
  little_service.factory.service_update:
    name: orbit-ledger
    path: /srv/services/orbit-ledger
    root: /opt/little-service
    parts: {celery: [server/config/celery.py], circleci: [.circleci], github: [.github]}
    inputs: {name: "", description: A little service., owner_name: "", owner_email: "", python_version: "3.13",
             time_zone: UTC, github: "", branch: main, celery: true, ci: circleci}
    must_be_here: true
"""

RETURN = r"""
report:
  description: How the service stands.
  type: dict
  returned: always
  contains:
    name:
      description: The service's name.
      type: str
    outcome:
      description:
        - V(current), V(updated), V(conflicts), V(failed), or V(elsewhere) for a service that is not on this machine.
        - Those that failed, or are elsewhere, have a name, an outcome and words.
        - In check mode V(behind) takes the place of V(updated).
      type: str
    branch:
      description: The branch that is checked out, and so merged into.
      type: str
    words:
      description: The same in a line, with what is to be done.
      type: str
    from:
      description: The template's version that the service had, as C(version) and C(commit).
      type: dict
    to:
      description: The template's version now.
      type: dict
    behind:
      description: The C(versions) that were passed, and the C(changes) of the template, oldest first.
      type: dict
    files:
      description: The files that the merge changes.
      type: list
      elements: str
    conflicts:
      description: The files that git cannot merge.
      type: list
      elements: str
    said:
      description: git's own words on them.
      type: list
      elements: str
    deleted_here:
      description: The files that the template has changed and that stay deleted.
      type: list
      elements: str
    to_do:
      description: What is left to the developer, line by line.
      type: list
      elements: str
    new_answers:
      description: The questions that were not asked before, with the answers taken.
      type: dict
"""
