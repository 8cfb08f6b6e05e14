"""Second step of the runbook: finds out whether another migration works on the same subject. Nothing has been started yet."""


def is_running(events, execution_arn):
    client = boto3.client("stepfunctions", region_name=events["region"])
    try:
        return client.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
    except Exception as error:
        # One that Step Functions does not know any more stopped long ago.
        if type(error).__name__ == "ExecutionDoesNotExist":
            return False
        raise


def state_of(events, holder):
    """As lambdas/use-cases/migration/subject-busy.ts decides: what has stopped is Recover's to free, unless a person has to."""
    if is_running(events, holder["executionArn"]):
        return "busy"
    record = item_of(events, {**events["recordKey"], "pk": events["recordKey"]["pk"] + holder["migrationId"]})
    needs_human = record.get("status") == "ended" and record.get("outcome") == "needs-human"
    return "needs-human" if needs_human else "free"


def check(events, context):
    free = {"state": "free", "heldBy": "none", "since": "none"}
    # A dry run changes nothing, and is never refused.
    holder = None if events["lock"] == "none" else item_of(events, events["lockKey"]).get("owner")
    if not holder:
        return free
    state = state_of(events, holder)
    return free if state == "free" else {"state": state, "heldBy": holder["migrationId"], "since": holder["since"]}
