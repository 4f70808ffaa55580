#!/bin/sh
# The engine of this machine in the foreground: start-machine [OPTION OF DOCKERD ...]
set -eu

# An engine inside a container wants a cgroup tree of its own, and /proc/sys to write to.
mount -o remount,rw /proc/sys
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# What limits memory is handed down only from a group without processes (https://github.com/moby/moby/blob/v26.1.5/hack/dind).
mkdir -p /sys/fs/cgroup/init
xargs -rn1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/init/cgroup.procs || :
sed -e 's/ / +/g' -e 's/^/+/' </sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control || :

# Containers and builds in here ask this machine for names, and it the network that it is in: endpoints are known by name inside too.
dnsmasq --user=root --no-resolv --server=127.0.0.11 --cache-size=0 --pid-file=

# Networks of its own: those that the engine takes by itself are the ones outside.
exec dockerd --bip=10.201.0.1/24 --dns=10.201.0.1 --default-address-pool=base=10.202.0.0/16,size=24 "$@" 2>&1
