# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all of our AWS modules have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options, attributes and return values of every AWS module of ours."""

    DOCUMENTATION = r"""
options:
  lock:
    description:
      - Where the lease is kept that lets one run at a time change this service; C(bucket), C(key), C(holder), C(pid) and,
        if not 120, C(seconds). It is taken before the first write, and not by a run that changes nothing.
      - Without it nothing is locked.
    type: dict
  adopt:
    description: Whether a thing of that name which is not this service's by its tags is taken over, and not refused.
    type: bool
    default: false
  wait_delay:
    description: Seconds between two looks at something that takes long.
    type: float
    default: 15.0
  log:
    description: A file to which a line is added with each look; P(little_service.factory.progress#callback) shows the last one.
    type: path
attributes:
  check_mode: {support: full, description: The plan is made and not carried out; no call is made that could write.}
  diff_mode: {support: full, description: "Every property that changes, with what AWS decides as (known after apply)."}
  idempotent: {support: full, description: What is as declared is only read.}
requirements:
  - boto3
notes:
  - When keys are given as options, C(AWS_) variables of the environment do not count.
"""

    RETURN = r"""
steps:
  description: What was done, or in check mode would be done.
  type: list
  elements: dict
  returned: success
  contains:
    verb:
      description: C(create), C(update) or C(delete).
      type: str
    what:
      description: The thing.
      type: str
    properties:
      description: The names of the properties that change.
      type: list
      elements: str
"""

    TAGS = r"""
options:
  tags:
    description: Tags to set; others are left alone.
    type: dict
    default: {}
"""
