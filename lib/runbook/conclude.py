"""Last step of the runbook: fails where the migration did not end as it should, after the report of it."""


def conclude(events, context):
    if events["outcome"] not in events["good"]:
        raise RuntimeError(f"Migration {events['migrationId']} ended {events['outcome']}: see the output of the step report.")
    return {}
