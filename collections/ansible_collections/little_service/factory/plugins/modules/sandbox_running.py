#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of an action plugin; ansible-doc looks for it here. The work is done in action/sandbox_running.py."""

DOCUMENTATION = r"""
---
module: sandbox_running
short_description: Have the sandbox, AWS emulated on this machine, answer
description:
  - Starts the sandbox in the background where nothing answers, and waits until it does. It outlives the playbook.
  - A sandbox that answers already is left as it is. Anything else on its port is left alone, and the task fails.
  - What stands in the sandbox is gone when it ends, so RV(emptied) says when there was one before.
  - Any number of playbooks may do this at once.
  - Implemented as an action plugin; it runs on the controller.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  url:
    description: The sandbox's address, on this machine.
    type: str
    required: true
  mode:
    description:
      - With V(control) what stands in the sandbox are records; with V(live) containers run for it as well.
      - It is the running sandbox's own. Without it a sandbox that answers is taken as it is, and a new one is V(control);
        one that runs in the other mode makes the task fail.
    type: str
    choices: [control, live]
  root:
    description: This project's folder, with C(sandbox) in it. By default the one that this collection is in.
    type: path
attributes:
  check_mode:
    support: none
    description: It is started in check mode as well, since what stands in it must be read to tell what would change.
  diff_mode: {support: none, description: There is nothing to show.}
  idempotent: {support: full, description: A sandbox that answers is left as it is.}
"""

EXAMPLES = r"""
- name: Have the sandbox answer
  little_service.factory.sandbox_running:
    url: http://127.0.0.1:4566
"""

RETURN = r"""
emptied:
  description: Whether it was started, and one had run on this port before, whose state is gone.
  type: bool
  returned: success
pid:
  description: The sandbox's process.
  type: int
  returned: success
started:
  description: Since when it runs.
  type: str
  returned: success
mode:
  description: V(control) or V(live).
  type: str
  returned: success
clock:
  description: How time passes in it.
  type: dict
  returned: success
"""
