"""Every property of the deployed resources is one that its service knows, and has a value that it accepts.

botocore carries the models of the services. CloudFormation's own schemas, which cfn-lint knows, are older or looser.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.function_url import watching_url, without_gateway
from infra.one_function import merged, watched
from infra.packages import PACKAGES
from infra.variants import Template, functions, restored, shifted, versioned, zipped
from tests.support.service_models import ARN, Calls, Filler, Properties, faults, lowered, policy
from tests.support.templates import load

ROLE = "arn:aws:iam::123456789012:role/role"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serendip:0123456789abcdef"
KEY = ARN.format(service="kms", name="key/0123")
NEEDED = {"ImageUri": IMAGE, "SecretName": "/serendip/dev/secret", "Repository": "shop/serendip"}
EVERYTHING = NEEDED | {
    "Issuers": '[{"issuer": "https://id.example", "audience": "shop"}]',
    "OtlpEndpoint": "https://collector.example",
    "OtlpHeadersName": "/serendip/dev/headers",
    "CorsOrigins": "https://shop.example,https://app.example",
    "Email": "ops@shop.example",
    "ApiConcurrency": 100,
    "StreamConcurrency": 10,
    "WorkerConcurrency": 5,
    "ProvisionedConcurrency": 2,
    "JwtIssuer": "https://id.example",
    "JwtAudience": "shop,app",
    "DomainName": "recommend.shop.example",
    "SocketDomainName": "live.shop.example",
    "HostedZoneId": "Z0123456789",
    "CertificateArn": ARN.format(service="acm", name="certificate/0123"),
    "BasePath": "shop",
    "KeyArn": KEY,
    "TrainingSubnets": "subnet-0123",
    "TrainingSecurityGroups": "sg-0123",
    "Metrics": "true",
    "TableAlarms": "true",
    "MonthlyBudget": 20,
    "PermissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
    "DeletionProtection": "true",
}
VARIANTS = (("one", "api"), ("one", "url"), ("three", "url"))
"""Number of functions, and what receives requests."""
TEMPLATES = ("bootstrap", "tables", "template", "training", "monitoring", "ci")


def plain(service: str, operation: str, **more: Any) -> Callable[[Properties], Calls]:
    """One call, with parameters of the same names."""

    def calls(properties: Properties) -> Calls:
        yield service, operation, properties | more

    return calls


def renamed(service: str, operation: str) -> Callable[[Properties], Calls]:
    def calls(properties: Properties) -> Calls:
        yield service, operation, lowered(properties)

    return calls


def table(properties: Properties) -> Calls:
    name = {"TableName": properties["TableName"]}
    expiry = properties.pop("TimeToLiveSpecification", {"AttributeName": "expires_at", "Enabled": True})
    recovery = properties.pop("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": True})
    encryption = properties.get("SSESpecification", {})
    if "SSEEnabled" in encryption:
        encryption["Enabled"] = encryption.pop("SSEEnabled")
    if "StreamSpecification" in properties:
        properties["StreamSpecification"]["StreamEnabled"] = True
    yield "dynamodb", "CreateTable", properties
    yield "dynamodb", "UpdateTimeToLive", name | {"TimeToLiveSpecification": expiry}
    yield "dynamodb", "UpdateContinuousBackups", name | {"PointInTimeRecoverySpecification": recovery}


def bucket(properties: Properties) -> Calls:
    name = {"Bucket": "bucket"}
    blocks = properties.pop("PublicAccessBlockConfiguration")
    (encryption,) = properties.pop("BucketEncryption")["ServerSideEncryptionConfiguration"]
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": encryption["ServerSideEncryptionByDefault"]}]}
    lifecycle = properties.pop("LifecycleConfiguration")
    for rule in lifecycle["Rules"]:
        rule["ID"] = rule.pop("Id")
        rule.setdefault("Prefix", "")
        if "ExpirationInDays" in rule:
            rule["Expiration"] = {"Days": rule.pop("ExpirationInDays")}
    yield "s3", "PutPublicAccessBlock", name | {"PublicAccessBlockConfiguration": blocks}
    yield "s3", "PutBucketEncryption", name | {"ServerSideEncryptionConfiguration": rules}
    yield "s3", "PutBucketLifecycleConfiguration", name | {"LifecycleConfiguration": lifecycle}
    if "VersioningConfiguration" in properties:
        yield "s3", "PutBucketVersioning", name | {"VersioningConfiguration": properties.pop("VersioningConfiguration")}
    cors = properties.pop("CorsConfiguration", {"CorsRules": []})
    for rule in cors["CorsRules"]:
        rule["MaxAgeSeconds"] = rule.pop("MaxAge")
    yield "s3", "PutBucketCors", name | {"CORSConfiguration": {"CORSRules": cors["CorsRules"]}}
    yield "s3", "CreateBucket", name | properties


def bucket_policy(properties: Properties) -> Calls:
    properties["Policy"] = policy(properties.pop("PolicyDocument"))
    yield "s3", "PutBucketPolicy", properties


def role(properties: Properties) -> Calls:
    name = {"RoleName": properties.get("RoleName", "role")}
    for arn in properties.pop("ManagedPolicyArns", ()):
        yield "iam", "AttachRolePolicy", name | {"PolicyArn": arn}
    for inline in properties.pop("Policies", ()):
        document = {"PolicyDocument": policy(inline.pop("PolicyDocument"))}
        yield "iam", "PutRolePolicy", name | inline | document
    assuming = policy(properties.pop("AssumeRolePolicyDocument"))
    yield "iam", "CreateRole", properties | name | {"AssumeRolePolicyDocument": assuming}


def provider(properties: Properties) -> Calls:
    properties["ClientIDList"] = properties.pop("ClientIdList")
    yield "iam", "CreateOpenIDConnectProvider", properties


def record(properties: Properties) -> Calls:
    zone = {"HostedZoneId": properties.pop("HostedZoneId")}
    properties["AliasTarget"]["EvaluateTargetHealth"] = False
    changes = [{"Action": "UPSERT", "ResourceRecordSet": properties}]
    yield "route53", "ChangeResourceRecordSets", zone | {"ChangeBatch": {"Changes": changes}}


def queue(properties: Properties) -> Calls:
    name = properties.pop("QueueName", "queue")
    yield "sqs", "CreateQueue", {"QueueName": name, "Attributes": properties}


def topic(properties: Properties) -> Calls:
    properties["Name"] = properties.pop("TopicName")
    yield "sns", "CreateTopic", properties


def log_group(properties: Properties) -> Calls:
    name = {"logGroupName": properties.pop("LogGroupName")}
    yield "logs", "PutRetentionPolicy", name | {"retentionInDays": properties.pop("RetentionInDays")}
    yield "logs", "CreateLogGroup", name | lowered(properties)


def registry(properties: Properties) -> Calls:
    name = {"repositoryName": properties["RepositoryName"]}
    rules = properties.pop("LifecyclePolicy")["LifecyclePolicyText"]
    yield "ecr", "PutLifecyclePolicy", name | {"lifecyclePolicyText": rules}
    yield "ecr", "CreateRepository", lowered(properties)


def gateway_account(properties: Properties) -> Calls:
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": properties.pop("CloudWatchRoleArn")}
    yield "apigateway", "UpdateAccount", lowered(properties) | {"patchOperations": [change]}


def function_url(properties: Properties) -> Calls:
    properties["FunctionName"] = properties.pop("TargetFunctionArn")
    yield "lambda", "CreateFunctionUrlConfig", properties


def function(properties: Properties) -> Calls:
    name = {"FunctionName": properties["FunctionName"]}
    for sam in ("AutoPublishAlias", "AutoPublishCodeSha256", "DeploymentPreference", "VersionDeletionPolicy"):
        properties.pop(sam, None)
    properties.pop("PermissionsBoundary", None)  # checked with the other roles
    for number, document in enumerate(properties.pop("Policies")):
        yield "iam", "PutRolePolicy", {"RoleName": "r", "PolicyName": f"p{number}", "PolicyDocument": policy(document)}
    if "ReservedConcurrentExecutions" in properties:
        reserved = {"ReservedConcurrentExecutions": properties.pop("ReservedConcurrentExecutions")}
        yield "lambda", "PutFunctionConcurrency", name | reserved
    if "ProvisionedConcurrencyConfig" in properties:
        provisioned = properties.pop("ProvisionedConcurrencyConfig") | {"Qualifier": "live"}
        yield "lambda", "PutProvisionedConcurrencyConfig", name | provisioned
    if "EventInvokeConfig" in properties:
        settings = properties.pop("EventInvokeConfig")
        del settings["DestinationConfig"]["OnFailure"]["Type"]
        yield "lambda", "PutFunctionEventInvokeConfig", name | settings
    if "RecursiveLoop" in properties:
        yield "lambda", "PutFunctionRecursionConfig", name | {"RecursiveLoop": properties.pop("RecursiveLoop")}
    for event in properties.pop("Events", {}).values():
        schedule = event["Properties"]
        schedule.pop("PermissionsBoundary", None)
        target = {key: schedule.pop(key) for key in ("Input", "RetryPolicy", "DeadLetterConfig")}
        more = {
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target | {"Arn": "arn:aws:lambda:::f", "RoleArn": ROLE},
        }
        yield "scheduler", "CreateSchedule", schedule | more
    if "ImageUri" in properties:
        properties["Code"] = {"ImageUri": properties.pop("ImageUri")}
    else:
        packed = properties.pop("CodeUri")
        properties["Code"] = {"S3Bucket": packed["Bucket"], "S3Key": packed["Key"]}
    yield "lambda", "CreateFunction", properties | {"Role": ROLE}


CALLS: Mapping[str, Callable[[Properties], Calls]] = {
    "AWS::ApiGateway::Account": gateway_account,
    "AWS::ApiGatewayV2::Api": plain("apigatewayv2", "CreateApi"),
    "AWS::ApiGatewayV2::ApiMapping": plain("apigatewayv2", "CreateApiMapping"),
    "AWS::ApiGatewayV2::Authorizer": plain("apigatewayv2", "CreateAuthorizer"),
    "AWS::ApiGatewayV2::DomainName": plain("apigatewayv2", "CreateDomainName"),
    "AWS::ApiGatewayV2::Integration": plain("apigatewayv2", "CreateIntegration"),
    "AWS::ApiGatewayV2::Route": plain("apigatewayv2", "CreateRoute"),
    "AWS::ApiGatewayV2::Stage": plain("apigatewayv2", "CreateStage"),
    "AWS::Budgets::Budget": plain("budgets", "CreateBudget", AccountId="123456789012"),
    "AWS::CloudWatch::Alarm": plain("cloudwatch", "PutMetricAlarm"),
    "AWS::CloudWatch::Dashboard": plain("cloudwatch", "PutDashboard"),
    "AWS::DynamoDB::Table": table,
    "AWS::ECR::Repository": registry,
    "AWS::ECS::Cluster": renamed("ecs", "CreateCluster"),
    "AWS::ECS::TaskDefinition": renamed("ecs", "RegisterTaskDefinition"),
    "AWS::IAM::OIDCProvider": provider,
    "AWS::IAM::Role": role,
    "AWS::Lambda::EventSourceMapping": plain("lambda", "CreateEventSourceMapping"),
    "AWS::Lambda::Permission": plain("lambda", "AddPermission", StatementId="gateway"),
    "AWS::Lambda::Url": function_url,
    "AWS::Logs::LogGroup": log_group,
    "AWS::Route53::RecordSet": record,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::SNS::Subscription": plain("sns", "Subscribe"),
    "AWS::SNS::Topic": topic,
    "AWS::SQS::Queue": queue,
    "AWS::Serverless::Function": function,
}


def refused(template: Template, parameters: Mapping[str, Any]) -> list[str]:
    used = {name: value for name, value in parameters.items() if name in template.get("Parameters", {})}
    return [
        f"{name}: {fault}"
        for name, kind, properties in Filler(template, used).resources()
        for service, operation, call in CALLS[kind](properties)
        for fault in faults(service, operation, call)
    ]


def deployed(name: str, flavour: str, number: str = "three", front: str = "api") -> Template:
    template = load(name)
    if number == "one":
        template = {"template": merged, "monitoring": watched}[name](template)
    if front == "url":
        template = {"template": without_gateway, "monitoring": watching_url}[name](template)
    if name != "template":
        return template
    if flavour == "zip":
        code = {package: {"Bucket": "code", "Key": f"packages/{package}.zip"} for package in PACKAGES}
        template = restored(zipped(template, code, "3.13"))
    return versioned(shifted(template, "Canary10Percent5Minutes"), EVERYTHING)


@pytest.mark.parametrize("parameters", [NEEDED, EVERYTHING], ids=["needed", "everything"])
@pytest.mark.parametrize("flavour", ["zip", "image"])
@pytest.mark.parametrize(
    ("name", "number", "front"),
    [
        *((name, "three", "api") for name in TEMPLATES),
        *((name, *variant) for name in ("template", "monitoring") for variant in VARIANTS),
    ],
)
def test_services_know_every_property_and_accept_its_value(
    name: str, number: str, front: str, flavour: str, parameters: Mapping[str, Any]
) -> None:
    assert refused(deployed(name, flavour, number, front), parameters) == []


PLANTED: Mapping[str, tuple[str, Callable[[Template], object], str]] = {
    "a misspelled property": (
        "template",
        lambda made: functions(made)["ApiFunction"].update(MemorySice=1),
        "CreateFunction: MemorySice is unknown",
    ),
    "a property that is missing": (
        "template",
        lambda made: made["Resources"]["HttpIntegration"]["Properties"].pop("IntegrationType"),
        "CreateIntegration: IntegrationType is required",
    ),
    "a value that there is not": (
        "tables",
        lambda made: made["Resources"]["EventsTable"]["Properties"].update(BillingMode="BY_USE"),
        "CreateTable.BillingMode: BY_USE is none of",
    ),
    "a value beyond its range": (
        "template",
        lambda made: made["Resources"]["EventsStream"]["Properties"].update(ParallelizationFactor=11),
        "CreateEventSourceMapping.ParallelizationFactor: 11 is not between 1 and 10",
    ),
    "a name of another form": (
        "template",
        lambda made: made["Resources"]["AccessLogs"]["Properties"].update(LogGroupName="access logs"),
        "CreateLogGroup.logGroupName: 'access logs' is not of the form",
    ),
    "a kind of credentials that there is not": (
        "template",
        lambda made: without_gateway(made)["Resources"]["Url"]["Properties"].update(AuthType="KEYS"),
        "CreateFunctionUrlConfig.AuthType: KEYS is none of",
    ),
    "an attribute of queues that there is not": (
        "template",
        lambda made: made["Resources"]["LostCalls"]["Properties"].update(MessageRetention=1),
        "CreateQueue.Attributes: MessageRetention is none of",
    ),
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted_faults_are_seen(what: str) -> None:
    name, plant, fault = PLANTED[what]
    template = deployed(name, "zip")
    plant(template)

    assert any(fault in line for line in refused(template, NEEDED))
