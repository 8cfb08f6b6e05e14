/** What a rollback works from comes back from the ledger whole: a field that a schema forgets is lost without a word. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Addon, Association } from '../../../lambdas/domain/terms/observed.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import type { Snapshot } from '../../../lambdas/domain/record/migration.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import {
  ADDON,
  addonArn,
  aMigration,
  at,
  IN_PLACE,
  MIGRATION_ID,
  NAMESPACE,
  ROLE,
  SERVICE_ACCOUNT,
} from '../fixtures.ts';
import { LEDGERS } from './ledgers.ts';

/** Of a record, with everything that it may leave out. */
type Whole<T> = T extends readonly (infer Item)[]
  ? Whole<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Whole<Exclude<T[Key], undefined>> }
    : T;

const account = { namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT };
const planned = { ...account, roleArn: ROLE, standalone: true as const };
const identityLoss = { ...account, roleArn: ROLE, identity: 'irsa' as const, pods: 2, accepted: true };
const broken: Whole<NonNullable<Plan['brokenPods']>[number]> = {
  ...account,
  name: 'p',
  uid: 'u',
  owner: { kind: 'Deployment', name: 'd' },
  trouble: 'pending',
  text: 'no node takes it',
};
const addon: Whole<Addon> = {
  name: ADDON,
  arn: addonArn(1),
  version: 'v1',
  status: 'ACTIVE',
  namespace: NAMESPACE,
  serviceAccountRoleArn: ROLE,
  configurationValues: '{"a":1}',
  podIdentityAssociations: ['arn:of:association'],
  tags: { team: 'storage' },
  issues: [{ code: 'Code', message: 'why', resourceIds: ['pod'] }],
};
const serviceAccount = { namespace: 'shop', name: 'cart', uid: 'u', roleArn: ROLE, annotatedBy: ['helm'] };
const association: Whole<Association> = {
  ...account,
  id: 'a-1',
  arn: 'arn:of:association',
  roleArn: ROLE,
  ownerArn: addonArn(1),
  targetRoleArn: ROLE,
  externalId: 'x',
  disableSessionTags: true,
  policy: '{"Version":"2012-10-17"}',
  tags: { team: 'storage' },
  createdAt: at(0),
  modifiedAt: at(1),
};
const plan: Whole<Plan> = {
  verdict: 'migrate',
  strategy: 'auto',
  preserve: true,
  attempts: [IN_PLACE],
  checks: [{ id: 'a', status: 'fail', keepIrsa: true, message: 'what', remedy: 'do', source: 'where' }],
  steps: [{ name: 'a', what: 'b', calls: ['eks:UpdateAddon'], disruption: 'rolling', undo: 'c' }],
  addon,
  serviceAccount,
  namespace: NAMESPACE,
  defaultNamespace: 'kube-system',
  associations: [planned],
  identityLosses: [identityLoss],
  existing: ['a-1'],
  existingAssociations: [association],
  purge: ['a-1'],
  carryOver: [
    {
      ...account,
      from: 'a-1',
      targetRoleArn: ROLE,
      disableSessionTags: true,
      policy: '{"Version":"2012-10-17"}',
      tags: { team: 'storage' },
    },
  ],
  trustRepairs: [{ roleArn: ROLE, before: '{}', after: '{"a":1}', statement: { Sid: 'A' } }],
  owners: [
    {
      owns: 'add-on',
      name: 'x',
      tool: 'ack',
      sure: 'certain',
      reverts: 'by-itself',
      evidence: 'tag a=b',
      managedByAws: true,
    },
  ],
  consumers: [
    {
      name: 'SecretStore/shop/aws',
      serviceAccount: 'shop/cart',
      needs: ['annotation', 'trust'],
      roleArn: ROLE,
      how: 'gets tokens for it',
      instead: 'Use Pod Identity.',
      breaks: true,
      accepted: true,
    },
  ],
  installAgent: { version: 'v1' },
  forecast: {
    settleSeconds: 60,
    seconds: 60,
    atMostSeconds: 90,
    assumed: true,
    workloads: [
      {
        kind: 'Deployment',
        namespace: NAMESPACE,
        name: 'd',
        pods: 2,
        atOnce: 1,
        secondsEach: 30,
        seconds: 60,
        longestStartSeconds: 40,
      },
    ],
  },
  brokenPods: [broken],
  found: 'f'.repeat(64),
  hash: 'a'.repeat(64),
};
const snapshot: Whole<Snapshot> = {
  takenAt: at(0),
  addon,
  serviceAccount,
  namespace: NAMESPACE,
  defaultNamespace: 'kube-system',
  planned: [planned],
  identityLosses: [identityLoss],
  bystanders: ['other'],
  annotated: [SERVICE_ACCOUNT],
  brokenPods: [broken],
  irsaBroken: [`${NAMESPACE}/${SERVICE_ACCOUNT}`],
  associations: [association],
  trustPolicies: { [ROLE]: '{}' },
};

describe.each(LEDGERS)('a record in the ledger on %s', (_, open) => {
  let ledger: Ledger;
  beforeEach(async () => {
    ledger = await open();
    await ledger.putMigration(aMigration({ plan: undefined }));
  });
  it('has the whole plan', async () => {
    await ledger.recordPlan(MIGRATION_ID, plan);
    expect((await ledger.getMigration(MIGRATION_ID))?.plan).toEqual(plan);
  });
  it('has the whole snapshot', async () => {
    await ledger.putSnapshot(MIGRATION_ID, snapshot);
    expect(await ledger.getSnapshot(MIGRATION_ID)).toEqual(snapshot);
  });
});
