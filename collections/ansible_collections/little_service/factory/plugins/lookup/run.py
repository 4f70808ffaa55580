# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which run of ansible-playbook this is."""

from __future__ import annotations

DOCUMENTATION = """
name: run
short_description: Tell which run of ansible-playbook this is
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
description:
  - Gives who runs it and the number of the process, the same in every task of one run. It is asked for nothing.
"""

EXAMPLES = """
- name: Say whose run this is
  ansible.builtin.debug:
    msg: "{{ lookup('little_service.factory.run').holder }}"
"""

RETURN = """
_raw:
  description: One dictionary, with C(holder), the user and machine, and C(pid), the number of ansible-playbook's process.
  type: list
  elements: dict
"""

import getpass
import multiprocessing
import os
import socket

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms, variables=None, **kwargs):
        # Tasks are templated in workers, which ansible-playbook forks.
        parent = multiprocessing.parent_process()
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a container's user without an entry in its passwd
            user = str(os.getuid())
        return [{"holder": f"{user}@{socket.gethostname()}", "pid": parent.pid if parent else os.getpid()}]
