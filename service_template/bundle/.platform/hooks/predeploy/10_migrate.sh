#!/bin/bash
# Before the new version takes over: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.hooks.html
# A migration that fails stops the deployment, and what it says is in eb-hooks.log. Several instances may do this at once: they take turns.
set -eu
exec docker compose run --rm --no-TTY --no-deps migrate </dev/null
