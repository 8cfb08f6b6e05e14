import { describe, expect, it } from 'vitest';
import {
  decidedByPerson,
  type Doing,
  isTaken,
  leftAsChanged,
  takenAssociations,
} from '../../../../lambdas/domain/rollback/decisions.ts';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import type { Rollback } from '../../../../lambdas/domain/record/rollback.ts';
import { anAssociation, aRollback } from '../../fixtures.ts';
import { said } from '../../matchers.ts';

const rollback = (change: Partial<Rollback> = {}): Pick<Migration, 'rollback'> => ({ rollback: aRollback(change) });
const BY_ITSELF: [string, Pick<Migration, 'rollback'>][] = [
  ['by itself', {}],
  ['after a step failed', rollback({ cause: 'failed', after: undefined })],
  ['after its execution stopped', rollback({ cause: 'stopped', after: undefined })],
  ['on demand, of one that migrated', rollback({ after: 'migrated' })],
];

describe('what a person has decided', () => {
  it('counts in a rollback after `needs-human`, also if another execution continues it', () => {
    expect(decidedByPerson(rollback())).toBe(true);
    // The rollback's own execution stopped, and another one has taken it over.
    expect(decidedByPerson(rollback({ executionArn: 'another' }))).toBe(true);
  });

  it.each(BY_ITSELF)('is nothing in a rollback %s', (_, record) => {
    expect([decidedByPerson(record), isTaken(record, 'addon-changed')]).toEqual([false, false]);
    expect(takenAssociations(record, [anAssociation()])).toEqual([]);
  });

  it.each<[Doing, boolean]>([
    ['addon-changed', true],
    ['addon-created-again', true],
    ['association-created', true],
    ['annotation-changed', true],
    ['service-account-created-again', true],
    // The commands undo these: without them nothing would be as it was.
    ['addon-deleted', false],
    ['addon-role', false],
    ['annotation-removed', false],
    ['service-account-deleted', false],
  ])('takes %s: %s', (doing, taken) => expect(isTaken(rollback(), doing)).toBe(taken));

  it('is reported completely at the end, and not at all if there is nothing', () => {
    expect(leftAsChanged([])).toEqual([]);
    expect(leftAsChanged(['one', 'two'])).toMatchObject([{ id: 'left-as-changed', ...said('warn', /: one; two\.$/) }]);
  });
});
