/**
 * Each transient fault at each call with which the API accepts a request or a decision, or publishes an event of a
 * migration.
 */
import { describe, it } from 'vitest';
import { expectAskedOnce, DECISION_FAULTS, expectDecidedOnce, REQUEST_FAULTS } from './api-faults.ts';
import { FAULTS, expectNotifiedOnce } from './api-notifications.ts';

describe('a fault in the API', () => {
  it.each(REQUEST_FAULTS)('$kind at $call: a repeated request leads to one migration', (fault) =>
    expectAskedOnce(fault),
  );

  it.each(DECISION_FAULTS)(
    '$kind at $call, which passes a decision to an execution: a repetition succeeds, and no other decision is accepted meanwhile',
    (fault) => expectDecidedOnce(fault),
  );
});

describe('the events of a migration through the API', () => {
  it.each(FAULTS)('have one id if publish-events meets $kind at $call, with which it publishes', (fault) =>
    expectNotifiedOnce(fault),
  );
});
