/** Every migration, stop and rollback during an upgrade, compared with the same by today's definitions. */
import { it } from 'vitest';
import { cases, expectPutBack, expectRolledBack, expectSameEnds, rolledBack, stopped } from './cases.ts';

it.each(cases)(
  "the previous release's MigrateAddon, with today's functions ends a migration $title as today’s does",
  (one) => expectSameEnds(one),
);

it.each(stopped)('a migration that stops during the upgrade $title is rolled back by $by Recover', (one) =>
  expectPutBack(one),
);

it.each(rolledBack)('a rollback that is requested after the upgrade $title, by $by Recover', (one) =>
  expectRolledBack(one),
);
