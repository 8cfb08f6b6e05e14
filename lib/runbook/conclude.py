"""Last step of the runbook: fails the automation after the report if the migration did not succeed."""


def conclude(events, context):
    outcome = events["outcome"]
    if outcome not in events["good"]:
        ended = f"Migration {events['migrationId']} ended {outcome}" if events["state"] == "free" else f"No migration was started, and the outcome is {outcome}"
        raise RuntimeError(f"{ended}. See the output of the step report.")
    return {}
