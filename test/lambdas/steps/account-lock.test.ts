/** Promises 1 and 6, for the steps of a service account: without its snapshot and its lock a step changes nothing. */
import { describe, expect, it } from 'vitest';
import { steps } from '../../../lambdas/steps/index.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import {
  accountFakes,
  accountMigration,
  anAccountPod,
  anAccountRequest,
  aServiceAccount,
  associated,
  begunAccount,
  SUBJECT,
} from '../account-fixtures.ts';
import { invoke } from '../fakes.ts';
import { at, MIGRATION_ID, target } from '../fixtures.ts';
import type { Begun } from './begun.ts';
import { anError, textWith } from '../expectations.ts';

const remove = { request: { annotation: 'remove' } } as const;
const unannotated = async (): Promise<Begun> => {
  const fakes = await associated({ ...remove, record: { annotationChange: { notedAt: at(0), writtenAt: at(0) } } });
  fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
  return fakes;
};
const rolledBack = async (): Promise<Begun> => {
  const fakes = await begunAccount();
  fakes.kubernetes.pods = [anAccountPod('pod-identity')];
  return fakes;
};

/** Each at a point where it would change something. */
const mutating: [StepName, object, () => Promise<Begun>, string][] = [
  ['create-association', {}, () => begunAccount(), 'eks.createAssociation'],
  ['restart-pods', { towards: 'pod-identity', round: 1 }, () => associated(), 'kubernetes.restartWorkload'],
  ['restart-pods', { towards: 'before', round: 1 }, rolledBack, 'kubernetes.restartWorkload'],
  [
    'annotate-service-account',
    { towards: 'pod-identity' },
    () => associated(remove),
    'kubernetes.annotateServiceAccount',
  ],
  ['annotate-service-account', { towards: 'before' }, unannotated, 'kubernetes.annotateServiceAccount'],
  ['restore-associations', {}, () => associated(), 'eks.deleteAssociation'],
];

describe.each(mutating)('%s %j', (name, input, atThatPoint, call) => {
  const run = (fakes: Begun, change: object = {}): Promise<unknown> =>
    invoke(steps[name], { ...fakes.input, ...input, ...change }, fakes).catch((error: unknown) => error);

  it('makes sure of its lock directly before its one change', async () => {
    const fakes = await atThatPoint();
    await run(fakes);
    expect(fakes.journal.mutations()).toEqual([call]);
    const names = fakes.journal.names();
    expect(names[names.indexOf(call) - 1]).toBe('ledger.assertLock');
  });

  it.each<[string, (fakes: Begun) => unknown, object, string]>([
    ["once the lock is another migration's", (fakes) => fakes.loseLock(), {}, 'LockLost'],
    ['under an older fence of its own lock', () => undefined, { fence: 7 }, 'LockLost'],
    ['under the lock of an add-on', () => undefined, { subject: 'api' }, 'LockLost'],
    ['where too little of the invocation is left', (fakes) => (fakes.invocation.remaining = 5000), {}, 'OutOfTime'],
    ['when the lock can not be read', (fakes) => fakes.journal.failNext('ledger.assertLock'), {}, 'ConnectionLost'],
  ])('changes nothing %s', async (_, prepare, change, error) => {
    const fakes = await atThatPoint();
    await prepare(fakes);
    expect(await run(fakes, change)).toMatchObject({ name: error });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('changes nothing without a snapshot', async () => {
    const fakes = accountFakes();
    await fakes.ledger.putMigration(accountMigration({ request: anAccountRequest(remove.request) }));
    expect(
      await invoke(
        steps[name],
        { migrationId: MIGRATION_ID, target, subject: SUBJECT, fence: 1, attempt: 0, ...input },
        fakes,
      ).catch((error: unknown) => error),
    ).toMatchObject(anError('BadInput', textWith('snapshot')));
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
