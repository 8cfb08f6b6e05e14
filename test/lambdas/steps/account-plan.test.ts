/** The step plan for a service account that is no add-on's: what it reads, in which order, and how it ends. */
import { describe, expect, test } from 'vitest';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { ASSOCIATE } from '../../../lambdas/domain/plan/attempts.ts';
import type { SimulationQuestion } from '../../../lambdas/ports/index.ts';
import { EVIDENCE_BEFORE } from '../../../lambdas/use-cases/migration/report.ts';
import { ACCOUNT_TRUST, REF, SUBJECT, SUBJECT_LOCK } from '../account-example.ts';
import { anAccountAssociation, anAccountPod, aServiceAccount, aState, plannedAccount } from '../account-fixtures.ts';
import { accountFakes } from './begun-account.ts';
import { type Fakes } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, ROLE, VERSION } from '../example.ts';
import { at, EXECUTION, MIGRATION_ID, otherHolder, endedAs } from '../run-examples.ts';
import { aCluster, aConfiguration, anAddon } from '../eks-fixtures.ts';
import { STEP_ROLES, GRANTED } from '../fixtures.ts';
import { aPlanAnswer, callsOf, runPlan } from './planning.ts';

const it = test.extend('fakes', () => accountFakes());
const run = (fakes: Fakes, request: object = {}): Promise<unknown> =>
  runPlan(fakes, { addon: undefined, serviceAccount: REF, ...request });
const record = async ({ ledger }: Fakes): Promise<Migration> => (await ledger.getMigration(MIGRATION_ID))!;
const asked = ({ journal }: Fakes): string[] => journal.names().filter((name) => !name.startsWith('ledger.'));
const OF_CLUSTER = [
  ...callsOf('kubernetes', 'listPods', 'listWorkloads', 'getWorkload', 'listPods', 'listNodes'),
  ...callsOf('kubernetes', 'listMutatingWebhooks', 'listApiGroups'),
];
const ROLES = [
  'eks.listAllAssociations',
  ...callsOf('roles', 'getRole', 'getOidcProvider'),
  ...callsOf('eks', 'listAddons', 'describeAddon', 'listCapabilities', 'listFargateProfiles'),
  'roles.listPolicies',
  'eks.listNodeCandidates',
  'roles.simulate',
];

describe('plan of a service account', () => {
  it('answers what is to be done, and leaves record, plan and evidence in the ledger', async ({ fakes }) => {
    expect(await run(fakes)).toEqual(
      aPlanAnswer({
        subject: SUBJECT,
        attempts: [{ strategy: 'associate', preserve: false }],
        firstPolls: { updated: 55, created: 55, deleted: 20 },
        planHash: (await record(fakes)).plan!.hash,
      }),
    );
    expect(await record(fakes)).toMatchObject({
      status: 'running',
      executionArn: EXECUTION,
      request: { serviceAccount: REF, annotation: 'keep' },
      plan: {
        verdict: 'migrate',
        namespace: 'payments',
        serviceAccount: aState(),
        associations: [plannedAccount],
        attempts: [ASSOCIATE],
      },
    });
    expect((await record(fakes)).plan).not.toHaveProperty('addon');
    expect(
      (await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_BEFORE)).map(({ name, identity }) => [name, identity]),
    ).toEqual([['api-1', 'irsa']]);
  });

  it('says that the annotation goes where that is asked for', async () =>
    expect(await run(accountFakes(), { annotation: 'remove' })).toMatchObject({
      verdict: 'migrate',
      removesAnnotation: true,
    }));

  it('asks the API server first, which knows the role, and each thing once', async ({ fakes }) => {
    await run(fakes);
    // The look at an add-on is at whose service account it is: one that shows no namespace has its default one.
    expect(asked(fakes)).toEqual([
      'eks.describeCluster',
      ...OF_CLUSTER,
      'kubernetes.getServiceAccount',
      ...ROLES,
      'eks.listOfferedVersions',
      // Of create-association and restore-associations: for each service, and without one.
      ...Array.from({ length: 6 }, () => 'roles.simulate'),
    ]);
    expect(fakes.journal.of('kubernetes.getServiceAccount')).toEqual([[REF.namespace, REF.name]]);
    expect(fakes.journal.of('kubernetes.listPods')).toEqual([['payments'], ['kube-system']]);
    expect(fakes.journal.of('roles.getRole')).toEqual([[ROLE]]);
  });

  it('asks IAM about the step that associates', async ({ fakes }) => {
    fakes.roles.refused.push({ action: 'eks:TagResource' });
    expect(await run(fakes)).toMatchObject({ verdict: 'blocked', blockedBy: ['step-rights'] });
    const [ofNode, ...questions] = fakes.journal.of('roles.simulate').flat() as SimulationQuestion[];
    expect(ofNode?.actions).toEqual(['eks-auth:AssumeRoleForPodIdentity']);
    const [associate, restore] = [STEP_ROLES['create-association'], STEP_ROLES['restore-associations']];
    const create = ['eks:CreatePodIdentityAssociation', 'eks:TagResource'];
    expect(questions.map(({ principalArn, actions }) => [principalArn, actions])).toEqual([
      ...[associate, associate, restore, restore].map((role) => [role, ['iam:PassRole']]),
      [associate, [...create, 'iam:GetRole']],
      [restore, [create[0], 'eks:DeletePodIdentityAssociation', create[1], 'iam:GetRole']],
      // A denial counts only if IAM had all keys of the call.
      [associate, ['eks:TagResource']],
      [restore, ['eks:TagResource']],
    ]);
  });

  it('changes nothing and takes no lock', async ({ fakes }) => {
    fakes.eks.associations = [anAccountAssociation()];
    await run(fakes, { annotation: 'remove' });
    expect(fakes.journal.mutations()).toEqual([]);
    expect(fakes.journal.names()).not.toContain('ledger.acquireLock');
  });

  it('reads no further than to a cluster, or a service account, that is not there', async () => {
    const gone = accountFakes();
    gone.eks.cluster = undefined;
    await run(gone);
    expect(asked(gone)).toEqual(['eks.describeCluster']);
    const none = accountFakes();
    none.kubernetes.serviceAccounts = [];
    expect(await run(none)).toMatchObject({ verdict: 'blocked', blockedBy: ['service-account'] });
    expect(asked(none)).toEqual(['eks.describeCluster', ...OF_CLUSTER, 'kubernetes.getServiceAccount']);
  });

  it('reads nothing while another migration holds the lock', async ({ fakes }) => {
    await fakes.ledger.acquireLock(SUBJECT_LOCK, otherHolder(at(-60)));
    expect(await run(fakes)).toMatchObject({ verdict: 'blocked', blockedBy: ['lock-free'] });
    expect(asked(fakes)).toEqual(['executions.describe']);
  });

  it('does not stand behind an add-on that is called like its name', async ({ fakes }) => {
    await fakes.ledger.acquireLock(SUBJECT_LOCK.replace('payments/api', 'api'), otherHolder(at(-60)));
    expect(await run(fakes)).toMatchObject({ verdict: 'migrate' });
  });

  const onPodIdentity = ({ eks, kubernetes }: Fakes): void => {
    eks.associations = [anAccountAssociation()];
    kubernetes.pods = [anAccountPod('pod-identity')];
  };
  /** The add-on takes an association for the service account. */
  const taking = ({ eks }: Fakes, addon: string): unknown =>
    eks.configurations.set(
      `${addon} ${VERSION}`,
      aConfiguration({ podIdentity: [{ serviceAccount: 'api', recommendedManagedPolicies: [] }] }),
    );
  const OWNER = ['service-account-owner'];
  const annotated =
    (change: Parameters<typeof aServiceAccount>[0]) =>
    ({ kubernetes }: Fakes): unknown =>
      (kubernetes.serviceAccounts = [aServiceAccount(change)]);
  const owned = anAccountAssociation({ ownerArn: addonArn(1) });
  it.each<[string, object, string, string[], (fakes: Fakes) => unknown]>([
    ['a dry run', { dryRun: true }, 'planned', [], () => undefined],
    ['one that has moved', {}, 'already-migrated', [], onPodIdentity],
    [
      "an add-on's",
      {},
      'blocked',
      OWNER,
      (fakes) => {
        fakes.eks.addons.set(ADDON, anAddon({ namespace: 'payments' }));
        taking(fakes, ADDON);
        annotated({ annotatedBy: [] })(fakes);
      },
    ],
    [
      "one of an add-on's, whose namespace nothing tells",
      {},
      'blocked',
      OWNER,
      (fakes) => (fakes.eks.addons.set('x', anAddon({ name: 'x' })), taking(fakes, 'x')),
    ],
    ['the owner of its association', {}, 'blocked', OWNER, ({ eks }) => (eks.associations = [owned])],
    ['no annotation', {}, 'blocked', ['service-account-uses-irsa'], annotated({ roleArn: undefined })],
  ])('%s ends the record with its outcome', async (_, request, verdict, blockedBy, change) => {
    const fakes = accountFakes();
    change(fakes);
    expect(await run(fakes, request)).toMatchObject({ verdict, blockedBy });
    expect([await record(fakes), fakes.journal.mutations()]).toMatchObject([endedAs(verdict, 0), []]);
  });

  it("is no add-on's where an add-on of another namespace takes associations for one of that name", async () => {
    const fakes = accountFakes();
    taking(fakes, ADDON);
    expect(await run(fakes)).toMatchObject({ verdict: 'migrate' });
    expect(fakes.journal.of('eks.describeConfiguration')).toEqual([]);
  });

  it('finds out who owns it as well as it may: who may not ask goes on', async ({ fakes }) => {
    fakes.eks.addons.set(ADDON, anAddon({ namespace: 'payments' }));
    fakes.journal.refuseNext('eks.describeConfiguration', 'AccessDenied', 'you may not');
    expect(await run(fakes)).toMatchObject({ verdict: 'migrate' });
  });

  it.each(['Unauthorised', 'AccessDenied'] as const)('blocks at %s of the API server, asked once', async (name) => {
    const fakes = accountFakes();
    fakes.journal.refuseNext('kubernetes.listPods', name, 'kubernetes: you may not');
    expect(await run(fakes, { roleArn: ROLE })).toMatchObject({
      verdict: 'blocked',
      // Nobody could see whether it has the role that the request names.
      blockedBy: ['role-grant', 'kubernetes-access'],
    });
    expect(fakes.journal.names()).not.toContain('kubernetes.getServiceAccount');
    expect((await record(fakes)).plan).not.toHaveProperty('serviceAccount');
  });

  it('reads the trust policies of both the requested role and the annotated role', async ({ fakes }) => {
    fakes.roles.trust[OTHER_ROLE] = ACCOUNT_TRUST;
    fakes.settings.roleGrants = GRANTED;
    fakes.eks.cluster = aCluster({ autoMode: true });
    expect(await run(fakes, { roleArn: OTHER_ROLE })).toMatchObject({ verdict: 'migrate' });
    expect(new Set(fakes.journal.of('roles.getRole').flat())).toEqual(new Set([ROLE, OTHER_ROLE]));
    expect((await record(fakes)).plan?.associations).toEqual([{ ...plannedAccount, roleArn: OTHER_ROLE }]);
  });

  it('refuses an invalid request before it reads anything', async ({ fakes }) => {
    await expect(run(fakes, { addon: ADDON })).rejects.toThrow('must not be set together with addon');
    expect(fakes.journal.names()).toEqual([]);
  });
});
