/**
 * Looks that one execution makes. A look is a Task (5 events of the history: entered, scheduled, started, succeeded,
 * exited), a Choice (2) and a Wait (2): 2,000 × 9 = 18,000 of the 25,000 that a history may have. A retry is 3 events
 * more, and three of them count as a look. Source: Step Functions Developer Guide, "Quotas".
 */
export const POLLS_PER_EXECUTION = 2000;
export const RETRIES_PER_POLL = 3;
