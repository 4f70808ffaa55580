"""What all of the sandbox keeps to: models, identities, permissions, faults, the log of calls, the background process."""

from __future__ import annotations

import boto3
import botocore.exceptions
import pytest

from tests.sandbox.conftest import ACCOUNT, allow, policy

DENIED = "AccessDeniedException"


def refusal(call, **params) -> tuple[str, str]:
    """The code and the words with which a call is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_an_operation_that_is_not_there_says_so_in_the_services_own_protocol(cloud):
    for service, operation, params in (("ssm", "start_session", {"Target": "i-1"}), ("rds", "describe_tenant_databases", {})):
        code, message = refusal(getattr(cloud.client(service), operation), **params)
        assert code == "NotImplemented"
        assert "docs/sandbox.md" in message


def test_a_request_must_keep_to_the_input_model(cloud):
    code, message = refusal(cloud.client("ecr").create_repository, repositoryName="Not-Lower-Case")
    assert code == "InvalidParameterException"
    assert message.startswith(
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression pattern: "
    )
    code, message = refusal(cloud.client("codeconnections").create_connection, ConnectionName="a" * 33, ProviderType="GitHub")
    limit = "failed to satisfy constraint: Member must have length less than or equal to 32"
    assert (code, message) == ("ValidationException", f"1 validation error detected: Value '{'a' * 33}' at 'connectionName' {limit}")
    loose = boto3.session.Config(parameter_validation=False, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "a" * 20, "aws_secret_access_key": "b"}
    codebuild = boto3.client("codebuild", endpoint_url=cloud.url, region_name="us-west-2", config=loose, **keys)
    code, message = refusal(codebuild.start_build)
    assert (code, message) == (
        "ValidationException",
        "1 validation error detected: Value null at 'projectName' failed to satisfy constraint: Member must not be null",
    )


def test_calls_are_logged_with_what_they_are_and_how_they_ended(cloud):
    cloud.client("sns").create_topic(Name="alerts")
    refusal(cloud.client("ecr").describe_repositories, repositoryNames=["missing"])
    calls = cloud.control("GET", "calls")
    assert [(c["n"], c["service"], c["operation"], c["write"], c["status"]) for c in calls] == [
        (1, "sns", "CreateTopic", True, 200),
        (2, "ecr", "DescribeRepositories", False, 400),
    ]
    assert calls[0]["principal"] == f"arn:aws:iam::{ACCOUNT}:user/administrator"
    assert cloud.control("GET", "calls?since=1") == calls[1:]


def test_an_s3_call_is_known_by_its_path(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="artifacts", Key="a/b.zip", Body=b"zip")
    assert s3.get_object(Bucket="artifacts", Key="a/b.zip")["Body"].read() == b"zip"
    assert [c["operation"] for c in cloud.control("GET", "calls")] == ["CreateBucket", "PutObject", "GetObject"]


def test_an_assumed_role_is_held_to_its_policies(cloud):
    role = cloud.role("build", "codebuild.amazonaws.com")
    ecr = cloud.as_role("ecr", role, "codebuild.amazonaws.com")
    code, message = refusal(ecr.get_authorization_token)
    assert code == DENIED
    assert message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/build/codebuild is not authorized to perform: ecr:GetAuthorizationToken "
        "on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action"
    )
    cloud.client("iam").put_role_policy(RoleName="build", PolicyName="ecr", PolicyDocument=policy(allow("ecr:GetAuthorizationToken")))
    assert ecr.get_authorization_token()["authorizationData"]


def test_a_permission_holds_for_the_resource_that_it_names(cloud):
    for name in ("ours", "theirs"):
        cloud.client("ecr").create_repository(repositoryName=name)
        cloud.client("secretsmanager").create_secret(Name=name, SecretString="x")
        cloud.client("logs").create_log_group(logGroupName=f"/aws/codebuild/{name}")
    role = cloud.role(
        "build",
        "codebuild.amazonaws.com",
        allow("ecr:DescribeImages", f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/ours"),
        allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:ours-??????"),
        allow("logs:CreateLogStream", f"arn:aws:logs:us-west-2:{ACCOUNT}:log-group:/aws/codebuild/ours:*"),
    )
    ecr, secrets, logs = (cloud.as_role(s, role, "codebuild.amazonaws.com") for s in ("ecr", "secretsmanager", "logs"))
    ecr.describe_images(repositoryName="ours")
    assert secrets.get_secret_value(SecretId="ours")["SecretString"] == "x"
    logs.create_log_stream(logGroupName="/aws/codebuild/ours", logStreamName="1")
    assert refusal(ecr.describe_images, repositoryName="theirs")[0] == DENIED
    assert refusal(secrets.get_secret_value, SecretId="theirs")[0] == DENIED
    assert refusal(logs.create_log_stream, logGroupName="/aws/codebuild/theirs", logStreamName="1")[0] == DENIED


def test_a_deny_and_a_condition_count(cloud):
    outside = {"StringNotEquals": {"aws:RequestedRegion": "us-west-2"}}
    role = cloud.role(
        "r", "codebuild.amazonaws.com", allow("sns:*"), {**allow("sns:Publish"), "Effect": "Deny"}, allow("sqs:*", Condition=outside)
    )
    topic = cloud.client("sns").create_topic(Name="alerts")["TopicArn"]
    sns = cloud.as_role("sns", role, "codebuild.amazonaws.com")
    sns.get_topic_attributes(TopicArn=topic)
    code, message = refusal(sns.publish, TopicArn=topic, Message="x")
    assert code == "AccessDenied"
    assert "with an explicit deny" in message
    assert refusal(cloud.as_role("sqs", role, "codebuild.amazonaws.com").list_queues)[0] == DENIED


def test_only_a_trusted_service_assumes_a_role(cloud):
    role = cloud.role("build", "codebuild.amazonaws.com")
    with pytest.raises(AssertionError, match="error"):
        cloud.control("POST", "credentials", {"role": role, "service": "codepipeline.amazonaws.com"})


def test_an_access_key_of_twelve_digits_is_an_account_of_that_number(cloud):
    other = cloud.client("sns", key="210987654321")
    assert other.create_topic(Name="alerts")["TopicArn"] == "arn:aws:sns:us-west-2:210987654321:alerts"
    assert cloud.client("sns").list_topics()["Topics"] == []
    accounts = {key: cloud.client("sts", key=key).get_caller_identity()["Account"] for key in ("any-long-key", "210987654321")}
    assert accounts == {"any-long-key": ACCOUNT, "210987654321": "210987654321"}


def test_faults_strike_the_calls_that_they_are_set_for(cloud):
    rules = [
        {"kind": "throttle", "service": "sns", "operation": "ListTopics", "times": 1},
        {"kind": "error", "service": "ecr", "times": 1},
    ]
    cloud.control("PUT", "faults", {"rules": rules})
    sns, ecr = cloud.client("sns"), cloud.client("ecr")
    assert refusal(sns.list_topics) == ("Throttling", "Rate exceeded")
    assert refusal(ecr.describe_repositories)[0] == "InternalFailure"
    assert sns.list_topics()["Topics"] == ecr.describe_repositories()["repositories"] == []


def test_a_lost_answer_is_a_call_that_was_done(cloud):
    cloud.control("PUT", "faults", {"rules": [{"kind": "drop", "times": 1}, {"kind": "lost", "times": 1}]})
    for name in ("never-done", "done"):
        with pytest.raises(botocore.exceptions.ConnectionClosedError):
            cloud.client("sns").create_topic(Name=name)
    topics = cloud.client("sns").list_topics()["Topics"]
    assert [topic["TopicArn"].rpartition(":")[2] for topic in topics] == ["done"]


def test_the_same_seed_gives_the_same_faults(cloud):
    def struck() -> list[int]:
        cloud.control("PUT", "faults", {"seed": 7, "rules": [{"kind": "error", "share": 0.5}]})
        before = len(cloud.control("GET", "calls"))
        for _ in range(20):
            try:
                cloud.client("sns").list_topics()
            except botocore.exceptions.ClientError:
                continue
        return [call["status"] for call in cloud.control("GET", f"calls?since={before}")]

    assert struck() == struck()
    assert set(struck()) == {200, 500}


def test_what_the_sandbox_is_asked_wrongly_it_refuses_with_the_reason(cloud):
    for page, body in (("faults", {"rules": [{"kind": "rain"}]}), ("clock", {"profile": "fast"})):
        with pytest.raises(AssertionError, match="error"):
            cloud.control("PUT", page, body)


def test_time_can_be_skipped(cloud):
    cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    cache = cloud.client("elasticache")
    cache.create_replication_group(ReplicationGroupId="orbit", ReplicationGroupDescription="broker", CacheNodeType="cache.t4g.micro")
    states = []
    for seconds in (200, 200, 200):
        cloud.control("PUT", "clock", {"skip": seconds})
        states.append(cache.describe_replication_groups()["ReplicationGroups"][0]["Status"])
    assert states == ["creating", "creating", "available"]


def test_everything_that_stands_is_listed(cloud):
    assert cloud.standing() == set()
    vpc = cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    cloud.client("ecr").create_repository(repositoryName="orbit")
    assert cloud.standing() == {vpc, f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/orbit"}
    assert [call["operation"] for call in cloud.control("GET", "calls")] == ["CreateVpc", "CreateRepository"]
    for number in range(101):
        cloud.client("sns").create_topic(Name=f"topic-{number}")
    assert len(cloud.standing()) == 103


def test_everything_of_a_tag_is_found(cloud):
    tags = [{"Key": "team", "Value": "blue"}]
    topic = cloud.client("sns").create_topic(Name="alerts", Tags=tags)["TopicArn"]
    connection = cloud.client("codeconnections").create_connection(ProviderType="GitHub", ConnectionName="github", Tags=tags)[
        "ConnectionArn"
    ]
    cloud.client("elasticbeanstalk").create_application(ApplicationName="orbit", Tags=[{"Key": "team", "Value": "red"}])
    find = cloud.client("resourcegroupstaggingapi").get_resources
    found = find(TagFilters=[{"Key": "team", "Values": ["blue"]}])["ResourceTagMappingList"]
    assert {resource["ResourceARN"] for resource in found} == {topic, connection}
    found = find(ResourceTypeFilters=["elasticbeanstalk:application"])["ResourceTagMappingList"]
    assert [resource["Tags"] for resource in found] == [[{"Key": "team", "Value": "red"}]]


def test_many_things_of_a_tag_come_in_pages(cloud):
    tags = [{"Key": "team", "Value": "blue"}]
    topics = {cloud.client("sns").create_topic(Name=f"alerts-{number}", Tags=tags)["TopicArn"] for number in range(60)}
    application = cloud.client("elasticbeanstalk").create_application(ApplicationName="orbit", Tags=tags)["Application"]["ApplicationArn"]
    client = cloud.client("resourcegroupstaggingapi")
    pages = list(client.get_paginator("get_resources").paginate(TagFilters=[{"Key": "team", "Values": ["blue"]}]))
    found = [one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]]
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [50, 11]
    assert sorted(found) == sorted(topics | {application})
    assert len(client.get_resources(ResourcesPerPage=7)["ResourceTagMappingList"]) == 7


def test_a_long_list_comes_in_pages(cloud):
    rds, connections = cloud.client("rds"), cloud.client("codeconnections")
    rds.create_db_parameter_group(DBParameterGroupName="orbit", DBParameterGroupFamily="mysql8.4", Description="orbit")
    first = rds.describe_db_parameters(DBParameterGroupName="orbit", MaxRecords=20)
    second = rds.describe_db_parameters(DBParameterGroupName="orbit", MaxRecords=20, Marker=first["Marker"])
    names = [parameter["ParameterName"] for page in (first, second) for parameter in page["Parameters"]]
    assert len(first["Parameters"]) == 20
    assert names == [parameter["ParameterName"] for parameter in rds.describe_db_parameters(DBParameterGroupName="orbit")["Parameters"]]
    assert "Marker" not in second
    for name in ("one", "two"):
        connections.create_connection(ConnectionName=name, ProviderType="GitHub")
    page = connections.list_connections(MaxResults=1)
    assert [c["ConnectionName"] for c in connections.list_connections(NextToken=page["NextToken"])["Connections"]] == ["two"]
    builds, role = cloud.client("codebuild"), cloud.role("build", "codebuild.amazonaws.com")
    project = {"source": {"type": "CODEPIPELINE"}, "artifacts": {"type": "CODEPIPELINE"}, "serviceRole": role}
    project["environment"] = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"}
    refusal(builds.create_project, name="p0", **project)  # which does not see the new role yet
    for number in range(101):
        builds.create_project(name=f"p{number}", **project)
    assert len(builds.list_projects()["projects"]) == 100
    assert sum(len(page["projects"]) for page in builds.get_paginator("list_projects").paginate()) == 101
