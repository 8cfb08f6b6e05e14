"""Reads Terraform code before and after `hand-off patch` with python-hcl2, and compares the two.

    fixtures.py FOLDER

FOLDER is what test/cli/hand-off/terraform/write-fixtures.ts wrote. Nothing may differ but what the hand-off is about,
and the associations of the code must be those of the hand-off. Exits with 1 at the first difference that is another.
"""

import json
import re
import sys
from pathlib import Path

import hcl2

COMMENTS = ("__comments__", "__inline_comments__", "__is_block__", "__start_line__", "__end_line__")
LABELS = {"resource": 2, "data": 2, "module": 1, "variable": 1, "output": 1, "provider": 1}
ASSOCIATION = "aws_eks_pod_identity_association"
# Names in the path of a value that a patch may change.
CHANGES = {
    "service_account_role_arn",
    "pod_identity_association",
    "assume_role_policy",
    "statement",
    "eks.amazonaws.com/role-arn",
    "pod-identity-migrator/migration",
    "import",
    "removed",
    ASSOCIATION,
}


class Difference(Exception):
    """The patch changed what it must not, or left out what it must change."""


def plain(read):
    """Returns what python-hcl2 read without comments and quotes."""
    if isinstance(read, dict):
        return {str(key).strip('"'): plain(inner) for key, inner in read.items() if key not in COMMENTS}
    if isinstance(read, list):
        return [plain(inner) for inner in read]
    return read


def merged(blocks, labels):
    """Returns blocks by their labels: python-hcl2 returns one object for each of them."""
    if labels == 0:
        return blocks
    result = {}
    for block in blocks if isinstance(blocks, list) else [blocks]:
        for name, body in block.items():
            inner = merged(body, labels - 1)
            if isinstance(result.get(name), dict) and isinstance(inner, dict):
                result[name].update(inner)
            else:
                result[name] = inner
    return result


def read(path):
    """Returns the code of a file: native, or JSON."""
    text = path.read_bytes().decode("utf-8-sig")
    code = json.loads(text) if path.suffix == ".json" else hcl2.loads(text.replace("\r\n", "\n").rstrip() + "\n")
    return {name: merged(value, LABELS.get(name, 0)) for name, value in plain(code).items()}


def differences(before, after, path=()):
    """Yields the path of each value that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            one, other = before.get(name), after.get(name)
            # What contained nothing else goes with it.
            if name not in before and isinstance(other, dict):
                one = {}
            if name not in after and isinstance(one, dict):
                other = {}
            yield from differences(one, other, (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after):
            yield from differences(one, other, path)
    elif before != after:
        yield path


def accounts(value):
    """Yields the service accounts of the associations of add-ons."""
    if isinstance(value, list):
        for inner in value:
            yield from accounts(inner)
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if name != "pod_identity_association":
            if name != ASSOCIATION:
                yield from accounts(inner)
            continue
        for one in inner if isinstance(inner, list) else [inner]:
            # cloudposse/eks-cluster has a map of roles by service account.
            yield from [one["service_account"].strip('"')] if "service_account" in one else list(one)


def check(folder):
    """Compares the files of one fixture."""
    hand_off = json.loads((folder / "hand-off.json").read_text())
    found = []
    for path in sorted((folder / "before").iterdir()):
        if not re.search(r"\.tf(\.json)?$", path.name):
            continue
        before, after = read(path), read(folder / "after" / path.name)
        for changed in differences(before, after):
            if not CHANGES.intersection(changed) and changed[-1:] not in (("annotations",), ("tags",)):
                raise Difference(f"{path.name} differs at {'.'.join(changed)}")
        found += accounts(after)
    if addon := hand_off.get("addon"):
        wanted = [one["serviceAccount"] for one in addon["associations"]]
        if sorted(found) != sorted(wanted):
            raise Difference(f"the service accounts are {sorted(found)}, not {sorted(wanted)}")


def main():
    """Checks all fixtures of the folder."""
    folders = sorted(path.parent for path in Path(sys.argv[1]).glob("*/hand-off.json"))
    if not folders:
        sys.exit(f"{sys.argv[1]} has no fixtures.")
    for folder in folders:
        try:
            check(folder)
        except Exception as error:  # A parser's error names no file.
            sys.exit(f"{folder.name}: {error}")
    print(f"python-hcl2: {len(folders)} patches change nothing else")


main()
