"""Second step of the runbook: checks whether another migration is working on the same subject. Nothing has been started yet."""


def is_running(events, execution_arn):
    client = boto3.client("stepfunctions", region_name=events["region"])
    try:
        return client.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
    except Exception as error:
        # An execution that Step Functions no longer knows stopped long ago.
        if type(error).__name__ == "ExecutionDoesNotExist":
            return False
        raise


def state_of(events, holder):
    """Decides as lambdas/use-cases/migration/subject-busy.ts does: Recover frees the lock of a stopped migration, unless a person must."""
    if is_running(events, holder["executionArn"]):
        return "busy"
    record = item_of(events, {**events["recordKey"], "pk": events["recordKey"]["pk"] + holder["migrationId"]})
    needs_human = record.get("status") == "ended" and record.get("outcome") == "needs-human"
    return "needs-human" if needs_human else "free"


def check(events, context):
    free = {"state": "free", "heldBy": "none", "since": "none"}
    # A dry run changes nothing, so it is never refused.
    holder = None if events["lock"] == "none" else item_of(events, events["lockKey"]).get("owner")
    if not holder:
        return free
    state = state_of(events, holder)
    return free if state == "free" else {"state": state, "heldBy": holder["migrationId"], "since": holder["since"]}
