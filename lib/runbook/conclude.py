"""Last step of the runbook: fails where the migration did not end as it should, after the report of it."""


def conclude(events, context):
    outcome = events["outcome"]
    if outcome not in events["good"]:
        ended = f"Migration {events['migrationId']} ended {outcome}" if events["state"] == "free" else f"Nothing was started, and the outcome is {outcome}"
        raise RuntimeError(f"{ended}: see the output of the step report.")
    return {}
