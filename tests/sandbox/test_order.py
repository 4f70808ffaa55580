"""What stands in the way of a deletion, and what is not seen at once: where AWS hurts."""

from __future__ import annotations

import json

import botocore.exceptions
import pytest

from tests.sandbox.conftest import REGION, policy, refused
from tests.sandbox.test_elasticache import replication_group

TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def test_a_network_is_deleted_from_the_inside_out(cloud, network):
    cache = cloud.client("elasticache")
    cache.create_cache_subnet_group(CacheSubnetGroupName="orbit", CacheSubnetGroupDescription="orbit", SubnetIds=network.subnets)
    cache.create_replication_group(**replication_group(network))
    with refused("DependencyViolation", "has dependencies and cannot be deleted"):
        network.ec2.delete_subnet(SubnetId=network.subnets[0])
    with refused("DependencyViolation", "has a dependent object"):
        network.ec2.delete_security_group(GroupId=network.group)
    with refused("DependencyViolation", "has dependencies and cannot be deleted"):
        network.ec2.delete_vpc(VpcId=network.vpc)
    cache.delete_replication_group(ReplicationGroupId="orbit")
    network.ec2.delete_security_group(GroupId=network.group)
    for subnet in network.subnets:
        network.ec2.delete_subnet(SubnetId=subnet)
    network.ec2.delete_vpc(VpcId=network.vpc)


def test_a_security_group_that_another_one_names_stays(network):
    other = network.security_group("other")
    rule = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": other}]}
    network.ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=[rule])
    with refused("DependencyViolation", "has a dependent object"):
        network.ec2.delete_security_group(GroupId=other)
    network.ec2.revoke_security_group_ingress(GroupId=network.group, IpPermissions=[rule])
    network.ec2.delete_security_group(GroupId=other)


def test_an_attached_gateway_stays(network):
    gateway = network.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    network.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    with refused("DependencyViolation"):
        network.ec2.delete_internet_gateway(InternetGatewayId=gateway)
    with refused("DependencyViolation"):
        network.ec2.delete_vpc(VpcId=network.vpc)


def test_a_load_balancer_holds_its_subnets_and_groups(cloud, network):
    balancers = cloud.client("elbv2")
    made = balancers.create_load_balancer(Name="orbit", Subnets=network.subnets, SecurityGroups=[network.group])["LoadBalancers"][0]
    with refused("DependencyViolation"):
        network.ec2.delete_subnet(SubnetId=network.subnets[1])
    with refused("DependencyViolation"):
        network.ec2.delete_security_group(GroupId=network.group)
    balancers.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    network.ec2.delete_subnet(SubnetId=network.subnets[1])
    network.ec2.delete_security_group(GroupId=network.group)


def test_a_security_group_keeps_to_the_signs_that_ec2_knows(network):
    with refused("InvalidParameterValue", "Invalid security group description"):
        network.ec2.create_security_group(GroupName="other", Description="the database's", VpcId=network.vpc)
    target = {"CidrIp": "0.0.0.0/0", "Description": "what isn't known"}
    with refused("InvalidParameterValue", "Invalid rule description"):
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [target]}
        network.ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=[rule])
    found = network.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [network.vpc]}])["SecurityGroups"]
    (default,) = (group["GroupId"] for group in found if group["GroupName"] == "default")
    with refused("CannotDelete"):
        network.ec2.delete_security_group(GroupId=default)


def test_a_gateway_stays_while_something_has_a_public_address(network):
    ec2 = network.ec2
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    interface = ec2.create_network_interface(SubnetId=network.subnets[0])["NetworkInterface"]["NetworkInterfaceId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    link = ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)["AssociationId"]
    with refused("DependencyViolation", "has some mapped public address"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    ec2.disassociate_address(AssociationId=link)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)


def test_what_is_not_empty_stays(cloud):
    s3, ecr = cloud.client("s3"), cloud.client("ecr")
    s3.create_bucket(Bucket="orbit", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="orbit", Key="a", Body=b"")
    with refused("BucketNotEmpty"):
        s3.delete_bucket(Bucket="orbit")
    ecr.create_repository(repositoryName="orbit")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "config": {}, "layers": []}
    ecr.put_image(repositoryName="orbit", imageManifest=json.dumps(manifest), imageTag="1")
    with refused("RepositoryNotEmptyException"):
        ecr.delete_repository(repositoryName="orbit")
    ecr.delete_repository(repositoryName="orbit", force=True)


def test_a_role_is_deleted_when_nothing_hangs_on_it(cloud):
    iam = cloud.client("iam")
    iam.create_role(RoleName="orbit", AssumeRolePolicyDocument=policy(TRUST))
    iam.attach_role_policy(RoleName="orbit", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    iam.put_role_policy(
        RoleName="orbit", PolicyName="inline", PolicyDocument=policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    )
    iam.create_instance_profile(InstanceProfileName="orbit")
    iam.add_role_to_instance_profile(InstanceProfileName="orbit", RoleName="orbit")
    with refused("DeleteConflict"):
        iam.delete_instance_profile(InstanceProfileName="orbit")
    for undo, params in (
        (iam.remove_role_from_instance_profile, {"InstanceProfileName": "orbit", "RoleName": "orbit"}),
        (iam.detach_role_policy, {"RoleName": "orbit", "PolicyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}),
        (iam.delete_role_policy, {"RoleName": "orbit", "PolicyName": "inline"}),
    ):
        with refused("DeleteConflict"):
            iam.delete_role(RoleName="orbit")
        undo(**params)
    iam.delete_role(RoleName="orbit")


def test_a_database_holds_its_groups(cloud, network):
    rds = cloud.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="orbit", DBSubnetGroupDescription="orbit", SubnetIds=network.subnets)
    rds.create_db_parameter_group(DBParameterGroupName="orbit", DBParameterGroupFamily="mysql8.4", Description="orbit")
    rds.create_db_instance(
        DBInstanceIdentifier="orbit",
        DBInstanceClass="db.t4g.micro",
        Engine="mysql",
        MasterUsername="app",
        MasterUserPassword="a-long-password",
        AllocatedStorage=20,
        DBSubnetGroupName="orbit",
        DBParameterGroupName="orbit",
    )
    with refused("InvalidDBSubnetGroupStateFault"):
        rds.delete_db_subnet_group(DBSubnetGroupName="orbit")
    with refused("InvalidDBParameterGroupState"):
        rds.delete_db_parameter_group(DBParameterGroupName="orbit")


def test_a_secret_that_is_to_be_deleted_keeps_its_name(cloud):
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name="orbit", SecretString="x")
    secrets.delete_secret(SecretId="orbit", RecoveryWindowInDays=7)
    with refused("InvalidRequestException", "already scheduled for deletion"):
        secrets.create_secret(Name="orbit", SecretString="y")
    secrets.restore_secret(SecretId="orbit")
    assert secrets.get_secret_value(SecretId="orbit")["SecretString"] == "x"


def test_a_deleted_nat_gateway_still_lists_for_a_while(cloud, network):
    made = network.ec2.create_nat_gateway(SubnetId=network.subnets[0], ConnectivityType="private")["NatGateway"]
    assert made["State"] == "pending"
    network.ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    (found,) = network.ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"]
    assert found["State"] in ("deleting", "deleted")


def test_a_role_is_simulated_as_it_is_enforced(cloud):
    role = cloud.role("orbit", "codebuild.amazonaws.com", {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::orbit/*"})
    simulate = cloud.client("iam").simulate_principal_policy
    found = simulate(PolicySourceArn=role, ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=["arn:aws:s3:::orbit/a"])
    assert [result["EvalDecision"] for result in found["EvaluationResults"]] == ["allowed", "implicitDeny"]


def test_a_role_is_assumed_only_by_whom_it_trusts(cloud):
    iam, sts = cloud.client("iam"), cloud.client("sts")
    arn = iam.create_role(RoleName="services-only", AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
    with pytest.raises(botocore.exceptions.ClientError, match="not authorized to perform: sts:AssumeRole"):
        sts.assume_role(RoleArn=arn, RoleSessionName="me")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName="people", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    got = sts.assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    keys = {"aws_secret_access_key": got["SecretAccessKey"], "aws_session_token": got["SessionToken"]}
    who = cloud.client("sts", key=got["AccessKeyId"], **keys).get_caller_identity()
    assert who["Arn"] == "arn:aws:sts::123456789012:assumed-role/people/me"
