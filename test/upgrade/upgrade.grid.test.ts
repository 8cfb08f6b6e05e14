/** Every migration, stop and rollback that an upgrade comes between, beside the same by today's definitions. */
import { describe, it } from 'vitest';
import { cases, expectPutBack, expectRolledBack, expectSameEnds, rolledBack, stopped } from './cases.ts';

describe("the previous release's MigrateAddon, over today's functions", () => {
  it.each(cases)('ends a migration $title as today’s does', (one) => expectSameEnds(one));
});

describe('a migration that stops during the upgrade', () => {
  it.each(stopped)('$title is put back by $by Recover', (one) => expectPutBack(one));
});

describe('a rollback that is asked for after the upgrade', () => {
  it.each(rolledBack)('$title, by $by Recover', (one) => expectRolledBack(one));
});
