/**
 * The number of polls in one execution. A poll is a Task (5 events of the history: entered, scheduled, started,
 * succeeded,
 * exited), a Choice (2) and a Wait (2): 2,000 × 9 = 18,000 of the 25,000 that a history may have. A retry adds 3
 * events,
 * and three retries count as a poll. Source: Step Functions Developer Guide, "Quotas".
 */
export const POLLS_PER_EXECUTION = 2000;
export const RETRIES_PER_POLL = 3;
