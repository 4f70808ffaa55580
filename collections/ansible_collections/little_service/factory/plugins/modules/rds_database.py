#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database on RDS."""

DOCUMENTATION = r"""
---
module: rds_database
short_description: Keep a MySQL database on RDS as declared
description:
  - Keeps an instance with its subnet group and its parameter group, or removes all three.
  - The instance is private and its storage encrypted. Storage that autoscaling has added and a minor version that AWS has raised are left.
  - A change that AWS has accepted and keeps for the maintenance window counts as made. An instance that was stopped is started.
  - "Not C(amazon.aws.rds_instance): it needs the password as an option, and reports a change for what is pending."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The name of the instance and of its groups.
    type: str
    required: true
  state:
    description:
      - C(absent) removes the instance after a final snapshot. Its groups can only go after it, with O(wait) or in a later run.
    type: str
    choices: [present, absent]
    default: present
  engine_version:
    description: The version, as far as it matters; AWS chooses the rest.
    type: str
    default: "8.4"
  instance_class:
    description: The instance's class.
    type: str
    default: db.t4g.micro
  storage:
    description: The storage in GiB.
    type: int
    default: 20
  max_storage:
    description: The GiB up to which AWS may add storage by itself; no more than O(storage) lets it add none.
    type: int
    default: 0
  multi_az:
    description: Whether a second instance stands by in another zone.
    type: bool
    default: false
  subnets:
    description: The subnets, in two zones at least.
    type: list
    elements: str
    default: []
  security_groups:
    description: The security groups.
    type: list
    elements: str
    default: []
  parameters:
    description: MySQL's parameters. Those that MySQL reads at its start wait for a restart, which is told and not done.
    type: dict
    default: {}
  database:
    description: The database that is made in it.
    type: str
  username:
    description: Its user.
    type: str
    default: app
  secret:
    description: The secret, a JSON object, whose C(password) is the user's.
    type: str
  backup_days:
    description: How many days backups are kept.
    type: int
    default: 7
  backup_window:
    description: When backups are made, in UTC.
    type: str
    default: 10:00-10:30
  maintenance_window:
    description: When AWS may restart it, in UTC.
    type: str
    default: sun:11:00-sun:11:30
  log_exports:
    description: The logs that go to CloudWatch.
    type: list
    elements: str
    default: [error, slowquery]
  ca_certificate:
    description: The authority that signs the server's certificate.
    type: str
    default: rds-ca-rsa2048-g1
  performance_insights:
    description: Whether what the database waits for is recorded. Not every class can.
    type: bool
    default: false
  deletion_protection:
    description: Whether AWS refuses to remove it until this is taken off.
    type: bool
    default: true
  apply_immediately:
    description: Whether a change that interrupts is made now, and not in the maintenance window.
    type: bool
    default: true
  restore_snapshot:
    description:
      - The snapshot from which an instance that is not there is made. C(newest) is the newest final one of ours, if there is one.
      - One that is restored is waited for, since AWS takes some settings, the password among them, only then.
    type: str
    default: ""
  final_snapshot:
    description: Whether a snapshot is made when it is removed.
    type: bool
    default: true
  force:
    description: Whether O(deletion_protection) is taken off to remove it.
    type: bool
    default: false
  wait:
    description: Whether to wait until it is available, or gone.
    type: bool
    default: false
  wait_timeout:
    description: For how many seconds at most.
    type: int
    default: 3600
  tags:
    description: Tags to set on all three, and on snapshots; others are left alone.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Keep a database
  little_service.factory.rds_database:
    name: orbit-ledger-production
    instance_class: db.t4g.medium
    multi_az: true
    subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    security_groups: [sg-0123456789abcdef0]
    parameters: {require_secure_transport: 1}
    database: orbit_ledger_db
    secret: orbit-ledger/production/database
    restore_snapshot: newest
    tags: {"little-service:service": orbit-ledger}
"""

RETURN = r"""
arn:
  description: The instance's ARN.
  type: str
  returned: success
pending:
  description: What AWS keeps for the maintenance window.
  type: list
  elements: str
  returned: success
restart_pending:
  description: Whether parameters wait for a restart.
  type: bool
  returned: success
restored_from:
  description: The snapshot it was made from in this run; empty otherwise.
  type: str
  returned: success
gone:
  description: Whether nothing of the instance is left.
  type: bool
  returned: success
"""

from ansible_collections.little_service.factory.plugins.module_utils import managed, rds_groups
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.rds_instance import Instance


def main():
    module = AwsModule(
        {
            **managed.OPTIONS,
            "engine_version": {"type": "str", "default": "8.4"},
            "instance_class": {"type": "str", "default": "db.t4g.micro"},
            "storage": {"type": "int", "default": 20},
            "max_storage": {"type": "int", "default": 0},
            "multi_az": {"type": "bool", "default": False},
            "database": {"type": "str"},
            "username": {"type": "str", "default": "app"},
            "backup_days": {"type": "int", "default": 7},
            "backup_window": {"type": "str", "default": "10:00-10:30"},
            "maintenance_window": {"type": "str", "default": "sun:11:00-sun:11:30"},
            "log_exports": {"type": "list", "elements": "str", "default": ["error", "slowquery"]},
            "ca_certificate": {"type": "str", "default": "rds-ca-rsa2048-g1"},
            "performance_insights": {"type": "bool", "default": False},
            "deletion_protection": {"type": "bool", "default": True},
            "restore_snapshot": {"type": "str", "default": ""},
            "final_snapshot": {"type": "bool", "default": True},
            "force": {"type": "bool", "default": False},
        },
        required_if=[("state", "present", ["database", "secret"])],
    )
    instance = Instance(module)
    steps = managed.keep(module, instance, [rds_groups.SubnetGroup(module), rds_groups.ParameterGroup(module)])
    module.done(steps, **instance.facts())


if __name__ == "__main__":
    main()
