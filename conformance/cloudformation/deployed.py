"""Reads by boto3 what the services of moto have after a stack was created."""

import ast
import json

import boto3


def pages(client, operation, key, **arguments):
    """Returns the entries of all pages; of one answer where botocore knows no pages."""
    if client.can_paginate(operation):
        return [one for page in client.get_paginator(operation).paginate(**arguments) for one in page.get(key, [])]
    return getattr(client, operation)(**arguments).get(key, [])


def pick(answer, *names):
    return {name: answer[name] for name in names if name in answer}


def document_of(given):
    """Returns a policy's document: of a role's own `Policies`, moto answers with Python's text of it instead of JSON."""
    return ast.literal_eval(given) if isinstance(given, str) else given


def roles(region):
    iam = boto3.client("iam", region)
    found = {}
    for role in pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        inline = {
            policy: document_of(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
            for policy in pages(iam, "list_role_policies", "PolicyNames", RoleName=name)
        }
        managed = {}
        for policy in pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
            arn = policy["PolicyArn"]
            if arn.startswith("arn:aws:iam::aws:"):
                managed[arn] = None
            else:
                version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                managed[arn] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        boundary = iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        found[role["Arn"]] = {
            "trustPolicy": role["AssumeRolePolicyDocument"],
            "inline": inline,
            "managed": managed,
            "boundary": boundary,
        }
    return found


def functions(region):
    client = boto3.client("lambda", region)
    found = {}
    for function in pages(client, "list_functions", "Functions"):
        versions = pages(client, "list_versions_by_function", "Versions", FunctionName=function["FunctionName"])
        found[function["FunctionArn"]] = {
            "handler": function["Handler"],
            "timeoutSeconds": function["Timeout"],
            "memoryMb": function["MemorySize"],
            "environment": function.get("Environment", {}).get("Variables", {}),
            "roleArn": function["Role"],
            "versions": sorted(one["FunctionArn"] for one in versions if one["Version"] != "$LATEST"),
        }
    return found


def state_machines(region):
    client = boto3.client("stepfunctions", region)
    found = {}
    for machine in pages(client, "list_state_machines", "stateMachines"):
        described = client.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
        found[machine["stateMachineArn"]] = {
            "name": described["name"],
            "roleArn": described["roleArn"],
            "definition": json.loads(described["definition"]),
        }
    return found


def tables(region):
    client = boto3.client("dynamodb", region)
    found = {}
    for name in pages(client, "list_tables", "TableNames"):
        table = client.describe_table(TableName=name)["Table"]
        found[table["TableArn"]] = {
            "name": name,
            "keySchema": table["KeySchema"],
            "attributeDefinitions": table["AttributeDefinitions"],
            "indexes": [
                pick(index, "IndexName", "KeySchema", "Projection") for index in table.get("GlobalSecondaryIndexes", [])
            ],
            "billingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        }
    return found


def rules(region):
    client = boto3.client("events", region)
    found = {}
    for rule in pages(client, "list_rules", "Rules"):
        if rule["State"] == "DISABLED":
            continue
        found[rule["Arn"]] = {
            "name": rule["Name"],
            "pattern": json.loads(rule["EventPattern"]) if "EventPattern" in rule else None,
            "schedule": rule.get("ScheduleExpression"),
            "targets": pages(client, "list_targets_by_rule", "Targets", Rule=rule["Name"]),
        }
    return found


def buckets(region):
    client = boto3.client("s3", region)
    found = {}
    for name in (bucket["Name"] for bucket in client.list_buckets()["Buckets"]):
        if name.startswith("cdk-"):
            continue
        found[name] = {
            "versioning": client.get_bucket_versioning(Bucket=name).get("Status"),
            "encryption": client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"],
        }
    return found


def names_of(service, region, operation, key, name):
    return [one[name] if name else one for one in pages(boto3.client(service, region), operation, key)]


def apis(region):
    client = boto3.client("apigateway", region)
    found = {}
    for api in client.get_rest_apis()["items"]:
        methods = {}
        for resource in client.get_resources(restApiId=api["id"], limit=500)["items"]:
            for verb in resource.get("resourceMethods", {}):
                method = client.get_method(restApiId=api["id"], resourceId=resource["id"], httpMethod=verb)
                methods[f"{verb} {resource['path']}"] = {
                    "authorization": method["authorizationType"],
                    "uri": method.get("methodIntegration", {}).get("uri"),
                }
        found[api["name"]] = {"methods": methods}
    return found


def queues(region):
    client = boto3.client("sqs", region)
    return [
        client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for url in pages(client, "list_queues", "QueueUrls")
    ]


def read(region):
    return {
        "roles": roles(region),
        "functions": functions(region),
        "stateMachines": state_machines(region),
        "tables": tables(region),
        "rules": rules(region),
        "buckets": buckets(region),
        "apis": apis(region),
        "queues": queues(region),
        "topics": names_of("sns", region, "list_topics", "Topics", "TopicArn"),
    }
