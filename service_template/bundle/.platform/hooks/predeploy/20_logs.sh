#!/bin/bash
# Beanstalk streams `docker compose logs` to CloudWatch, where each line begins with the container's name: no JSON, and so nothing that
# CloudWatch would make metrics of (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
# Which part of the service a line comes from stands in the line itself, as "part".
set -eu
script=/opt/elasticbeanstalk/config/private/eb-docker-compose-log-start
[ -f "$script" ] || exit 0
grep -q -- --no-log-prefix "$script" && exit 0
sed -i 's/\(docker[ -]compose logs\) /\1 --no-log-prefix /' "$script"
grep -q -- --no-log-prefix "$script" || { echo "$script is not as it was: alarms on the service's own numbers stay silent." >&2; exit 0; }
systemctl try-restart eb-docker-compose-log.service
