"""An RDS instance's MySQL: a container that answers to the endpoint's name, with its data in a volume.

Each function is a part of a story (clock.beside): docker's work is done beside the sandbox.
"""

from __future__ import annotations

import collections
import json
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from sandbox.core.clock import ASIDE, beside
from sandbox.live import authority
from sandbox.live.engine import PART, Engine, EngineError, wait_until
from sandbox.rds.models import Databases, Thing, data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Part = Generator[float, None, None]
SECONDS_TO_START, SECONDS_TO_STOP = 180, 30
# The master user's: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html
PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, "
    "LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, "
    "EVENT, TRIGGER"
)
# Variables that mysqld takes on no command line, and one that has another name there.
SESSION = ("character_set_client", "character_set_connection", "character_set_results", "character_set_database", "collation_connection")
FLAGS = {"time_zone": "default_time_zone"}
# What is secret comes by the environment, and mysqld's does not have it.
STARTED = """set -eu
mkdir -p /etc/sandbox
printf %s "$CERTIFICATE" >/etc/sandbox/certificate.pem
(umask 077 && printf %s "$KEY" >/etc/sandbox/key.pem)
chown mysql /etc/sandbox/key.pem
unset CERTIFICATE KEY
exec docker-entrypoint.sh mysqld "$@"
"""
TLS = ("--ssl-cert=/etc/sandbox/certificate.pem", "--ssl-key=/etc/sandbox/key.pem")
# The sandbox's own way in, as rdsadmin is RDS's; not by the socket, which is there already while the database is made.
CLIENT = ("sh", "-c", 'MYSQL_PWD=$MYSQL_ROOT_PASSWORD exec mysql --user=root --host=127.0.0.1 --port="$PORT" --batch --skip-column-names')
_alone: dict[str, threading.Lock] = collections.defaultdict(threading.Lock)  # by container: who starts it and who removes it wait


def part_of(state: Databases, instance: Thing) -> str:
    return f"rds/{state.account}/{state.region}/{instance['DBInstanceIdentifier']}"


def volume_of(instance: Thing) -> str:
    return f"rds-{instance['DbiResourceId']}"


def snapshot_volume(state: Databases, name: str) -> str:
    return f"rds-{state.account}-{state.region}-snapshot-{name}"


def create(state: Databases, instance: Thing, port: int, source: str | None) -> Part:
    """The first start, on empty data or on a copy of a volume's."""
    if instance["DBInstanceStatus"] == "deleting":
        return
    if source:
        volume = volume_of(instance)
        yield from beside(lambda: _copy(_engine(state), source, volume))
    else:
        state.empty.add(instance["DbiResourceId"])
    yield from start(state, instance, port)


def start(state: Databases, instance: Thing, port: int = 0) -> Part:
    """Start it with the parameters as they are now; one that ends at once has parameters that do not fit."""
    state.broken.discard(instance["DbiResourceId"])
    if state.asks_too_much(instance):
        return
    port = port or instance["Endpoint"]["Port"]
    engine, part, flags = _engine(state), part_of(state, instance), [f"--port={port}", *_flags(state, instance)]
    name, volume = state.endpoint(instance["DBInstanceIdentifier"]), volume_of(instance)
    after = _made(state, instance) if instance["DbiResourceId"] in state.empty else []
    after += [f"SET GLOBAL {key} = {_quoted(text)}" for key, text in _changed(state, instance).items() if key in SESSION]
    environment = {"MYSQL_ROOT_PASSWORD": state.admin_password, "PORT": str(port)}

    def work() -> None:
        with _alone[part]:
            engine.remove(part)
            certificate, key = authority.certificate([name])
            told = {**environment, "CERTIFICATE": certificate.decode(), "KEY": key.decode()}
            options = [f"--volume={engine.volume(volume)}:/var/lib/mysql", "--entrypoint=sh"]
            command = ["-c", STARTED, "mysqld", *TLS, *flags]
            container = engine.run(part, engine.base("mysql"), *command, names=[name], environment=told, options=options)
            try:
                _await(engine, container)
            except EngineError:
                engine.remove(part)
                raise
            if after:
                _tell(engine, container, after)
            engine.guard(part, container, _alone[part])

    if (yield from _tried(state, instance, work)):
        state.empty.discard(instance["DbiResourceId"])


def stop(state: Databases, instance: Thing, *, at_once: bool = False) -> Part:
    """End it in order, or as when a machine fails; its data stays."""
    engine, part = _engine(state), part_of(state, instance)

    def work() -> None:
        with _alone[part]:
            for container in engine.ids(part):
                if not at_once:
                    engine.docker("stop", f"--time={SECONDS_TO_STOP}", container)
            engine.remove(part)

    yield from beside(work)


def remove(state: Databases, instance: Thing) -> Part:
    """End it and its data; a snapshot that is being taken comes first."""
    while any(one["Status"] == "creating" and one["DbiResourceId"] == instance["DbiResourceId"] for one in state.snapshots.values()):
        yield ASIDE
    yield from stop(state, instance)
    yield from _drop(state, volume_of(instance))


def snapshot(state: Databases, instance: Thing, name: str) -> Part:
    """Copy its data while it holds still: what RDS calls a brief suspension of I/O, after which a restored one recovers as from a crash.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CreateSnapshot.html
    """
    engine, part, source, target = _engine(state), part_of(state, instance), volume_of(instance), snapshot_volume(state, name)

    def work() -> None:
        with _alone[part]:
            running = engine.ids(part, running=True)
            for container in running:
                engine.docker("pause", container)
            try:
                _copy(engine, source, target)
            finally:
                for container in running:
                    engine.docker("unpause", container)

    yield from beside(work)


def forget(state: Databases, name: str) -> Part:
    """Remove a snapshot's data."""
    yield from _drop(state, snapshot_volume(state, name))


def _drop(state: Databases, volume: str) -> Part:
    engine = _engine(state)
    yield from beside(lambda: engine.docker("volume", "rm", "--force", engine.volume(volume)))


def set_password(state: Databases, instance: Thing) -> Part:
    user, password = instance["MasterUsername"], state.passwords[instance["DbiResourceId"]]
    yield from execute(state, instance, [f"ALTER USER {_quoted(user)}@'%' IDENTIFIED BY {_quoted(password)}"])


def adjust(state: Databases, instance: Thing, changes: Sequence[Thing]) -> Part:
    """What a parameter group's change does at once: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/parameter-groups-overview.html"""
    known = data("parameters")
    wanted = [one for one in changes if one.get("ApplyMethod") == "immediate" and not known.get(one["ParameterName"], {}).get("static")]
    values = {one["ParameterName"]: one.get("ParameterValue") for one in wanted}
    statements = [f"SET GLOBAL {name} = {'DEFAULT' if value is None else _literal(value)}" for name, value in values.items()]
    yield from execute(state, instance, statements)


def execute(state: Databases, instance: Thing, statements: list[str]) -> Part:
    engine, part = _engine(state), part_of(state, instance)

    def work() -> None:
        with _alone[part]:
            for container in engine.ids(part) if statements else []:
                _tell(engine, container, statements)

    yield from _tried(state, instance, work)


def _engine(state: Databases) -> Engine:
    engine = state.sandbox.live
    if engine is None:
        raise EngineError("Nothing runs in this sandbox: its mode is control")
    return engine


def _tried(state: Databases, instance: Thing, work: Callable[[], None]) -> Generator[float, None, bool]:
    """Whether it was done. What fails is told as RDS tells it, by a state and an event: USER_Events.Messages.html."""
    try:
        yield from beside(work)
        return True
    except EngineError as error:
        state.broken.add(instance["DbiResourceId"])
        state.tell(instance, f"Database instance put into incompatible-parameters. {error}", "failure")
        return False


def _made(state: Databases, instance: Thing) -> list[str]:
    """What makes the master user, and the database that was asked for."""
    user, password = f"{_quoted(instance['MasterUsername'])}@'%'", state.passwords[instance["DbiResourceId"]]
    database = instance.get("DBName")
    return [
        *([f"CREATE DATABASE IF NOT EXISTS `{database}`"] if database else []),
        f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY {_quoted(password)}",
        f"GRANT {PRIVILEGES} ON *.* TO {user} WITH GRANT OPTION",
    ]


def _changed(state: Databases, instance: Thing) -> dict[str, str]:
    """The parameters that have a value: RDS's own, less those that hang on the class's memory, and what the group changes."""
    (group,) = instance["DBParameterGroups"]
    own = {name: about["value"] for name, about in data("parameters").items() if "value" in about}
    given = {name: one.get("ParameterValue", "") for name, one in state.values[group["DBParameterGroupName"]].items()}
    return {name: value for name, value in {**own, **given}.items() if not value.startswith("{")}


def _flags(state: Databases, instance: Thing) -> list[str]:
    values = {FLAGS.get(name, name): value for name, value in _changed(state, instance).items() if name not in SESSION}
    if values.get("default_time_zone") == "UTC":
        values["default_time_zone"] = "+00:00"  # names of zones are not loaded
    # What this version does not know is not to stop it: https://dev.mysql.com/doc/refman/8.4/en/option-modifiers.html
    return ["--mysqlx=OFF", "--skip-name-resolve", *(f"--loose-{name}={value}" for name, value in values.items())]


def _await(engine: Engine, container: str) -> None:
    """Until it answers, or has ended by itself."""

    def state() -> dict[str, Any]:
        (found,) = json.loads(engine.docker("inspect", container))
        return found["State"]

    def answers() -> bool:
        if not state()["Running"]:
            lines = engine.logs(container)
            raise EngineError(next((line.partition("] ")[2] for line in lines if "[ERROR]" in line), " ".join(lines[-3:])))
        try:
            engine.execute(container, *CLIENT, stdin=b"SELECT 1", seconds=20)
        except EngineError:
            return False
        return True

    if not wait_until(answers, SECONDS_TO_START):
        raise EngineError(f"mysqld did not answer within {SECONDS_TO_START} s")


def _tell(engine: Engine, container: str, statements: Sequence[str]) -> None:
    engine.execute(container, *CLIENT, stdin=";\n".join(statements).encode())


def _copy(engine: Engine, source: str, target: str) -> None:
    labels = [f"--label={engine.label}", f"--label={PART}=rds"]
    volumes = [f"--volume={engine.volume(source)}:/from", f"--volume={engine.volume(target)}:/to"]
    engine.docker("run", "--rm", *labels, *volumes, "--entrypoint=cp", engine.base("mysql"), "-a", "/from/.", "/to/")


def _literal(value: str) -> str:
    return value if value.lstrip("-").replace(".", "", 1).isdigit() else _quoted("+00:00" if value == "UTC" else value)


def _quoted(text: str) -> str:
    """A string of SQL: a quote or a backslash is data."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
