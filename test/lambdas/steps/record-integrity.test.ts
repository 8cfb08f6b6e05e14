/** A record and a snapshot of different add-ons, which only another principal can have written. */
import { describe, expect, it } from 'vitest';
import type { Migration, Snapshot } from '../../../lambdas/domain/record/migration.ts';
import { assessRollbackStep } from '../../../lambdas/steps/assess-rollback/handler.ts';
import { deleteAddonStep } from '../../../lambdas/steps/delete-addon/handler.ts';
import { restoreAddonStep } from '../../../lambdas/steps/restore-addon/handler.ts';
import { restoreAssociationsStep } from '../../../lambdas/steps/restore-associations/handler.ts';
import { takeOverStep } from '../../../lambdas/steps/take-over/handler.ts';
import { invoke } from '../fakes.ts';
import { addonArn, OTHER_ROLE } from '../example.ts';
import { at, EXECUTION, executionArn, MIGRATION_ID } from '../run-examples.ts';
import { anAddon, anAssociation, planned } from '../eks-fixtures.ts';
import { aMigration } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const assess = (fakes: Begun): Promise<unknown> => invoke(assessRollbackStep, { ...fakes.input, actions: 0 }, fakes);
interface Stray {
  snapshot?: Partial<Snapshot>;
  record?: Partial<Migration>;
  prepare?: (fakes: Begun) => Promise<void>;
}
const { plan } = aMigration();
const ALIKE = addonArn(2).replace('/aws-ebs-csi-driver/', '/aws-ebs-csi-driver-two/');
const ELSEWHERE = anAssociation({ arn: anAssociation().arn.replace('/dev/', '/prod/') });
const OF_API = anAssociation({ namespace: 'payments', serviceAccount: 'api' });
const TO_OTHER = { ...planned, roleArn: OTHER_ROLE };
const strays: [string, Stray][] = [
  ['another add-on', { snapshot: { addon: anAddon({ name: 'vpc-cni' }) } }],
  ["another add-on's copy", { snapshot: { addon: anAddon({ arn: addonArn(1, 'vpc-cni') }) } }],
  ["another cluster's copy", { snapshot: { addon: anAddon({ arn: addonArn(1, undefined, 'prod') }) } }],
  ['a copy whose name begins alike', { record: { made: [ALIKE] } }],
  ["another add-on's copy as removed", { record: { removed: [addonArn(1, 'vpc-cni')] } }],
  ['another role than was planned', { snapshot: { planned: [TO_OTHER] }, record: { plan } }],
  ['a plan for another namespace', { snapshot: { planned: [{ ...planned, namespace: 'payments' }] } }],
  ['another namespace', { snapshot: { namespace: 'payments' } }],
  ['another default namespace than was planned', { snapshot: { defaultNamespace: 'payments' }, record: { plan } }],
  ["another service account's association", { snapshot: { associations: [anAssociation({ serviceAccount: 'api' })] } }],
  ["another namespace's association", { snapshot: { associations: [anAssociation({ namespace: 'payments' })] } }],
  ["another cluster's association", { snapshot: { associations: [ELSEWHERE] } }],
  ["another's association", { prepare: ({ ledger }) => ledger.recordAssociation(MIGRATION_ID, 'created', OF_API) }],
];

const steps = [
  ['delete-addon', deleteAddonStep, {}],
  ['assess-rollback', assessRollbackStep, { actions: 0 }],
  ['restore-addon', restoreAddonStep, { action: 'update', actions: 0 }],
  ['restore-associations', restoreAssociationsStep, {}],
  ['take-over', takeOverStep, { cause: 'requested', executionArn: executionArn('recovery', 'Recover') }],
] as const;

describe.each(strays)('a file that names %s', (_, { prepare, ...change }) => {
  it.each(steps)('%s does not act upon it', async (name, step, input) => {
    const fakes = await begun(change);
    await prepare?.(fakes);
    if (name === 'take-over') fakes.executions.states.set(EXECUTION, { status: 'ABORTED', stoppedAt: at(-600) });
    const locks = await fakes.ledger.listHeldLocks();
    const given = name === 'take-over' ? { migrationId: MIGRATION_ID, ...input } : { ...fakes.input, ...input };
    await expectError(
      invoke(step, given, fakes),
      'BadInput',
      /is not used: .* does not belong to its subject, add-on aws-ebs-csi-driver of cluster dev/,
    );
    expect([fakes.journal.mutations(), await fakes.ledger.listHeldLocks()]).toEqual([[], locks]);
  });
});

it('the rollback accepts no namespace but its own if EKS shows none', async () => {
  const elsewhere = { ...planned, namespace: 'payments' };
  const fakes = await begun({
    plan: { namespace: 'payments', associations: [elsewhere] },
    snapshot: { namespace: 'payments', planned: [elsewhere], associations: [] },
  });
  fakes.eks.addons.set(anAddon().name, anAddon());
  await expectError(assess(fakes), 'BadInput', 'which is in kube-system');
});

it('the rollback trusts the add-on, not the record, about its namespace', async () => {
  const fakes = await begun();
  fakes.eks.addons.set(anAddon().name, anAddon({ namespace: 'elsewhere' }));
  await expectError(assess(fakes), 'BadInput', 'which is in elsewhere');
});
