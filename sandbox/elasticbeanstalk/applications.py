"""Applications and their versions. Each operation names the page that it follows."""

from __future__ import annotations

from sandbox.core import tags
from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk import life
from sandbox.elasticbeanstalk.environments import begin
from sandbox.elasticbeanstalk.models import Application, Beanstalk, Version
from sandbox.elasticbeanstalk.registry import Params, beanstalk_operation, given


def application_described(beanstalk: Beanstalk, application: Application) -> Params:
    return given(
        ApplicationName=application.name,
        ApplicationArn=beanstalk.arn("elasticbeanstalk", f"application/{application.name}"),
        Description=application.description,
        DateCreated=application.created,
        DateUpdated=application.updated,
        Versions=list(application.versions),
        ConfigurationTemplates=[],
        ResourceLifecycleConfig=application.lifecycle or {"VersionLifecycleConfig": NO_LIFECYCLE},
    )


NO_LIFECYCLE = {
    "MaxCountRule": {"Enabled": False, "MaxCount": 200, "DeleteSourceFromS3": False},
    "MaxAgeRule": {"Enabled": False, "MaxAgeInDays": 180, "DeleteSourceFromS3": False},
}


@beanstalk_operation
def create_application(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplication.html"""
    name, now = params["ApplicationName"], beanstalk.clock.now()
    if "/" in name:
        raise AwsError(
            "InvalidParameterValue", f"Value {name} at 'ApplicationName' failed to satisfy constraint: Member must not contain '/'"
        )
    if name in beanstalk.applications:
        raise AwsError("InvalidParameterValue", f"Application {name} already exists.")
    made = Application(
        name, params.get("Description"), now, now, tags.as_dict(params.get("Tags")), params.get("ResourceLifecycleConfig") or {}
    )
    beanstalk.applications[name] = made
    beanstalk.tell(made, f"Created new Application: {name}")
    return {"Application": application_described(beanstalk, made)}


@beanstalk_operation
def describe_applications(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeApplications.html"""
    names = params.get("ApplicationNames") or list(beanstalk.applications)
    found = [beanstalk.applications[name] for name in names if name in beanstalk.applications]
    return {"Applications": [application_described(beanstalk, application) for application in found]}


@beanstalk_operation
def update_application(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateApplication.html"""
    application = beanstalk.application(params["ApplicationName"])
    application.description, application.updated = params.get("Description", application.description), beanstalk.clock.now()
    return {"Application": application_described(beanstalk, application)}


@beanstalk_operation
def update_application_resource_lifecycle(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateApplicationResourceLifecycle.html"""
    application = beanstalk.application(params["ApplicationName"])
    application.lifecycle = {**application.lifecycle, **params["ResourceLifecycleConfig"]}
    return {"ApplicationName": application.name, "ResourceLifecycleConfig": application.lifecycle}


@beanstalk_operation
def delete_application(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DeleteApplication.html: not one with a running environment."""
    application = beanstalk.applications.get(params["ApplicationName"])
    if application is None:
        return {}
    living = beanstalk.living(application.name)
    if living and not params.get("TerminateEnvByForce"):
        raise AwsError(
            "OperationInProgressFailure", f"Unable to delete application {application.name}: environment {living[0].name} is running."
        )
    for environment in living:
        begin(beanstalk, environment, "Terminating", life.terminate(beanstalk, environment))
    del beanstalk.applications[application.name]
    beanstalk.tell(application, "The application has been deleted successfully.")
    return {}


def version_described(beanstalk: Beanstalk, version: Version) -> Params:
    return given(
        ApplicationVersionArn=beanstalk.arn("elasticbeanstalk", f"applicationversion/{version.application}/{version.label}"),
        ApplicationName=version.application,
        VersionLabel=version.label,
        Description=version.description,
        SourceBundle=version.bundle,
        DateCreated=version.created,
        DateUpdated=version.created,
        Status=version.status,
    )


@beanstalk_operation
def create_application_version(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplicationVersion.html"""
    if params["ApplicationName"] not in beanstalk.applications and params.get("AutoCreateApplication"):
        create_application(beanstalk, {"ApplicationName": params["ApplicationName"]})
    application, label = beanstalk.application(params["ApplicationName"]), params["VersionLabel"]
    if label in application.versions:
        raise AwsError("InvalidParameterValue", f"Application Version {label} already exists.")
    bundle = params.get("SourceBundle")
    if bundle:
        check_source(beanstalk, bundle)
    status = "Processed" if params.get("Process") else "Unprocessed"
    made = Version(
        application.name, label, bundle, params.get("Description"), beanstalk.clock.now(), status, tags.as_dict(params.get("Tags"))
    )
    application.versions[label] = made
    beanstalk.tell(application, f"Created new Application Version: {label}")
    return {"ApplicationVersion": version_described(beanstalk, made)}


def check_source(beanstalk: Beanstalk, bundle: Params) -> None:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_S3Location.html"""
    try:
        beanstalk.invoke("s3", "HeadObject", Bucket=bundle.get("S3Bucket", ""), Key=bundle.get("S3Key", ""))
    except AwsError as error:
        place = f"Bucket: {bundle.get('S3Bucket')}  Key: {bundle.get('S3Key')}"
        raise AwsError("InvalidParameterValue", f"Unable to download from S3 location ({place}). Reason: Not Found") from error


@beanstalk_operation
def describe_application_versions(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeApplicationVersions.html: newest first."""
    wanted, labels = params.get("ApplicationName"), params.get("VersionLabels")
    found = [v for a in beanstalk.applications.values() for v in a.versions.values() if wanted in (None, a.name)]
    found = [version for version in found if not labels or version.label in labels]
    found.sort(key=lambda version: version.created, reverse=True)
    return {"ApplicationVersions": [version_described(beanstalk, version) for version in found]}


@beanstalk_operation
def update_application_version(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateApplicationVersion.html"""
    version = beanstalk.version(params["ApplicationName"], params["VersionLabel"])
    version.description = params.get("Description", version.description)
    return {"ApplicationVersion": version_described(beanstalk, version)}


@beanstalk_operation
def delete_application_version(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DeleteApplicationVersion.html: not one that an environment runs."""
    application, label = beanstalk.application(params["ApplicationName"]), params["VersionLabel"]
    users = [env.name for env in beanstalk.living(application.name) if label in (env.version, *env.deployed.values())]
    if users:
        text = f"Unable to delete application version: {label}. It is deployed to environment {users[0]}."
        raise AwsError("OperationInProgressFailure", text)
    version = application.versions.pop(label, None)
    if version and version.bundle and params.get("DeleteSourceBundle"):
        beanstalk.invoke("s3", "DeleteObject", Bucket=version.bundle["S3Bucket"], Key=version.bundle["S3Key"])
    return {}
