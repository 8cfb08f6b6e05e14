/** Each transient fault at each call by which the API takes in a request or a decision, or tells of a migration. */
import { describe, it } from 'vitest';
import { expectAskedOnce, DECISION_FAULTS, expectDecidedOnce, REQUEST_FAULTS } from './api-faults.ts';
import { FAULTS, expectNotifiedOnce } from './api-notifications.ts';

describe('a fault in the API', () => {
  it.each(REQUEST_FAULTS)('$kind at $call: who asks again has one migration', (fault) => expectAskedOnce(fault));

  it.each(DECISION_FAULTS)(
    '$kind at $call, which tells an execution of a decision: who says it again is heard, and nobody else decides meanwhile',
    (fault) => expectDecidedOnce(fault),
  );
});

describe('what is told of a migration by the API', () => {
  it.each(FAULTS)('comes with one id though publish-events meets $kind at $call, by which it tells', (fault) =>
    expectNotifiedOnce(fault),
  );
});
