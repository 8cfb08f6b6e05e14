"""Creates the stacks of assemblies in moto, in this process and without a network.

Reads work from standard input, one JSON object, and writes one line of JSON for each stack: see moto.ts, which defines
both.
"""

import io
import itertools
import json
import os
import re
import sys
import time
import warnings
import zipfile

for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
    os.environ[name] = "none"
# Types that moto does not support are reported with each stack.
warnings.simplefilter("ignore")

import boto3  # noqa: E402
import deployed  # noqa: E402
import stand_ins  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.cloudformation import parsing  # noqa: E402
from moto.cloudformation.models import cloudformation_backends  # noqa: E402

parsing.logger.setLevel("ERROR")
stand_ins.register()
# The random part of names that CloudFormation generates can be told from the rest.
NUMBERS = itertools.count()
parsing.random_suffix = lambda: f"GENERATED{next(NUMBERS):04d}"


def zip_of_nothing():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.mjs", "")
    return content.getvalue()


def bootstrap(text, account, region):
    """Creates what `cdk bootstrap` does, as far as the template uses it, and the objects of its assets."""
    boto3.client("ssm", region).put_parameter(
        Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String"
    )
    s3 = boto3.client("s3", region)
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    bucket = f"cdk-hnb659fds-assets-{account}-{region}"
    s3.create_bucket(Bucket=bucket, **location)
    for key in sorted(set(re.findall(r'"S3Key": ?"([^"]+)"', text))):
        s3.put_object(Bucket=bucket, Key=key, Body=zip_of_nothing())
    s3.put_object(Bucket=bucket, Key="stack.template.json", Body=text)
    return f"https://s3.amazonaws.com/{bucket}/stack.template.json"


def attributes_of(resource, names):
    found = {}
    for name in names:
        try:
            found[name] = resource.get_cfn_attribute(name)
        except Exception as error:  # moto has several ways not to know an attribute.
            found[name] = f"not known to moto: {type(error).__name__}"
    return found


def resources_of(template, resources, created):
    """Returns each resource as moto has resolved it, also those of types that it does not create."""
    attributes = {}
    for resource_name, attribute in re.findall(r'"Fn::GetAtt": ?\["(\w+)", ?"([\w.]+)"\]', json.dumps(template)):
        attributes.setdefault(resource_name, set()).add(attribute)
    found = {}
    for logical_id, resource in template["Resources"].items():
        condition = resource.get("Condition")
        if condition and not resources.lazy_condition_map[condition]:
            continue
        instance = resources[logical_id]
        by = "nothing" if instance is None else "stand-in" if hasattr(instance, "is_stand_in") else "moto"
        found[logical_id] = {
            "type": resource["Type"],
            "createdBy": by,
            "listed": logical_id in created,
            "ref": None if instance is None else getattr(instance, "physical_resource_id", None),
            "attributes": {} if instance is None else attributes_of(instance, sorted(attributes.get(logical_id, []))),
            "properties": parsing.clean_json(resource.get("Properties", {}), resources),
        }
    return found


def create(path, stack_name, account, region, outputs):
    """Creates a stack, and returns what came of it. Its parameters are the outputs of the same name."""
    os.environ["MOTO_ACCOUNT_ID"] = account
    os.environ["AWS_DEFAULT_REGION"] = region
    with open(path, encoding="utf-8") as file:
        text = file.read()
    template = json.loads(text)
    cloudformation = boto3.client("cloudformation", region)
    given = [
        {"ParameterKey": name, "ParameterValue": outputs[name]}
        for name in template.get("Parameters", {})
        if name in outputs
    ]
    try:
        cloudformation.create_stack(
            StackName=stack_name,
            TemplateURL=bootstrap(text, account, region),
            Parameters=given,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        # What moto did not create is an entry without a name there.
        listed = [
            one
            for one in cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
            if "LogicalResourceId" in one
        ]
        resources = cloudformation_backends[account][region].get_stack(stack_name).resource_map
        return {
            "status": stack["StackStatus"],
            "stackId": stack["StackId"],
            "statuses": sorted({one["ResourceStatus"] for one in listed}),
            "resources": resources_of(
                json.loads(text), resources, {one["LogicalResourceId"] for one in listed}
            ),
            "outputs": {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])},
            "deployed": deployed.read(region),
        }
    except Exception as error:  # Whatever moto cannot create is a difference, and the next stack is created.
        return {"status": f"{type(error).__name__}: {error}"}


def main():
    for one in json.load(sys.stdin)["assemblies"]:
        hub_outputs = {}
        for stack in one["stacks"]:
            started = time.monotonic()
            with mock_aws():
                outputs = {**hub_outputs, **stack.get("parameters", {})}
                result = create(stack["template"], stack["stackName"], stack["account"], stack["region"], outputs)
            if stack["name"] == "hub":
                hub_outputs = result.get("outputs", {})
            seconds = round(time.monotonic() - started, 1)
            line = {"assembly": one["name"], "stack": stack["name"], "seconds": seconds, **result}
            # Where moto knows no Ref of a resource, it leaves its own object in the place.
            print(json.dumps(line, default=lambda value: f"a {type(value).__name__} of moto"), flush=True)


main()
