/** Executions that are stopped in every state of the workflow: Recover rolls back, or finishes, what they left. */
import { it } from 'vitest';
import { expectFound, expectRecovered, rows, titled, withoutEvent } from './stops.ts';

it.each(titled(rows))('an execution that is aborted $title, and the next migration works', (row) =>
  expectRecovered(row),
);

it.each(titled(withoutEvent))('an event that never arrives $title: the schedule finds what is left', (row) =>
  expectFound(row),
);
