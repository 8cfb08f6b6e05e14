/** Executions that are stopped in every state of the workflow: Recover rolls back, or finishes, what they left. */
import { describe, it } from 'vitest';
import { expectFound, expectRecovered, rows, titled, withoutEvent } from './stops.ts';

describe('an execution that is aborted', () => {
  it.each(titled(rows))('$title, and the next migration works', (row) => expectRecovered(row));
});

describe('an event that never arrives', () => {
  it.each(titled(withoutEvent))('$title: the schedule finds what is left', (row) => expectFound(row));
});
