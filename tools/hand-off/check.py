"""Reads hand-offs with parsers that are independent of the project, and compares every value with the hand-off.

    check.py FOLDER SCHEMA

FOLDER is what test/lambdas/domain/hand-off/formats/write-hand-offs.ts wrote; SCHEMA is the JSON schema of eksctl's
ClusterConfig. Terraform code is read with python-hcl2, YAML with PyYAML. Exits with 1 at the first difference.
"""

import json
import re
import sys
from pathlib import Path

import hcl2
import jsonschema
import yaml

ANNOTATION = "eks.amazonaws.com/role-arn"
ASSOCIATION = "aws_eks_pod_identity_association"
SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
# HCL Native Syntax Specification, "Template Expressions".
PART = re.compile(r'\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\(.)|(\$\$\{|%%\{)|([$%]\{)|([^\\])', re.DOTALL)

COMMENTS = ("__comments__", "__inline_comments__")
NUMBER = re.compile(r"\$\{(-?[\d.]+(?:e[+-]?\d+)?)\}")


class Difference(Exception):
    """The code differs from the hand-off."""


def unquoted(text):
    """Returns the text that HCL's quoted text means. python-hcl2 returns it as it is written."""

    def value(match):
        short, long, simple, escaped, template, plain = match.groups()
        if template:
            raise Difference(f"a template in {text!r}")
        if short or long:
            return chr(int(short or long, 16))
        return SIMPLE[simple] if simple else escaped[1:] if escaped else plain

    return PART.sub(value, text[1:-1])


def value_of(read):
    """Returns a value of python-hcl2 as plain data. Blocks are lists of objects."""
    if isinstance(read, dict):
        return {
            unquoted(key) if key.startswith('"') else key: value_of(inner)
            for key, inner in read.items()
            if key not in COMMENTS
        }
    if isinstance(read, list):
        return [value_of(inner) for inner in read]
    if isinstance(read, str) and read.startswith('"'):
        return unquoted(read)
    # python-hcl2 returns negative numbers and those with an exponent as expressions.
    if isinstance(read, str) and (number := NUMBER.fullmatch(read)):
        return json.loads(number[1])
    return None if read == "null" else read


def expect(found, wanted, what):
    if found != wanted:
        raise Difference(f"{what}:\n  found  {found!r}\n  wanted {wanted!r}")


def blocks(code, kind):
    """Returns (type, label, body) of the blocks of a kind."""
    return [
        (type_, label, body)
        for block in code.get(kind, [])
        for type_, labels in block.items()
        if type_ != "__is_block__"
        for label, body in labels.items()
        if label != "__is_block__"
    ]


def plain(body):
    return {name: inner for name, inner in body.items() if name != "__is_block__"}


def check_schema(body, known, path):
    for name, inner in plain(body).items():
        is_block = isinstance(inner, list) and any(isinstance(one, dict) and "__is_block__" in one for one in inner)
        if not is_block:
            if name not in known["attributes"]:
                raise Difference(f"the provider has no argument {path}.{name}")
            continue
        if name not in known["blocks"]:
            raise Difference(f"the provider has no block {path}.{name}")
        for one in inner:
            check_schema(one, known["blocks"][name], f"{path}.{name}")


def listed(value):
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in (value if isinstance(value, list) else [value])]


ELEMENTS = {"sid": "Sid", "effect": "Effect"}
LISTS = {"actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"}


def statement_of(block):
    """Returns the statement that aws_iam_policy_document writes for a block, with every text in a list."""
    found = {}
    for name, inner in plain(block).items():
        if name in ELEMENTS:
            found[ELEMENTS[name]] = inner
        elif name in LISTS:
            found[LISTS[name]] = inner
        elif name == "principals":
            is_any = [(one["type"], one["identifiers"]) for one in inner] == [("*", ["*"])]
            found["Principal"] = "*" if is_any else {one["type"]: one["identifiers"] for one in inner}
        elif name == "condition":
            for one in inner:
                found.setdefault("Condition", {}).setdefault(one["test"], {})[one["variable"]] = one["values"]
        else:
            raise Difference(f"a statement has {name}")
    return found


def normal(statement):
    """Returns a statement with every text in a list, as `statement_of` has it."""
    wanted = dict(statement)
    for element in LISTS.values():
        if element in wanted:
            wanted[element] = listed(wanted[element])
    if isinstance(wanted.get("Principal"), dict):
        wanted["Principal"] = {kind: listed(names) for kind, names in wanted["Principal"].items()}
        if wanted["Principal"] == {"*": ["*"]}:
            wanted["Principal"] = "*"
    if "Condition" in wanted:
        condition = {
            test: {key: listed(values) for key, values in keys.items()} for test, keys in wanted["Condition"].items() if keys
        }
        wanted["Condition"] = condition
        if not condition:
            del wanted["Condition"]
    return wanted


def imports_of(hand_off):
    return [one for one in hand_off["associations"] if one["action"] == "import"]


def check_trust(code, hand_off):
    wanted = [one["statement"] if one["action"] == "add" else one.get("kept") for one in hand_off["trust"]]
    wanted = [one for one in wanted if one is not None]
    documents = [statement_of(body["statement"][0]) for type_, _, body in blocks(code, "data")]
    local = [inner for block in code.get("locals", []) for inner in plain(block).values()]
    as_objects = [one for one in wanted if one in local]
    as_documents = [normal(one) for one in wanted if one not in local]
    expect(len(documents) + len(local), len(wanted), "the number of statements")
    expect(len(local), len(as_objects), "the statements in locals")
    expect(documents, as_documents, "the statements in policy documents")


def check_terraform(folder, hand_off, schema):
    code = value_of(hcl2.loads((folder / "main.tf").read_text(encoding="utf-8")))
    for kind in ("resource", "data"):
        for type_, _, body in blocks(code, kind):
            if type_ not in schema[kind]:
                raise Difference(f"the provider has no {kind} {type_}")
            check_schema(body, schema[kind][type_], type_)
    resources = blocks(code, "resource")
    labels = [(type_, label) for type_, label, _ in resources]
    expect(len(set(labels)), len(labels), "the number of different labels")
    cluster = hand_off["target"]["cluster"]
    addon = hand_off.get("addon")
    found = [plain(body) for type_, _, body in resources if type_ == "aws_eks_addon"]
    wanted = []
    if addon:
        wanted = [{"cluster_name": cluster, "addon_name": addon["name"]}]
        if "addRoleArn" in addon:
            wanted[0]["service_account_role_arn"] = addon["addRoleArn"]
        if addon["associations"]:
            wanted[0]["pod_identity_association"] = [
                {"role_arn": one["roleArn"], "service_account": one["serviceAccount"], "__is_block__": True}
                for one in addon["associations"]
            ]
    expect(found, wanted, "the add-on")
    found = [plain(body) for type_, _, body in resources if type_ == ASSOCIATION]
    expect(found, [association_of(one, cluster) for one in imports_of(hand_off)], "the associations")
    found = [plain(block) for block in code.get("import", [])]
    addresses = [f"${{{ASSOCIATION}.{label}}}" for type_, label, _ in resources if type_ == ASSOCIATION]
    wanted = [
        {"to": address, "id": f"{cluster},{one.get('id', 'ASSOCIATION-ID')}"}
        for address, one in zip(addresses, imports_of(hand_off), strict=True)
    ]
    expect(found, wanted, "the imports")
    check_trust(code, hand_off)


def association_of(one, cluster):
    names = {"targetRoleArn": "target_role_arn", "policy": "policy"}
    return {
        "cluster_name": cluster,
        "namespace": one["namespace"],
        "service_account": one["serviceAccount"],
        "role_arn": one["roleArn"],
        **{name: one[key] for key, name in names.items() if key in one},
        **({"disable_session_tags": True} if one.get("disableSessionTags") else {}),
        **({"tags": one["tags"]} if one["tags"] else {}),
    }


def check_module(folder, hand_off):
    code = value_of(hcl2.loads((folder / "module.tf").read_text(encoding="utf-8")))
    found = [plain(body) for block in code.get("module", []) for body in block.values()]
    addon = hand_off.get("addon")
    if not addon:
        expect(found, [], "the module")
        return
    entry = {}
    if "version" in addon:
        entry["addon_version"] = addon["version"]
    if "addRoleArn" in addon:
        entry["service_account_role_arn"] = addon["addRoleArn"]
    if addon["associations"]:
        entry["pod_identity_association"] = [
            {"role_arn": one["roleArn"], "service_account": one["serviceAccount"]} for one in addon["associations"]
        ]
    expect(found, [{"addons": {addon["name"]: entry}}], "the module")


def is_dynamic(text):
    return "{{resolve:" in text


def check_template(folder, hand_off):
    template = yaml.safe_load((folder / "template.yaml").read_text(encoding="utf-8"))
    resources = [] if template is None else list(template["Resources"].values())
    cluster = hand_off["target"]["cluster"]
    found = [one["Properties"] for one in resources if one["Type"] == "AWS::EKS::Addon"]
    addon = hand_off.get("addon")
    wanted = []
    if addon:
        wanted = [{"ClusterName": cluster, "AddonName": addon["name"]}]
        if "addRoleArn" in addon:
            wanted[0]["ServiceAccountRoleArn"] = addon["addRoleArn"]
        if addon["associations"]:
            wanted[0]["PodIdentityAssociations"] = [
                {"RoleArn": one["roleArn"], "ServiceAccount": one["serviceAccount"]} for one in addon["associations"]
            ]
    expect(found, wanted, "the add-on of the template")
    wanted = []
    for one in imports_of(hand_off):
        tags = [
            {"Key": key, "Value": value} for key, value in one["tags"].items() if not is_dynamic(key) and not is_dynamic(value)
        ]
        wanted.append(
            {
                "ClusterName": cluster,
                "Namespace": one["namespace"],
                "ServiceAccount": one["serviceAccount"],
                "RoleArn": one["roleArn"],
                **({"TargetRoleArn": one["targetRoleArn"]} if "targetRoleArn" in one else {}),
                **({"DisableSessionTags": True} if one.get("disableSessionTags") else {}),
                **({"Policy": one["policy"]} if "policy" in one and not is_dynamic(one["policy"]) else {}),
                **({"Tags": tags} if tags else {}),
            }
        )
    found = [one["Properties"] for one in resources if one["Type"] == "AWS::EKS::PodIdentityAssociation"]
    expect(found, wanted, "the associations of the template")


def check_eksctl(folder, hand_off, validator):
    config = yaml.safe_load((folder / "cluster.yaml").read_text(encoding="utf-8"))
    for error in validator.iter_errors(config):
        raise Difference(f"eksctl's schema: {error.json_path}: {error.message}")
    found = config.get("iam", {}).get("podIdentityAssociations", [])
    names = {"targetRoleArn": "targetRoleARN", "policy": "policy"}
    wanted = [
        {
            "namespace": one["namespace"],
            "serviceAccountName": one["serviceAccount"],
            "roleARN": one["roleArn"],
            **{name: one[key] for key, name in names.items() if key in one},
            **({"disableSessionTags": True} if one.get("disableSessionTags") else {}),
            **({"tags": one["tags"]} if one["tags"] else {}),
        }
        for one in imports_of(hand_off)
    ]
    expect(found, wanted, "iam.podIdentityAssociations")
    addon = hand_off.get("addon")
    wanted = []
    if addon:
        entry = {"name": addon["name"]}
        if "version" in addon:
            entry["version"] = addon["version"]
        if "addRoleArn" in addon:
            entry["serviceAccountRoleARN"] = addon["addRoleArn"]
        if addon["associations"]:
            entry["podIdentityAssociations"] = [
                {"namespace": one["namespace"], "serviceAccountName": one["serviceAccount"], "roleARN": one["roleArn"]}
                for one in addon["associations"]
            ]
        wanted = [entry]
    expect(config.get("addons", []), wanted, "addons")


def check_values(folder, hand_off):
    documents = yaml.safe_load_all((folder / "values.yaml").read_text(encoding="utf-8"))
    wanted = [
        {"serviceAccount": {"annotations": {} if one["action"] == "remove" else {ANNOTATION: one["roleArn"]}}}
        for one in hand_off["annotations"]
    ]
    expect([one for one in documents if one is not None], wanted, "the values")


def main():
    root, schema_path = Path(sys.argv[1]), Path(sys.argv[2])
    provider = json.loads((root / "provider-schema.json").read_text(encoding="utf-8"))
    schema = json.loads(schema_path.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    folders = sorted(path.parent for path in root.glob("*/hand-off.json"))
    if not folders:
        sys.exit(f"There is no hand-off in {root}.")
    for folder in folders:
        hand_off = json.loads((folder / "hand-off.json").read_text(encoding="utf-8"))
        checks = (
            ("main.tf", lambda: check_terraform(folder, hand_off, provider)),
            ("module.tf", lambda: check_module(folder, hand_off)),
            ("template.yaml", lambda: check_template(folder, hand_off)),
            ("cluster.yaml", lambda: check_eksctl(folder, hand_off, validator)),
            ("values.yaml", lambda: check_values(folder, hand_off)),
        )
        for name, check in checks:
            try:
                check()
            except Difference as difference:
                sys.exit(f"{folder / name}: {difference}")
            except Exception as error:  # What a parser throws at code that it cannot read.
                sys.exit(f"{folder / name} cannot be read: {type(error).__name__}: {error}")
    print(f"{len(folders)} hand-offs in 5 formats: python-hcl2, PyYAML and eksctl's schema agree with each value.")


main()
