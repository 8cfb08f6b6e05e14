/** Every migration, stop and rollback during an upgrade, compared with the same by today's definitions. */
import { describe, it } from 'vitest';
import { cases, expectPutBack, expectRolledBack, expectSameEnds, rolledBack, stopped } from './cases.ts';

describe("the previous release's MigrateAddon, with today's functions", () => {
  it.each(cases)('ends a migration $title as today’s does', (one) => expectSameEnds(one));
});

describe('a migration that stops during the upgrade', () => {
  it.each(stopped)('$title is rolled back by $by Recover', (one) => expectPutBack(one));
});

describe('a rollback that is requested after the upgrade', () => {
  it.each(rolledBack)('$title, by $by Recover', (one) => expectRolledBack(one));
});
