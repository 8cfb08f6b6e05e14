"""What moto lacks for resources that other resources refer to.

A stand-in creates nothing: it has only the values of Ref and Fn::GetAtt, so that the resources that refer to it can be
created. Source of the values: CloudFormation Template Reference, "Return values" of each resource type.
"""

from moto.awslambda.models import LambdaVersion, LayerVersion, lambda_backends
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.iam.models import Role, iam_backends
from moto.logs.models import LogGroup


def stand_in(resource_type, name_property, attributes):
    """Registers a resource type with moto: its Ref is its name."""

    class StandIn(CloudFormationModel):
        # moto reads a service from the second part of a module's name.
        __module__ = "conformance.cloudformation"
        is_stand_in = True

        def __init__(self, name, account, region):
            self.name, self.account, self.region = name, account, region

        @staticmethod
        def cloudformation_name_type():
            return name_property

        @staticmethod
        def cloudformation_type():
            return resource_type

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
            return cls(resource_name, account_id, region_name)

        @property
        def physical_resource_id(self):
            return self.name

        @classmethod
        def has_cfn_attr(cls, attr):
            return attr in attributes

        def get_cfn_attribute(self, attribute_name):
            return attributes[attribute_name](self)

    return StandIn


STAND_INS = [
    stand_in(
        "AWS::CloudWatch::Alarm",
        "AlarmName",
        {"Arn": lambda alarm: f"arn:aws:cloudwatch:{alarm.region}:{alarm.account}:alarm:{alarm.name}"},
    ),
    stand_in("AWS::ApiGateway::Stage", "StageName", {}),
]


def create_version(cls, resource_name, cloudformation_json, account_id, region_name, **_):
    """Publishes a version, and keeps its ARN: moto's own model of a version has neither Ref nor attributes."""
    published = lambda_backends[account_id][region_name].publish_version(
        cloudformation_json["Properties"]["FunctionName"]
    )
    version = cls({"Version": published.version})
    arn = published.function_arn
    version.physical_resource_id = arn if arn.endswith(f":{published.version}") else f"{arn}:{published.version}"
    return version


def attribute_of_version(version, attribute_name):
    return {"Version": str(version.version), "FunctionArn": version.physical_resource_id}[attribute_name]


create_role = Role.create_from_cloudformation_json


def create_role_with_policies(cls, resource_name, cloudformation_json, account_id, region_name, **more):
    """Creates a role, and attaches its ManagedPolicyArns, which moto leaves out. IAM refuses one that does not exist."""
    role = create_role(resource_name, cloudformation_json, account_id, region_name, **more)
    for arn in cloudformation_json["Properties"].get("ManagedPolicyArns", []):
        iam_backends[account_id]["aws"].attach_role_policy(arn, role.name)
    return role


attribute_of_moto = LogGroup.get_cfn_attribute


def attribute_of_log_group(group, attribute_name):
    """The ARN of a log group ends with `:*`, which moto leaves out."""
    value = attribute_of_moto(group, attribute_name)
    return f"{value}:*" if attribute_name == "Arn" and not value.endswith(":*") else value


def register():
    LogGroup.get_cfn_attribute = attribute_of_log_group
    Role.create_from_cloudformation_json = classmethod(create_role_with_policies)
    LambdaVersion.create_from_cloudformation_json = classmethod(create_version)
    LambdaVersion.get_cfn_attribute = attribute_of_version
    # Its Ref is the ARN of the version, which moto's model has, but not as its Ref.
    LayerVersion.physical_resource_id = property(lambda layer: layer.arn)
    parsing.get_model_list.cache_clear()
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()
