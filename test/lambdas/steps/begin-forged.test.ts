/** A plan that is not the one which was made, or that this deployment may not carry out. */
import { describe, expect, it } from 'vitest';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import { hashOf } from '../../../lambdas/domain/plan/hash.ts';
import { beginStep } from '../../../lambdas/steps/begin/handler.ts';
import { invoke, newFakes, type Fakes } from '../fakes.ts';
import { ADDON, OTHER_ROLE, ROLE, ROLES_OF_ACCOUNT, target } from '../example.ts';
import { MIGRATION_ID, RUN } from '../run-examples.ts';
import { anAddon, anAssociation, planned } from '../eks-fixtures.ts';
import { aMigration, aPlan, aRequest, IN_PLACE, RECREATE } from '../fixtures.ts';
import { anError } from '../matchers.ts';
import { BEFORE, REPAIR, repairOf } from './repaired.ts';

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
    { ...RUN, target, subject: ADDON, planHash: honest.plan!.hash, ...input },
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

  const HASH = /content does not match its hash/;
  const TO_OTHER = { plan: withRole(OTHER_ROLE), request: aRequest({ roleArn: OTHER_ROLE }) };
  const TO_OTHER_ACCOUNT = { plan: withRole(OTHER_ACCOUNTS), request: aRequest({ roleArn: OTHER_ACCOUNTS }) };
  const admin = `${ROLE}/../admin`;
  const TO_ADMIN = { plan: withRole(admin), request: { ...aRequest(), roleArn: admin } };
  const REPAIRING = repairing(REPAIR);
  const ofVpcCni = aPlan({ addon: anAddon({ name: 'vpc-cni' }) });
  const forProd = aRequest({ target: { ...target, cluster: 'prod' } });
  const elsewhere = [{ ...planned, namespace: 'payments' }];
  const shorter = hashOf(aPlan({ attempts: [IN_PLACE] }), aRequest());
  const refusals: [string, RegExp, Case][] = [
    ['of no namespace', /it has no namespace/, { record: { plan: aPlan({ namespace: undefined }) } }],
    ['whose default namespace was exchanged', /hash/, { forge: () => ({ defaultNamespace: 'elsewhere' }) }],
    [
      'whose role may not be passed',
      /may not pass .*third-party, which the plan uses \(it may pass: .*ebs-csi\)/,
      { record: TO_OTHER, passable: [ROLE] },
    ],
    ['whose own may not be passed', /may not pass .*role\/app\/ebs-csi/, { record: TO_OTHER, passable: [OTHER_ROLE] }],
    ['where nothing may be passed', /may not pass .*\(it may pass: no role\)/, { passable: [] }],
    ['whose role differs in case from what may be passed', /may not pass/, { passable: [ROLE.replace('app', 'App')] }],
    ["of another account's role", /may not pass .*444455556666/, { record: TO_OTHER_ACCOUNT }],
    ['whose role no request could name', /may not pass .*\.\.\/admin/, { record: TO_ADMIN }],
    [
      'that repairs what may not be repaired',
      /may not change the trust policy of role .*ebs-csi/,
      { record: REPAIRING, repairable: [OTHER_ROLE] },
    ],
    [
      'that repairs where nothing may be repaired',
      /may not change the trust policy of role .*\(it may change: none\)/,
      { record: REPAIRING, repairable: [] },
    ],
    [
      'that repairs without being asked to',
      /would change the trust policy of .*ebs-csi, which its request does not ask for/,
      { record: { ...repairing(REPAIR), request: aRequest() } },
    ],
    [
      'that installs the agent without being asked to',
      /would install the Pod Identity agent, which its request does not ask for/,
      { record: { plan: aPlan({ installAgent: { version: 'v1' } }) } },
    ],
    [
      'that repairs a role which it gives to nobody',
      /would change the trust policy of .*third-party/,
      { record: repairing(repairOf(OTHER_ROLE)) },
    ],
    ['with a way more than its hash says', HASH, { forge: ({ attempts }) => ({ attempts: [...attempts, RECREATE] }) }],
    ['with an association more than its hash says', HASH, { forge: () => ({ existing: ['a-1'] }) }],
    ['with another snapshot to be', HASH, { forge: () => ({ addon: anAddon({ version: 'v0' }) }) }],
    ['that hides what was found', HASH, { forge: () => ({ found: '' }) }],
    [
      'that is another one than this execution has made',
      /not the plan that the step plan made in this execution/,
      { input: { planHash: shorter } },
    ],
    [
      'that gives a role which nobody asked for',
      /other roles or namespaces than its request and its subject require/,
      { record: { plan: withRole(OTHER_ROLE) } },
    ],
    ['for another namespace', /other roles or namespaces/, { record: { plan: aPlan({ associations: elsewhere }) } }],
    ['of another add-on', /is for add-on vpc-cni, not aws-ebs-csi-driver/, { record: { plan: ofVpcCni } }],
    [
      'of a request for another add-on',
      /about add-on vpc-cni of cluster dev .*the plan was made for aws-ebs-csi-driver of dev/,
      { record: { request: aRequest({ addon: 'vpc-cni' }) } },
    ],
    ['of a request for another cluster', /of cluster prod .*of dev/, { record: { request: forProd } }],
  ];
  it.each(refusals)('refuses a plan %s, before it takes a lock', async (_, why, given) => {
    const { fakes, error } = await attempt(given);
    expect(error).toMatchObject(anError('BadInput', why));
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
    expect(error).toMatchObject(anError('BadInput', /may not pass .*third-party/));
    expect(await fakes.ledger.getSnapshot(MIGRATION_ID)).toBeUndefined();
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
