"""An RDS instance of a live sandbox is a MySQL, as its clients see it."""

from __future__ import annotations

import pytest

from tests.live.conftest import until
from tests.sandbox.conftest import Network, refused

pytestmark = [pytest.mark.docker]

PASSWORD = "a horse's \\battery".replace(" ", "-")
SETTINGS = {"require_secure_transport": "1", "transaction_isolation": "READ-COMMITTED", "long_query_time": "1", "log_output": "FILE"}


class Database:
    """An instance and a client of MySQL that believes the authority alone."""

    def __init__(self, live, name: str = "orbit", password: str = PASSWORD) -> None:
        self.live, self.rds, self.name, self.password = live, live.cloud.client("rds"), name, password

    def status(self) -> str:
        found = [one for one in self.rds.describe_db_instances()["DBInstances"] if one["DBInstanceIdentifier"] == self.name]
        return found[0]["DBInstanceStatus"] if found else "gone"

    def until(self, status: str) -> None:
        until(lambda: self.status() == status)

    def sql(self, statement: str, *options: str) -> str:
        (found,) = self.rds.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"]
        address = f"--host={found['Endpoint']['Address']}", f"--port={found['Endpoint']['Port']}", "--user=boss"
        proven = options or ("--ssl-mode=VERIFY_IDENTITY", "--ssl-ca=/root.pem")
        return self.live.inside("mysql", "mysql", "-BN", *address, *proven, "--execute", statement, MYSQL_PWD=self.password)

    def restored(self, snapshot: str, name: str, password: str = PASSWORD) -> Database:
        self.rds.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot, DBSubnetGroupName="orbit", DBParameterGroupName="orbit"
        )
        made = Database(self.live, name, password)
        made.until("available")
        return made


@pytest.fixture(scope="module")
def database(live) -> Database:
    rds, network = live.cloud.client("rds"), Network(live.cloud)
    rds.create_db_subnet_group(DBSubnetGroupName="orbit", DBSubnetGroupDescription="orbit", SubnetIds=network.subnets)
    rds.create_db_parameter_group(DBParameterGroupName="orbit", DBParameterGroupFamily="mysql8.4", Description="orbit")
    change(rds, "pending-reboot", **SETTINGS)
    rds.create_db_instance(
        DBInstanceIdentifier="orbit",
        Engine="mysql",
        DBInstanceClass="db.t4g.small",
        AllocatedStorage=20,
        MasterUsername="boss",
        MasterUserPassword=PASSWORD,
        DBName="ledger",
        Port=3307,
        MultiAZ=True,
        DBSubnetGroupName="orbit",
        DBParameterGroupName="orbit",
    )
    made = Database(live)
    assert made.status() == "creating"
    made.until("available")
    made.sql("CREATE TABLE ledger.entries (number int)")
    return made


def change(rds, method: str, **settings: str) -> None:
    listed = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method} for name, value in settings.items()]
    rds.modify_db_parameter_group(DBParameterGroupName="orbit", Parameters=listed)


def test_it_has_the_parameter_groups_settings_and_takes_tls_alone(database):
    asked = ", ".join(f"@@global.{name}" for name in SETTINGS)
    assert database.sql(f"SELECT {asked}").split("\t") == ["1", "READ-COMMITTED", "1.000000", "FILE"]
    assert "Connections using insecure transport are prohibited" in database.sql("SELECT 1", "--ssl-mode=DISABLED")


def test_a_dynamic_parameter_counts_at_once_and_a_static_one_after_a_restart(database):
    change(database.rds, "immediate", max_connections="77")
    until(lambda: database.sql("SELECT @@global.max_connections") == "77", 30)
    change(database.rds, "pending-reboot", performance_schema="1")
    assert database.sql("SELECT @@performance_schema") == "0"
    database.rds.reboot_db_instance(DBInstanceIdentifier="orbit")
    database.until("available")
    assert database.sql("SELECT @@performance_schema, @@global.max_connections") == "1\t77"


def test_a_snapshot_holds_the_data_of_its_moment(database):
    database.sql("TRUNCATE ledger.entries; INSERT INTO ledger.entries VALUES (1)")
    database.rds.create_db_snapshot(DBInstanceIdentifier="orbit", DBSnapshotIdentifier="before")
    until(lambda: database.rds.describe_db_snapshots(DBSnapshotIdentifier="before")["DBSnapshots"][0]["Status"] == "available")
    database.sql("INSERT INTO ledger.entries VALUES (2)")
    copy = database.restored("before", "copy")
    assert copy.sql("SELECT count(*) FROM ledger.entries") == "1"
    assert database.sql("SELECT count(*) FROM ledger.entries") == "2"
    database.rds.delete_db_instance(DBInstanceIdentifier="copy", FinalDBSnapshotIdentifier="copy-final")
    copy.until("gone")
    again = database.restored("copy-final", "copy")
    assert again.sql("SELECT count(*) FROM ledger.entries") == "1"
    database.rds.delete_db_instance(DBInstanceIdentifier="copy", SkipFinalSnapshot=True)
    again.until("gone")
    assert [part for part in database.live.parts() if part.startswith("rds/")] == ["rds/123456789012/us-west-2/orbit"]


def test_stopping_stops_it_and_a_failover_keeps_what_was_committed(database):
    database.sql("TRUNCATE ledger.entries; INSERT INTO ledger.entries VALUES (7)")
    database.rds.stop_db_instance(DBInstanceIdentifier="orbit")
    database.until("stopped")
    assert "Unknown MySQL server host" in database.sql("SELECT 1")
    database.rds.start_db_instance(DBInstanceIdentifier="orbit")
    database.until("available")
    (before,) = database.rds.describe_db_instances()["DBInstances"]
    database.rds.reboot_db_instance(DBInstanceIdentifier="orbit", ForceFailover=True)
    database.until("available")
    (after,) = database.rds.describe_db_instances()["DBInstances"]
    assert after["AvailabilityZone"] == before["SecondaryAvailabilityZone"]
    assert database.sql("SELECT number FROM ledger.entries") == "7"


def test_one_that_is_killed_comes_back_with_what_was_committed(database):
    database.sql("TRUNCATE ledger.entries; INSERT INTO ledger.entries VALUES (8)")
    (container,) = database.live.engine.ids("rds/123456789012/us-west-2/orbit")
    for _ in range(2):
        database.live.engine.docker("kill", container)
        until(lambda: database.sql("SELECT number FROM ledger.entries") == "8", 60)


def test_a_new_master_password_replaces_the_old(database):
    database.rds.modify_db_instance(DBInstanceIdentifier="orbit", MasterUserPassword="quite-another-one", ApplyImmediately=True)
    renewed = Database(database.live, password="quite-another-one")
    until(lambda: renewed.sql("SELECT 1") == "1", 60)
    assert "Access denied" in database.sql("SELECT 1")
    database.password = renewed.password


def test_parameters_that_mysqld_refuses_are_told_and_can_be_mended(database):
    change(database.rds, "pending-reboot", collation_server="latin1_swedish_ci", character_set_server="utf8mb4")
    database.rds.reboot_db_instance(DBInstanceIdentifier="orbit")
    database.until("incompatible-parameters")
    said = database.rds.describe_events(SourceIdentifier="orbit", SourceType="db-instance", Duration=60)["Events"][-2:]
    assert any("COLLATION" in event["Message"] for event in said), said
    with refused("InvalidDBInstanceState"):
        database.rds.create_db_snapshot(DBInstanceIdentifier="orbit", DBSnapshotIdentifier="broken")
    change(database.rds, "pending-reboot", collation_server="utf8mb4_0900_ai_ci")
    database.rds.reboot_db_instance(DBInstanceIdentifier="orbit")
    database.until("available")
    assert database.sql("SELECT 1") == "1"
