"""The services that are moto's, where AWS is stricter: S3, SNS, ECR, Secrets Manager, ACM, Route 53, CloudWatch, quotas."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.conftest import ACCOUNT, REGION, allow, policy, refused

OTHER = "210987654321"


@pytest.fixture
def s3(cloud):
    client = cloud.client("s3")
    client.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


def test_a_new_bucket_is_encrypted_and_closed_to_the_public(s3):
    (rule,) = s3.get_bucket_encryption(Bucket="artifacts")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(s3.get_public_access_block(Bucket="artifacts")["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = s3.get_bucket_ownership_controls(Bucket="artifacts")["OwnershipControls"]["Rules"]
    assert rule == {"ObjectOwnership": "BucketOwnerEnforced"}


def test_a_policy_of_a_bucket_is_checked_and_holds(s3):
    everything = ["arn:aws:s3:::artifacts", "arn:aws:s3:::artifacts/*"]
    for statement, code, words in (
        (allow("s3:*", everything, Principal="*"), "AccessDenied", "BlockPublicPolicy"),
        (allow("s3:*", everything, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/missing"}), "MalformedPolicy", "Invalid principal"),
        (allow("s3:*", ["arn:aws:s3:::other/*"], Principal={"AWS": ACCOUNT}), "MalformedPolicy", "invalid resource"),
    ):
        with refused(code, words):
            s3.put_bucket_policy(Bucket="artifacts", Policy=policy(statement))
    with refused("MalformedPolicy", "valid JSON"):
        s3.put_bucket_policy(Bucket="artifacts", Policy="{")
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything}
    s3.put_bucket_policy(Bucket="artifacts", Policy=policy({**deny, "Condition": tls}))
    s3.put_object(Bucket="artifacts", Key="a", Body=b"1")
    s3.put_bucket_policy(Bucket="artifacts", Policy=policy({**deny, "Action": "s3:GetObject"}))
    with refused("AccessDenied", "with an explicit deny in a resource-based policy"):
        s3.get_object(Bucket="artifacts", Key="a")


def test_an_object_is_written_and_deleted_on_condition(s3):
    s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    lock = {"Bucket": "artifacts", "Key": "lock"}
    first = s3.put_object(**lock, Body=b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed"):
        s3.put_object(**lock, Body=b"2", IfNoneMatch="*")
    second = s3.put_object(**lock, Body=b"2", IfMatch=first)["ETag"]
    for call, params in ((s3.put_object, {"Body": b"3"}), (s3.delete_object, {})):
        with refused("PreconditionFailed"):
            call(**lock, **params, IfMatch=first)
    with refused("NotImplemented"):
        s3.put_object(**lock, Body=b"3", IfNoneMatch=first)
    s3.delete_object(**lock, IfMatch=second)
    for call, params in ((s3.put_object, {"Body": b"3"}), (s3.delete_object, {})):
        with refused("NoSuchKey"):
            call(**lock, **params, IfMatch=second)
    s3.put_object(**lock, Body=b"4", IfNoneMatch="*")


def test_a_subscription_waits_until_somebody_confirms_it(cloud):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="alerts", Tags=[{"Key": "team", "Value": "blue"}])["TopicArn"]
    mail = {"TopicArn": topic, "Protocol": "email", "Endpoint": "ops@example.org"}
    assert sns.subscribe(**mail)["SubscriptionArn"] == "pending confirmation"
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://pager.example.org/hook")
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert {subscription["SubscriptionArn"] for subscription in listed} == {"PendingConfirmation"}
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "2"
    (confirmed,) = cloud.control("PUT", "subscriptions", {"email": "ops@example.org"})
    assert sns.subscribe(**mail)["SubscriptionArn"] == confirmed
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"
    sns.publish(TopicArn=topic, Message="nothing is sent to example.org")
    for wrong in ({"Protocol": "email", "Endpoint": "ops"}, {"Protocol": "https", "Endpoint": "http://pager.example.org"}):
        with refused("InvalidParameter"):
            sns.subscribe(TopicArn=topic, **wrong)
    with refused("InvalidParameter", "different tags"):
        sns.create_topic(Name="alerts", Tags=[{"Key": "team", "Value": "red"}])


def manifest(number: int) -> str:
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": {"digest": f"sha256:{number:064}"}, "layers": []})


def test_an_image_keeps_its_tag_and_digest(cloud):
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName="orbit", imageTagMutability="IMMUTABLE")
    images = [ecr.put_image(repositoryName="orbit", imageManifest=manifest(n), imageTag=f"v{n}")["image"] for n in (1, 2)]
    assert len({image["imageId"]["imageDigest"] for image in images}) == 2
    with refused("ImageTagAlreadyExistsException", "cannot be overwritten because the tag is immutable"):
        ecr.put_image(repositoryName="orbit", imageManifest=manifest(3), imageTag="v1")
    with refused("ImageAlreadyExistsException"):
        ecr.put_image(repositoryName="orbit", imageManifest=manifest(1), imageTag="v1")
    ecr.put_image(repositoryName="orbit", imageManifest=manifest(1), imageTag="released-1")
    ecr.batch_delete_image(repositoryName="orbit", imageIds=[{"imageTag": "v1"}])
    found = {tag for image in ecr.describe_images(repositoryName="orbit")["imageDetails"] for tag in image["imageTags"]}
    assert found == {"v2", "released-1"}


def test_a_secret_that_is_to_go_is_left_alone_until_it_is_restored(cloud):
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name="orbit", SecretString="x")
    for value in "yz":
        secrets.put_secret_value(SecretId="orbit", SecretString=value)
    assert len(secrets.describe_secret(SecretId="orbit")["VersionIdsToStages"]) == 2
    secrets.delete_secret(SecretId="orbit", RecoveryWindowInDays=7)
    for call, params in ((secrets.put_secret_value, {"SecretString": "y"}), (secrets.get_secret_value, {}), (secrets.delete_secret, {})):
        with refused("InvalidRequestException", "because it was marked for deletion"):
            call(SecretId="orbit", **params)
    secrets.restore_secret(SecretId="orbit")
    secrets.put_secret_value(SecretId="orbit", SecretString="y")
    everybody = policy(allow("secretsmanager:GetSecretValue", Principal="*"))
    with refused("PublicPolicyException"):
        secrets.put_resource_policy(SecretId="orbit", ResourcePolicy=everybody, BlockPublicPolicy=True)


def test_another_account_reads_what_both_sides_allow(cloud):
    cloud.client("ecr").create_repository(repositoryName="orbit")
    cloud.client("ecr").put_image(repositoryName="orbit", imageManifest=manifest(1), imageTag="v1")
    theirs = cloud.client("ecr", key=OTHER)
    image = {"registryId": ACCOUNT, "repositoryName": "orbit", "imageIds": [{"imageTag": "v1"}]}
    with refused("AccessDeniedException", "because no resource-based policy allows the ecr:BatchGetImage action"):
        theirs.batch_get_image(**image)
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Action": "ecr:BatchGetImage"}
    cloud.client("ecr").set_repository_policy(repositoryName="orbit", policyText=policy(statement))
    assert theirs.batch_get_image(**image)["images"]
    iam, trust = cloud.client("iam", key=OTHER), {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    got = cloud.client("sts", key=OTHER).assume_role(RoleArn=role, RoleSessionName="them")["Credentials"]
    keys = {"aws_secret_access_key": got["SecretAccessKey"], "aws_session_token": got["SessionToken"]}
    as_role = cloud.client("ecr", key=got["AccessKeyId"], **keys)
    with refused("AccessDeniedException", "because no identity-based policy allows"):
        as_role.batch_get_image(**image)
    iam.put_role_policy(RoleName="deploy", PolicyName="pull", PolicyDocument=policy(allow("ecr:BatchGetImage")))
    assert as_role.batch_get_image(**image)["images"]


def test_a_certificate_is_issued_when_its_record_stands(cloud):
    acm, dns = cloud.client("acm"), cloud.client("route53")
    zone = dns.create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"]
    asked = {"DomainName": "orbit.example.org", "ValidationMethod": "DNS", "IdempotencyToken": "orbit"}
    arn = acm.request_certificate(**asked)["CertificateArn"]
    assert acm.request_certificate(**asked)["CertificateArn"] == arn
    record = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"][0]["ResourceRecord"]
    made = {"Name": record["Name"], "Type": record["Type"], "TTL": 300, "ResourceRecords": [{"Value": record["Value"]}]}
    create = {"HostedZoneId": zone, "ChangeBatch": {"Changes": [{"Action": "CREATE", "ResourceRecordSet": made}]}}
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "PENDING_VALIDATION"
    dns.change_resource_record_sets(**create)
    acm.list_certificates()
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED"
    with refused("InvalidChangeBatch", "but it already exists"):
        dns.change_resource_record_sets(**create)
    made["Name"] = "other.example.org"
    with refused("InvalidChangeBatch", "but it was not found"):
        create["ChangeBatch"]["Changes"][0]["Action"] = "DELETE"
        dns.change_resource_record_sets(**create)


def test_a_certificate_tells_its_record_a_while_after_the_request(cloud):
    cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    acm = cloud.client("acm")
    arn = acm.request_certificate(DomainName="orbit.example.org", ValidationMethod="DNS")["CertificateArn"]
    assert "DomainValidationOptions" not in acm.describe_certificate(CertificateArn=arn)["Certificate"]
    cloud.control("PUT", "clock", {"profile": "none"})
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]


def alarm(**more) -> dict:
    metric = {"Namespace": "AWS/RDS", "MetricName": "CPUUtilization", "Statistic": "Average", "Period": 300}
    return {"AlarmName": "cpu", **metric, "EvaluationPeriods": 3, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold", **more}


def test_an_alarm_has_no_data_at_first_and_keeps_its_state_and_tags(cloud):
    watch = cloud.client("cloudwatch")
    watch.put_metric_alarm(**alarm(Tags=[{"Key": "team", "Value": "blue"}]))
    assert watch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "INSUFFICIENT_DATA"
    watch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="hot")
    watch.put_metric_alarm(**alarm(Threshold=90.0, Tags=[{"Key": "team", "Value": "red"}]))
    (found,) = watch.describe_alarms()["MetricAlarms"]
    assert (found["StateValue"], found["Threshold"]) == ("ALARM", 90.0)
    assert watch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"] == [{"Key": "team", "Value": "blue"}]
    with refused("ResourceNotFound"):
        watch.delete_alarms(AlarmNames=["cpu", "missing"])
    assert watch.describe_alarms()["MetricAlarms"]


def test_logs_are_kept_for_days_that_aws_knows_and_filtered_where_they_are(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/orbit")
    with refused("InvalidParameterException", "enum value set"):
        logs.put_retention_policy(logGroupName="/orbit", retentionInDays=31)
    logs.put_retention_policy(logGroupName="/orbit", retentionInDays=30)
    counted = {"metricName": "errors", "metricNamespace": "orbit", "metricValue": "1"}
    found = {"filterName": "errors", "filterPattern": "{ $.status >= 500 }", "metricTransformations": [counted]}
    logs.put_metric_filter(logGroupName="/orbit", **found)
    with refused("ResourceNotFoundException"):
        logs.put_metric_filter(logGroupName="/missing", **found)
    with refused("InvalidParameterException", "Invalid metric filter pattern"):
        logs.put_metric_filter(logGroupName="/orbit", **{**found, "filterPattern": "{ $.status >= 500"})


def test_quotas_are_listed_by_service(cloud):
    quotas = cloud.client("service-quotas")
    assert quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-F678F1CE")["Quota"]["Value"] == 5.0
    assert quotas.list_service_quotas(ServiceCode="elasticbeanstalk")["Quotas"]
    with refused("NoSuchResourceException"):
        quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-00000000")


def test_a_role_keeps_to_iams_limits(cloud):
    iam = cloud.client("iam")
    cloud.role("orbit", "ec2.amazonaws.com")
    many = policy(allow("s3:GetObject", [f"arn:aws:s3:::{number:040}" for number in range(100)]))
    iam.put_role_policy(RoleName="orbit", PolicyName="one", PolicyDocument=many)
    with refused("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role orbit"):
        iam.put_role_policy(RoleName="orbit", PolicyName="two", PolicyDocument=many)
    with refused("LimitExceeded", "PolicySize: 6144"):
        wide = policy(allow("s3:GetObject", [f"arn:aws:s3:::{number:040}" for number in range(150)]))
        iam.create_policy(PolicyName="two", PolicyDocument=wide)
    for statement, words in (
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Missing required field Principal"),
        (allow("sts:AssumeRole", Principal={"AWS": ACCOUNT}), "prohibited field Resource"),
        (
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/missing"}},
            "Invalid principal in policy",
        ),
    ):
        with refused("MalformedPolicyDocument", words):
            iam.create_role(RoleName="nova", AssumeRolePolicyDocument=policy(statement))
    for number in range(10):
        made = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=policy(allow("s3:GetObject")))
        iam.attach_role_policy(RoleName="orbit", PolicyArn=made["Policy"]["Arn"])
    with refused("LimitExceeded", "PoliciesPerRole: 10"):
        iam.attach_role_policy(RoleName="orbit", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_instance_profile(InstanceProfileName="orbit", Tags=[{"Key": "a", "Value": "1"}])
    assert iam.list_instance_profile_tags(InstanceProfileName="orbit")["Tags"] == [{"Key": "a", "Value": "1"}]
