/** A plan that is not the one which was made, or that this deployment may not carry out. */
import { describe, expect, it } from 'vitest';
import type { Migration, Plan } from '../../../lambdas/domain/migration/model.ts';
import { hashOf } from '../../../lambdas/domain/plan/hash.ts';
import { beginStep } from '../../../lambdas/steps/begin/handler.ts';
import { invoke, newFakes, type Fakes } from '../fakes.ts';
import {
  ADDON,
  aMigration,
  anAddon,
  anAssociation,
  aPlan,
  aRequest,
  EXECUTION,
  IN_PLACE,
  MIGRATION_ID,
  OTHER_ROLE,
  planned,
  RECREATE,
  ROLE,
  ROLES_OF_ACCOUNT,
  target,
} from '../fixtures.ts';
import { BEFORE, REPAIR, repairOf } from './repaired.ts';
import { anError, textLike } from '../expectations.ts';

const OTHER_ACCOUNTS = ROLE.replace('111122223333', '444455556666');

interface Case {
  record?: Partial<Migration>;
  passable?: string[];
  repairable?: string[];
  input?: object;
  /** Done to the plan after its hash was made. */
  forge?: (plan: Plan) => Partial<Plan>;
  world?: (fakes: Fakes) => void;
}

async function attempt({
  record = {},
  passable = [ROLES_OF_ACCOUNT],
  repairable = [ROLES_OF_ACCOUNT],
  input = {},
  forge,
  world,
}: Case): Promise<{ fakes: Fakes; error: unknown }> {
  const fakes = newFakes();
  Object.assign(fakes.settings, { passableRoleArns: passable, repairableRoleArns: repairable });
  world?.(fakes);
  const honest = aMigration(record);
  await fakes.ledger.putMigration(forge ? { ...honest, plan: { ...honest.plan!, ...forge(honest.plan!) } } : honest);
  const error: unknown = await invoke(
    beginStep,
    {
      migrationId: MIGRATION_ID,
      executionArn: EXECUTION,
      target,
      subject: ADDON,
      planHash: honest.plan!.hash,
      ...input,
    },
    fakes,
  ).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { fakes, error };
}
const withRole = (roleArn: string): Plan => aPlan({ associations: [{ ...planned, roleArn }] });
const repairing = (...repairs: Plan['trustRepairs']): Partial<Migration> => ({
  plan: aPlan({ trustRepairs: repairs }),
  request: aRequest({ trust: 'repair' }),
});

describe('begin', () => {
  it('carries out what was planned, under the hash that the state machine knows', async () => {
    expect((await attempt({ input: { planHash: hashOf(aPlan(), aRequest()) } })).error).toBeUndefined();
    expect(
      (await attempt({ record: repairing(REPAIR), world: ({ roles }) => (roles.trust[ROLE] = BEFORE) })).error,
    ).toBeUndefined();
  });

  const refusals: [string, Case, RegExp][] = [
    [
      'that does not say which namespace it is about',
      { record: { plan: aPlan({ namespace: undefined }) } },
      /it has no namespace/,
    ],
    ['whose default namespace was exchanged', { forge: () => ({ defaultNamespace: 'elsewhere' }) }, /hash/],
    [
      'whose role may not be passed',
      { record: { plan: withRole(OTHER_ROLE), request: aRequest({ roleArn: OTHER_ROLE }) }, passable: [ROLE] },
      /may not pass .*third-party, which the plan uses \(it may pass: .*ebs-csi\)/,
    ],
    [
      "whose add-on's own role may not be passed",
      { record: { plan: withRole(OTHER_ROLE), request: aRequest({ roleArn: OTHER_ROLE }) }, passable: [OTHER_ROLE] },
      /may not pass .*role\/app\/ebs-csi/,
    ],
    ['where nothing may be passed', { passable: [] }, /may not pass .*\(it may pass: no role\)/],
    ['whose role differs in case from what may be passed', { passable: [ROLE.replace('app', 'App')] }, /may not pass/],
    [
      "of another account's role",
      { record: { plan: withRole(OTHER_ACCOUNTS), request: aRequest({ roleArn: OTHER_ACCOUNTS }) } },
      /may not pass .*444455556666/,
    ],
    [
      'whose role no request could name',
      { record: { plan: withRole(`${ROLE}/../admin`), request: { ...aRequest(), roleArn: `${ROLE}/../admin` } } },
      /may not pass .*\.\.\/admin/,
    ],
    [
      'that repairs what may not be repaired',
      { record: repairing(REPAIR), repairable: [OTHER_ROLE] },
      /may not change the trust policy of role .*ebs-csi/,
    ],
    [
      'that repairs where nothing may be repaired',
      { record: repairing(REPAIR), repairable: [] },
      /may not change the trust policy of role .*\(it may change: none\)/,
    ],
    [
      'that repairs without being asked to',
      { record: { ...repairing(REPAIR), request: aRequest() } },
      /would change the trust policy of .*ebs-csi, which its request does not ask for/,
    ],
    [
      'that installs the agent without being asked to',
      { record: { plan: aPlan({ installAgent: { version: 'v1' } }) } },
      /would install the Pod Identity agent, which its request does not ask for/,
    ],
    [
      'that repairs a role which it gives to nobody',
      { record: repairing(repairOf(OTHER_ROLE)) },
      /would change the trust policy of .*third-party/,
    ],
    [
      'that is not what its hash says: a way more',
      { forge: ({ attempts }) => ({ attempts: [...attempts, RECREATE] }) },
      /content does not match its hash/,
    ],
    [
      'that is not what its hash says: an association more',
      { forge: () => ({ existing: ['a-1'] }) },
      /content does not match its hash/,
    ],
    [
      'that is not what its hash says: another snapshot to be',
      { forge: () => ({ addon: anAddon({ version: 'v0' }) }) },
      /content does not match its hash/,
    ],
    [
      'that is not what its hash says: what was found',
      { forge: () => ({ found: '' }) },
      /content does not match its hash/,
    ],
    [
      'that is another one than this execution has made',
      { input: { planHash: hashOf(aPlan({ attempts: [IN_PLACE] }), aRequest()) } },
      /not the plan that the step plan made in this execution/,
    ],
    [
      'that gives a role which nobody asked for',
      { record: { plan: withRole(OTHER_ROLE) } },
      /other roles or namespaces than its request and its subject require/,
    ],
    [
      'that associates service accounts of another namespace',
      { record: { plan: aPlan({ associations: [{ ...planned, namespace: 'payments' }] }) } },
      /other roles or namespaces/,
    ],
    [
      'of another add-on',
      { record: { plan: aPlan({ addon: anAddon({ name: 'vpc-cni' }) }) } },
      /is for add-on vpc-cni, not aws-ebs-csi-driver/,
    ],
    [
      'of a request for another add-on',
      { record: { request: aRequest({ addon: 'vpc-cni' }) } },
      /about add-on vpc-cni of cluster dev .*the plan was made for aws-ebs-csi-driver of dev/,
    ],
    [
      'of a request for another cluster',
      { record: { request: aRequest({ target: { ...target, cluster: 'prod' } }) } },
      /of cluster prod .*of dev/,
    ],
  ];
  it.each(refusals)('refuses a plan %s, before it takes a lock', async (_, given, why) => {
    const { fakes, error } = await attempt(given);
    expect(error).toMatchObject(anError('BadInput', textLike(why)));
    expect((error as Error).message).toMatch(/[Nn]othing was (changed|written)/);
    expect(fakes.journal.names().filter((name) => name !== 'ledger.getMigration')).toEqual([]);
  });

  it('refuses roles of associations that a rollback could not put back, before the snapshot', async () => {
    const there = anAssociation({ roleArn: OTHER_ROLE });
    const { fakes, error } = await attempt({
      record: { plan: aPlan({ existing: [there.id] }) },
      passable: [ROLE],
      world: ({ eks }) => (eks.associations = [there]),
    });
    expect(error).toMatchObject(anError('BadInput', textLike(/may not pass .*third-party/)));
    expect(await fakes.ledger.getSnapshot(MIGRATION_ID)).toBeUndefined();
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
