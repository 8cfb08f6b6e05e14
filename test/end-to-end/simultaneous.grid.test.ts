/** Very many at once: of one add-on's migrations, one changes anything. */
import { describe, it } from 'vitest';
import type { Strategy } from '../../lambdas/domain/request/request.ts';
import { expectOneMigrated } from './at-once.ts';

describe('fifty migrations of one add-on at once', () => {
  it.each<Strategy>(['in-place', 'recreate'])(
    '%s: one changes something and ends migrated, and the others report which one it is, and since when',
    (strategy) => expectOneMigrated(strategy, 50),
  );
});
