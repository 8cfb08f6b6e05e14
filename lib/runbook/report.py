"""Reports how the migration ended, even if the step that ran it failed. It raises no errors, because a failed step has no output."""
import unicodedata

# Systems Manager API Reference, StepExecution.Outputs: at most 50 items of at most 512 characters, none empty.
MOST_LINES = 50
LONGEST = 512
# Unicode DerivedCoreProperties: the ignorable characters outside category Cf (fillers, variation selectors, the block of tags).
IGNORABLE = [(0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF)]


def record_of(events):
    return item_of(events, events["key"])


def execution_of(events):
    client = boto3.client("stepfunctions", region_name=events["region"])
    return client.describe_execution(executionArn=events["executionArn"])


def asked(what, call, events):
    """Returns the answer of the call, and lines for the report if the call failed."""
    try:
        return call(events), []
    except Exception as error:
        return {}, [f"{what} could not be read: {type(error).__name__}: {error}"]


def lines_of(events, record, execution, outcome, verified):
    migration_id = events["migrationId"]
    how = events["verifiedTexts"].get(outcome, {}).get(verified, f"verified: {verified}")
    yield f"{events['subject']}: {outcome}, {how}."
    yield f"Migration {migration_id}; execution {events['executionArn']}: {execution.get('status', 'status unknown')}."
    if "recovery" in record:
        yield f"Recover took it over: {record['recovery']['executionArn']}."
    if "failure" in record:
        yield f"{record['failure']['name']}: {record['failure']['message']}"
    elif "error" in execution:
        yield f"{execution['error']}: {execution.get('cause', '')}"
    if record.get("plan", {}).get("verdict") == "keep-irsa":
        yield "IRSA is the better fit, for the reasons below. Nothing is left to do."
    for check in record.get("plan", {}).get("checks", []):
        if check["status"] != "pass":
            yield " ".join(["Check", check["id"], check["status"] + ":", check["message"], check.get("remedy", "")]).strip()
    for warning in record.get("warnings", []):
        yield f"Warning {warning['id']}: {warning['message']}"
    if outcome in ("migrated", "planned"):
        yield f"The code that defines it (Terraform, CloudFormation, and so on) must change before its next apply{' after the migration' if outcome == 'planned' else ', which may otherwise revert the migration'}. For the exact code: pod-identity hand-off {migration_id} --deployed"
    elif outcome == "rolled-back":
        yield f"If the code that defines it was changed for the migration, revert that change before its next apply. For the exact code: pod-identity hand-off {migration_id} --deployed"
    # No commands are listed here, because a line may be truncated.
    if record.get("restoreCommands"):
        yield f"A person must finish the migration. For the commands: pod-identity show {migration_id}"
    if outcome == events["unfinished"] and execution.get("status") not in (None, "RUNNING"):
        yield f"Its execution stopped without an outcome. The state machine Recover takes the migration over automatically within minutes. To see its progress: pod-identity show {migration_id}"
    elif outcome == events["unfinished"]:
        yield f"The migration has no outcome yet. To see its progress: pod-identity show {migration_id}"


def refusal_of(events):
    """Returns the report if no migration was started, because another one is working on the subject or keeps its lock for a person."""
    holder = events["heldBy"]
    yield f"{events['subject']}: blocked, verified: none."
    yield f"SubjectBusy: Migration {holder} has held the lock since {events['since']}. No migration was started."
    if events["state"] == "needs-human":
        yield f"Migration {holder} needs a person. For the commands: pod-identity show {holder}"
        yield f"To roll back and free the lock: pod-identity rollback {holder}. To free the lock without a rollback: pod-identity release {holder}"
    else:
        yield f"Wait until migration {holder} has ended, then start the runbook again. To see its progress: pod-identity show {holder}. To cancel it: pod-identity cancel {holder}"


def is_shown(character):
    """Returns whether the character is shown as it is: not a control or format character, not a line separator, and not ignorable (Default_Ignorable_Code_Point)."""
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return False
    return not any(first <= ord(character) <= last for first, last in IGNORABLE)


def cut(line):
    text = "".join(one if is_shown(one) else "\\u{%x}" % ord(one) for one in " ".join(line.split()))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\u2026"


def answer_of(migration_id, outcome, verified, found, lines):
    told = {name: cut(found.get(name) or "none") for name in ("failure", "heldBy")}
    return {"migrationId": migration_id, "outcome": outcome, "verified": verified, **told, "report": [cut(line) for line in lines]}


def report(events, context):
    if events["state"] != "free":
        return answer_of("none", "blocked", "none", {"failure": "SubjectBusy", "heldBy": events["heldBy"]}, refusal_of(events))
    record, unread = asked("The ledger", record_of, events)
    execution, unseen = asked("The execution", execution_of, events)
    outcome = record.get("outcome") if record.get("status") == "ended" else None
    # If the end could not be recorded, the execution still has the outcome, unless Recover is working on the migration.
    if outcome is None and "recovery" not in record:
        outcome = events["outcomesByError"].get(execution.get("error"))
    verified = record.get("verified", "none")
    outcome = outcome or events["unfinished"]
    lines = [*lines_of(events, record, execution, outcome, verified), *unread, *unseen]
    left_out = len(lines) - MOST_LINES
    if left_out > 0:
        lines = [*lines[: MOST_LINES - 1], f"{left_out + 1} more lines: pod-identity show {events['migrationId']}"]
    found = {"failure": record.get("failure", {}).get("name"), "heldBy": record.get("heldBy")}
    return answer_of(events["migrationId"], outcome, verified, found, lines)
