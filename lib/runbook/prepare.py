"""First step of the runbook: makes the migration's id and its request of the parameters. It calls nothing."""
import json
import uuid

# Of ULIDs: Crockford's base 32.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid_of(execution_id):
    """The automation's id, a UUID, written as a ULID: the same 128 bits, so each has one of its own."""
    number = uuid.UUID(execution_id).int
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(26)))


def subject_of(given):
    addon, namespace, name = given["Addon"], given["Namespace"], given["ServiceAccount"]
    if addon and (namespace or name):
        raise ValueError("Name either Addon, or Namespace and ServiceAccount, not both.")
    if addon:
        if given["Annotation"] != "keep":
            raise ValueError("Annotation is of service accounts that are no add-on's: leave it out.")
        return {"addon": addon, "strategy": given["Strategy"]}
    if not (namespace and name):
        raise ValueError("Name what shall migrate: Addon, or Namespace and ServiceAccount.")
    if given["Strategy"] != "auto":
        raise ValueError("Strategy is of add-ons, and this is about a service account: leave it out.")
    return {"serviceAccount": {"namespace": namespace, "name": name}, "annotation": given["Annotation"]}


def lock_of(given):
    """As lambdas/use-cases/migration/lock.ts makes the key of the subject's lock."""
    subject = given["Addon"] or f"{given['Namespace']}/{given['ServiceAccount']}"
    return "#".join([given["Account"], given["Region"], given["Cluster"], subject])


def title_of(given):
    """What the report calls it."""
    name = f"Add-on {given['Addon']}" if given["Addon"] else f"Service account {given['Namespace']}/{given['ServiceAccount']}"
    return f"{name} in cluster {given['Cluster']} ({given['Account']}, {given['Region']})"


def prepare(events, context):
    given, execution_id = events["parameters"], events["executionId"]
    request = {
        "target": {"account": given["Account"], "region": given["Region"], "cluster": given["Cluster"]},
        **subject_of(given),
        "trust": given["Trust"],
        "verification": given["Verification"],
        "agent": given["Agent"],
        # Whatever is no clear no is a dry run.
        "dryRun": given["DryRun"] != "false",
        # Who it was that started this automation, Systems Manager knows by its id, and does not tell here.
        "requestedBy": "ssm-automation " + execution_id,
    }
    if given["MaxDisruption"] != events["byStrategy"]:
        request["maxDisruption"] = given["MaxDisruption"]
    if given["MaxDurationMinutes"]:
        request["maxDurationMinutes"] = int(given["MaxDurationMinutes"])
    if given["Reason"]:
        request["reason"] = given["Reason"]
    migration_id = ulid_of(execution_id)
    # Two braces can only be a text's own, and shall not look like a reference where Systems Manager passes this on.
    text = json.dumps({"migrationId": migration_id, "request": request}).replace("{{", "\\u007b\\u007b")
    lock = "none" if request["dryRun"] else lock_of(given)
    return {"migrationId": migration_id, "input": text, "subject": title_of(given), "lock": lock}
