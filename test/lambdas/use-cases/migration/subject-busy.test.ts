import { describe, expect, it } from 'vitest';
import { busyRemedy, busyText, busyWith } from '../../../../lambdas/use-cases/migration/subject-busy.ts';
import { type Fakes, newFakes } from '../../fakes.ts';
import {
  ADDON_LOCK,
  at,
  MIGRATION_ID,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  otherHolder,
  endedAs,
} from '../../run-examples.ts';
import { aMigration, aRequest } from '../../fixtures.ts';

const holder = otherHolder(at(0));
const request = aRequest();

async function held(change: Parameters<typeof aMigration>[0] = {}): Promise<Fakes> {
  const fakes = newFakes();
  await fakes.ledger.putMigration(aMigration({ ...holder, ...change }));
  await fakes.ledger.acquireLock(ADDON_LOCK, holder);
  return fakes;
}

describe('a subject', () => {
  it('is busy while the execution of another migration works on it', async () => {
    const { dependencies } = await held();
    expect(await busyWith(request, MIGRATION_ID, dependencies)).toEqual({ ...holder, needsHuman: false });
    expect(busyText(request, holder)).toContain(`Migration ${OTHER_MIGRATION_ID} has held the lock on`);
    // Its own lock is none, as is that of another subject.
    expect(await busyWith(request, OTHER_MIGRATION_ID, dependencies)).toBeUndefined();
    expect(await busyWith(aRequest({ addon: 'vpc-cni' }), MIGRATION_ID, dependencies)).toBeUndefined();
  });

  it('is busy where a person has to deal with what was left, and not where Recover is to free it', async () => {
    const left = await held(endedAs('needs-human', 1));
    left.executions.states.delete(OTHER_EXECUTION);
    const busy = await busyWith(request, MIGRATION_ID, left.dependencies);
    expect(busy).toEqual({ ...holder, needsHuman: true });
    expect(busyRemedy(busy!)).toMatch(/pod-identity rollback .*pod-identity release/);
    const stopped = await held();
    stopped.executions.states.set(OTHER_EXECUTION, { status: 'ABORTED', stoppedAt: at(1) });
    expect(await busyWith(request, MIGRATION_ID, stopped.dependencies)).toBeUndefined();
  });
});
