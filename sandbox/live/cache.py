"""An ElastiCache node's Redis: a container that answers to its endpoints' names, with TLS and AUTH as declared.

Each function is a part of a story (clock.beside): docker's work is done beside the sandbox.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Generator, Iterable

from sandbox.core.clock import beside
from sandbox.elasticache.models import PARAMETERS, ElastiCache, Thing
from sandbox.live import authority
from sandbox.live.engine import Engine, EngineError, wait_until

Part = Generator[float, None, None]
SECONDS_TO_START = 60
PORT = 6379
# What clients may not do: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/RestrictedCommands.html
FORBIDDEN = "-acl -bgrewriteaof -bgsave -config -debug -migrate -psync -replicaof -save -shutdown -slaveof -sync"
# Of the node types, the memory in MiB that they give to data, with a quarter reserved: ParameterGroups.Engine.html (maxmemory)
MEMORY = {"micro": 384, "small": 1050, "medium": 2370}
OWN = ("reserved-memory-percent", "cluster-enabled", "activedefrag")  # ElastiCache's, or not in every build of Redis
# What is secret comes by the environment. One that starts again keeps what was changed meanwhile (CONFIG REWRITE).
STARTED = """set -eu
umask 077
mkdir -p /tmp/sandbox
cd /tmp/sandbox
[ -e redis.conf ] || printf %s "$SETTINGS" >redis.conf
printf %s "$CERTIFICATE" >certificate.pem
printf %s "$KEY" >key.pem
printf %s "$ROOT" >root.pem
unset SETTINGS CERTIFICATE KEY ROOT
exec redis-server /tmp/sandbox/redis.conf
"""
TLS = "tls-cert-file /tmp/sandbox/certificate.pem\ntls-key-file /tmp/sandbox/key.pem\ntls-ca-cert-file /tmp/sandbox/root.pem\n"
CLIENT = 'REDISCLI_AUTH=$ADMIN exec redis-cli -e --no-auth-warning --user sandbox -p "$PORT" $TLS "$@"'
_alone: dict[str, threading.Lock] = collections.defaultdict(threading.Lock)


def part_of(state: ElastiCache, member: str) -> str:
    return f"elasticache/{state.account}/{state.region}/{member}"


def follow(state: ElastiCache, thing: Thing, status: str) -> Part:
    """Do what a group or a cluster is in a state for."""
    members = state.members(thing) if "MemberClusters" in thing else [thing]
    names = [member["CacheClusterId"] for member in members]
    if status == "deleting":
        yield from _remove(state, names)
    elif status == "rebooting cluster nodes":
        yield from _remove(state, names)
        yield from _start(state, members)
    elif status in ("creating", "modifying"):
        yield from _start(state, members)
        yield from adjust(state, members)


def drop(state: ElastiCache, names: list[str]) -> Part:
    """End nodes that their group has no more."""
    yield from _remove(state, names)


def fail_over(state: ElastiCache, group: Thing, old: str, new: str) -> Part:
    """A replica is the primary from now on, with its names; the one that was comes back as a replica."""
    engine = _engine(state)

    def work() -> None:
        with _alone[part_of(state, new)]:
            (container,) = engine.ids(part_of(state, new))
            _tell(engine, container, "REPLICAOF", "NO", "ONE")
            engine.docker("network", "disconnect", engine.network, container)
            aliases = [f"--alias={name}" for name in _names(state, state.clusters[new])]
            engine.docker("network", "connect", *aliases, engine.network, container)

    yield from _remove(state, [old])
    yield from beside(work)
    yield from _start(state, state.members(group))


def adjust(state: ElastiCache, members: Iterable[Thing]) -> Part:
    """Give running nodes the tokens and parameters that are declared now."""
    engine = _engine(state)
    wanted = [(part_of(state, one["CacheClusterId"]), _access(state, one), _parameters(state, one)) for one in members]

    def work() -> None:
        for part, rules, parameters in wanted:
            with _alone[part]:
                for container in engine.ids(part, running=True):
                    _tell(engine, container, "ACL", "SETUSER", "default", *rules)
                    for name, value in parameters.items():
                        _tell(engine, container, "CONFIG", "SET", name, value)
                    _tell(engine, container, "CONFIG", "REWRITE")

    yield from beside(work)


def _start(state: ElastiCache, members: list[Thing]) -> Part:
    """Have a container for each node, the primary's first."""
    engine = _engine(state)
    works = [_starting(state, engine, member) for member in sorted(members, key=lambda one: not _is_primary(state, one))]

    def work() -> None:
        for start in works:
            start()

    try:
        yield from beside(work)
    except EngineError as error:
        state.tell(members[0].get("ReplicationGroupId", members[0]["CacheClusterId"]), "cache-cluster", f"Failed to start: {error}")


def _starting(state: ElastiCache, engine: Engine, member: Thing) -> Callable[[], None]:
    """What starts a node, where it does not run."""
    part, names, encrypted = part_of(state, member["CacheClusterId"]), _names(state, member), member["TransitEncryptionEnabled"]
    port = _port(state, member)
    told = {"SETTINGS": _settings(state, member, port), "ADMIN": state.admin_password, "PORT": str(port)}

    def start() -> None:
        with _alone[part]:
            if engine.ids(part, running=True):
                return
            engine.remove(part)
            certificate, key = authority.certificate(names)
            files = {"CERTIFICATE": certificate.decode(), "KEY": key.decode(), "ROOT": authority.root().decode()}
            environment = {**told, **files, "TLS": "--tls --insecure" if encrypted else ""}
            command = ["-c", STARTED]
            container = engine.run(part, engine.base("redis"), *command, names=names, environment=environment, options=["--entrypoint=sh"])
            if not wait_until(lambda: _answers(engine, container), SECONDS_TO_START):
                raise EngineError(" ".join(engine.logs(container)[-3:]))
            engine.guard(part, container, _alone[part])

    return start


def _remove(state: ElastiCache, names: list[str]) -> Part:
    engine, parts = _engine(state), [part_of(state, name) for name in names]

    def work() -> None:
        for part in parts:
            with _alone[part]:
                engine.remove(part)

    yield from beside(work)


def _engine(state: ElastiCache) -> Engine:
    engine = state.sandbox.live
    if engine is None:
        raise EngineError("Nothing runs in this sandbox: its mode is control")
    return engine


def _group(state: ElastiCache, member: Thing) -> Thing | None:
    return state.groups.get(member.get("ReplicationGroupId", ""))


def _is_primary(state: ElastiCache, member: Thing) -> bool:
    """Whether it is its group's primary, or alone."""
    group = _group(state, member)
    nodes = group["NodeGroups"][0]["NodeGroupMembers"] if group else []
    return all(node["CurrentRole"] == "primary" for node in nodes if node["CacheClusterId"] == member["CacheClusterId"])


def _port(state: ElastiCache, member: Thing) -> int:
    group = _group(state, member)
    return group["NodeGroups"][0]["PrimaryEndpoint"]["Port"] if group else PORT


def _names(state: ElastiCache, member: Thing) -> list[str]:
    """The endpoints that it answers to; the reader's is that of all replicas, or of the one node that there is."""
    own = state.endpoint(member["CacheClusterId"], "member", PORT, encrypted=False)["Address"]
    group = _group(state, member)
    if group is None:
        return [own]
    (shard,) = group["NodeGroups"]
    primary = _is_primary(state, member)
    reads = not primary or len(group["MemberClusters"]) == 1
    return [own, *([shard["PrimaryEndpoint"]["Address"]] if primary else []), *([shard["ReaderEndpoint"]["Address"]] if reads else [])]


def _access(state: ElastiCache, member: Thing) -> list[str]:
    """The rules of the user that clients are: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/"""
    tokens = state.tokens.get(member.get("ReplicationGroupId", member["CacheClusterId"]), [])
    return ["reset", "on", *([f">{token}" for token in tokens] or ["nopass"]), "~*", "&*", "+@all", *FORBIDDEN.split()]


def _parameters(state: ElastiCache, member: Thing) -> dict[str, str]:
    changed = state.values[member["CacheParameterGroup"]["CacheParameterGroupName"]]
    return {name: changed.get(name, own) for name, (own, _) in PARAMETERS.items() if name not in OWN}


def _settings(state: ElastiCache, member: Thing, port: int) -> str:
    size = member["CacheNodeType"].rpartition(".")[2]
    lines = [f"user default {' '.join(map(_quoted, _access(state, member)))}"]
    lines += [f"user sandbox on {_quoted('>' + state.admin_password)} ~* &* +@all", "masteruser sandbox"]
    lines += [f"masterauth {_quoted(state.admin_password)}", "protected-mode no", 'save ""', "dir /data"]
    lines += [f"maxmemory {MEMORY.get(size, 4600)}mb", *(f"{name} {_quoted(value)}" for name, value in _parameters(state, member).items())]
    if member["TransitEncryptionEnabled"]:
        lines += ["port 0", f"tls-port {port}", "tls-auth-clients no", "tls-replication yes", TLS]
    else:
        lines += [f"port {port}"]
    group = _group(state, member)
    if group and not _is_primary(state, member):
        lines += [f"replicaof {group['NodeGroups'][0]['PrimaryEndpoint']['Address']} {port}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """One argument of Redis's configuration."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _answers(engine: Engine, container: str) -> bool:
    """Whether it serves, a replica what its primary has."""
    try:
        said = _tell(engine, container, "INFO", "replication")
        return "role:master" in said or "master_link_status:up" in said
    except EngineError:
        return False


def _tell(engine: Engine, container: str, *command: str) -> str:
    """Ask as the sandbox's own user; the words go by stdin, for a token is among them."""
    line = " ".join(map(_quoted, command))
    return engine.execute(container, "sh", "-c", CLIENT, "redis-cli", stdin=line.encode(), seconds=20)
