"""First step of the runbook: derives the migration's id, and builds its request from the parameters. It makes no calls."""
import json
import uuid

# Alphabet of ULIDs: Crockford's base32.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid_of(execution_id):
    """Returns the automation's id, a UUID, as a ULID with the same 128 bits, so that each automation has its own."""
    number = uuid.UUID(execution_id).int
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(26)))


def subject_of(given):
    addon, namespace, name = given["Addon"], given["Namespace"], given["ServiceAccount"]
    if addon and (namespace or name):
        raise ValueError("The parameters name both an add-on and a service account. Set either Addon, or Namespace and ServiceAccount.")
    if addon:
        if given["Annotation"] != "keep":
            raise ValueError("Annotation applies only to service accounts that belong to no add-on. Leave it out.")
        return {"addon": addon, "strategy": given["Strategy"]}
    if not (namespace and name):
        raise ValueError("The parameters do not name what to migrate. Set either Addon, or Namespace and ServiceAccount.")
    if given["Strategy"] != "auto":
        raise ValueError("Strategy applies only to add-ons, and the parameters name a service account. Leave it out.")
    return {"serviceAccount": {"namespace": namespace, "name": name}, "annotation": given["Annotation"]}


def lock_of(given):
    """Returns the key of the subject's lock, as lambdas/use-cases/migration/lock.ts builds it."""
    subject = given["Addon"] or f"{given['Namespace']}/{given['ServiceAccount']}"
    return "#".join([given["Account"], given["Region"], given["Cluster"], subject])


def title_of(given):
    """Returns the title of the report."""
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
        # Anything other than an explicit "false" is a dry run.
        "dryRun": given["DryRun"] != "false",
        # The principal that started this automation is not available here; Systems Manager has it under the automation's id.
        "requestedBy": "ssm-automation " + execution_id,
    }
    if given["MaxDisruption"] != events["byStrategy"]:
        request["maxDisruption"] = given["MaxDisruption"]
    if given["MaxDurationMinutes"]:
        request["maxDurationMinutes"] = int(given["MaxDurationMinutes"])
    if given["Accept"]:
        request["accept"] = given["Accept"].split()
    if given["Reason"]:
        request["reason"] = given["Reason"]
    migration_id = ulid_of(execution_id)
    # Double braces come from the request's own text, and must not look like a reference to Systems Manager.
    text = json.dumps({"migrationId": migration_id, "request": request}).replace("{{", "\\u007b\\u007b")
    lock = "none" if request["dryRun"] else lock_of(given)
    return {"migrationId": migration_id, "input": text, "subject": title_of(given), "lock": lock}
