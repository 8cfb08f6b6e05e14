/** Runs the commands against the fake EKS, from every state in which a migration can stop. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { addonRestoreCommands, type RestoreCommandsFacts } from '../../../../lambdas/domain/restore-commands/add-on.ts';
import { healthWarnings } from '../../../../lambdas/domain/restore-commands/health.ts';
import { trustToEdit } from '../../../../lambdas/domain/restore-commands/trust.ts';
import type { Addon, Association } from '../../../../lambdas/domain/terms/observed.ts';
import type { Migration, AddonSnapshot as Snapshot } from '../../../../lambdas/domain/record/migration.ts';
import { parseAwsCommand, runScript } from '../../aws-commands.ts';
import { eksHost } from '../../eks-host.ts';
import { FakeClock, FakeRoles } from '../../fakes.ts';
import { FakeEks } from '../../fake-eks.ts';
import { aTrustChange, BEFORE, REPAIR, repairOf } from '../../steps/repaired.ts';
import { ADDON, addonArn, NAMESPACE, OTHER_ROLE, ROLE, SERVICE_ACCOUNT, target, VERSION } from '../../example.ts';
import { irsaStatement, policyText, ec2Statement } from '../../trust-examples.ts';
import { anAddon, anAssociation, planned, aMigratedAddon } from '../../eks-fixtures.ts';
import { aMigration, aPlan, aSnapshot, RECREATE, RECREATE_PRESERVING, at, MIGRATION_ID } from '../../fixtures.ts';
import { containing, matching } from '../../matchers.ts';

const COPY = addonArn(9);
const policy =
  '{"Version":"2012-10-17","Statement":[{"Sid":"it\'s $HOME","Effect":"Deny","Action":"*","Resource":"*"}]}';
const TAGS = { team: "o'hara & co" };
const unportable: Partial<Association> = { targetRoleArn: OTHER_ROLE, disableSessionTags: true, policy, tags: TAGS };
const OTHER_ACCOUNT = 'ebs-csi-other-sa';
const standAlone = anAssociation({ id: 'a-alone', ...unportable });
const owned = anAssociation({ id: 'a-owned', serviceAccount: OTHER_ACCOUNT, ownerArn: addonArn(1), ...unportable });
const made = (serviceAccount = SERVICE_ACCOUNT, change: Partial<Association> = {}): Association =>
  anAssociation({ id: `a-made-${serviceAccount}`, serviceAccount, ownerArn: COPY, ...change });
const configurationValues = `{"note": "it's \\"raw\\" $HOME"}\n# a comment\n`;

/** The add-on before the migration. */
const before: [string, Partial<Snapshot>][] = [
  ['a role alone', {}],
  ['a standalone association', { associations: [standAlone] }],
  [
    'an owned association, awkward values and tags',
    {
      addon: anAddon({ podIdentityAssociations: [owned.arn], configurationValues, namespace: NAMESPACE, tags: TAGS }),
      planned: [planned, { ...planned, serviceAccount: OTHER_ACCOUNT }],
      associations: [standAlone, owned],
    },
  ],
];

interface World {
  eks: FakeEks;
  clock: FakeClock;
  snapshot: Snapshot;
  record: Migration;
}
const accounts = ({ planned: all }: Snapshot): string[] => all.map((one) => one.serviceAccount);
/** The associations of the migrated copy. */
const madeBy = ({ snapshot }: World, change: Partial<Association> = {}): Association[] =>
  accounts(snapshot).map((account) => made(account, change));
const location = ({ eks }: World, addon: Addon | undefined, associations: Association[] = []): void => {
  eks.addons.delete(ADDON);
  if (addon) eks.addons.set(ADDON, structuredClone(addon));
  eks.associations = structuredClone(associations);
};
const copyOf = (world: World, change: Partial<Addon> = {}): Addon => ({
  ...world.snapshot.addon,
  arn: COPY,
  serviceAccountRoleArn: undefined,
  podIdentityAssociations: madeBy(world).map((one) => one.arn),
  ...change,
});

const NOBODYS = { ownerArn: undefined };
type Prepare = (world: World) => void;
const migrated = (change: Partial<Addon> = {}, ofIts: Partial<Association> = {}): Prepare => {
  return (world) => location(world, copyOf(world, change), madeBy(world, ofIts));
};
const asBefore = (some: (all: Association[]) => Association[], change: Partial<Addon> = {}): Prepare => {
  return (world) => location(world, { ...world.snapshot.addon, ...change }, some(world.snapshot.associations));
};
/** EKS has begun to work on the migrated copy. */
const working = (begin: (eks: FakeEks, snapshot: Snapshot) => Promise<unknown>): Prepare => {
  return (world) => {
    migrated()(world);
    void begin(world.eks, world.snapshot);
  };
};
const issuesOf = (code: string, message: string): Addon['issues'] => [{ code, message, resourceIds: [] }];

const updateOf = ({ planned: podIdentityAssociations }: Snapshot) => {
  return { addon: ADDON, clientRequestToken: 'x', podIdentityAssociations };
};
const CONFLICTS = issuesOf('ConfigurationConflict', 'Conflicts:\nConfigMap x');

/** The states in which the migration and its rollback can stop. */
const states: [string, Prepare][] = [
  ['absent', (world) => location(world, undefined)],
  ['absent, its associations left over', (world) => location(world, undefined, madeBy(world))],
  ['absent, with left-overs without an owner', (world) => location(world, undefined, madeBy(world, NOBODYS))],
  ['DELETING', working((eks) => eks.deleteAddon(ADDON, { preserve: true }))],
  ['CREATE_FAILED', migrated({ status: 'CREATE_FAILED', issues: issuesOf('InternalFailure', 'The add-on\nfailed.') })],
  ['CREATE_FAILED because of conflicts,', migrated({ status: 'CREATE_FAILED', issues: CONFLICTS })],
  ['DELETE_FAILED', migrated({ status: 'DELETE_FAILED' })],
  ['ACTIVE with Pod Identity', migrated()],
  ['ACTIVE with Pod Identity, updated in place', migrated({ arn: addonArn(1) }, { ownerArn: addonArn(1) })],
  ['ACTIVE as before, without its association', asBefore((all) => all.filter((one) => one.ownerArn))],
  ['ACTIVE as before', asBefore((all) => all)],
  ['ACTIVE as before, with a left-over', asBefore((all) => [...all.filter((one) => one.id !== 'a-alone'), made()])],
  ['UPDATE_FAILED', migrated({ status: 'UPDATE_FAILED' })],
  ['DEGRADED', migrated({ status: 'DEGRADED' })],
  ['DEGRADED as before', asBefore((all) => all, { status: 'DEGRADED' })],
  ['UPDATING', working((eks, snapshot) => eks.updateAddon(updateOf(snapshot)))],
];

function newWorld(change: Partial<Snapshot>, attempt = RECREATE_PRESERVING): World {
  const clock = new FakeClock();
  const eks = new FakeEks(clock);
  eks.keyFreedAfter = 3000;
  const world: World = {
    eks,
    clock,
    snapshot: aSnapshot(change),
    record: aMigration({ plan: aPlan({ attempts: [attempt] }), attempt: 0, removed: [addonArn(1)], made: [COPY] }),
  };
  world.record.associations.created = madeBy(world);
  return world;
}

async function look({ eks, snapshot, record }: World): Promise<RestoreCommandsFacts> {
  const addon = await eks.describeAddon(ADDON);
  return structuredClone({ target, snapshot, record, seen: { addon, associations: eks.associations } });
}

const SETTINGS = ['targetRoleArn', 'disableSessionTags', 'policy', 'tags'] as const;
const COMPARED = ['namespace', 'serviceAccount', 'roleArn', ...SETTINGS] as const;
const said = (associations: Association[], addon: string | undefined): unknown[] =>
  [...associations]
    .sort((a, b) => a.serviceAccount.localeCompare(b.serviceAccount))
    .map((one) => [
      ...COMPARED.map((field) => one[field]),
      one.ownerArn === undefined ? 'standalone' : one.ownerArn === addon ? 'owned' : one.ownerArn,
    ]);

function expectRestored({ eks, snapshot }: World): void {
  const now = eks.addons.get(ADDON);
  const { version, serviceAccountRoleArn, configurationValues: values, tags, namespace } = snapshot.addon;
  expect(now).toMatchObject({ status: 'ACTIVE', version, tags });
  // The fake shows a namespace only where one was chosen.
  const found = [now?.serviceAccountRoleArn, now?.configurationValues, now?.namespace ?? NAMESPACE];
  expect(found).toEqual([serviceAccountRoleArn, values, namespace ?? NAMESPACE]);
  expect(said(eks.associations, now?.arn)).toEqual(said(snapshot.associations, addonArn(1)));
}

describe.each(before)('an add-on that had %s', (_, change) => {
  describe.each(states)('and is %s', (__, prepare) => {
    it.each([
      ['with preserve', RECREATE_PRESERVING],
      ['without', RECREATE],
    ])('is restored by its commands, pasted one after the other (%s)', async (___, attempt) => {
      const world = newWorld(change, attempt);
      prepare(world);
      const host = eksHost(world.eks, world.clock);
      expect(await runScript(addonRestoreCommands(await look(world)), host)).toEqual([]);
      expectRestored(world);
      expect(host.said.at(-1)).toBe(`pod-identity rollback ${MIGRATION_ID} --deployed`);
    });

    it('is restored even if EKS could not be read', async () => {
      const world = newWorld(change);
      prepare(world);
      const { seen: ___, ...unread } = await look(world);
      expect(await runScript(addonRestoreCommands(unread), eksHost(world.eks, world.clock))).toEqual([]);
      expectRestored(world);
    });
  });
});

describe('addonRestoreCommands', () => {
  /** The arguments that `aws` would get from a shell. */
  const argumentsOf = (commands: string[]): string[][] => {
    const script = `aws() { if [ "$2" = list-pod-identity-associations ]; then echo a-found; else printf '%s\\0' "$@"; printf '\\001'; fi; }\nkubectl() { :; }\npod-identity() { :; }\nsleep() { :; }\n${commands.join('\n')}`;
    const env = { HOME: '/somewhere', LC_ALL: 'C.UTF-8' };
    const printed = execFileSync('/bin/bash', ['-c', script], { encoding: 'utf8', env });
    const calls = printed.split('\u0001').slice(0, -1);
    return calls.map((call) => call.split('\0').slice(0, -1));
  };
  const facts = (change: Partial<Snapshot> = {}, more: Partial<RestoreCommandsFacts> = {}): RestoreCommandsFacts => ({
    target,
    snapshot: aSnapshot(change),
    record: aMigration({ plan: aPlan({ attempts: [RECREATE_PRESERVING] }), attempt: 0, removed: [addonArn(1)] }),
    seen: { addon: undefined, associations: [] },
    ...more,
  });
  const commandsNow = (addon: Addon | undefined, associations: Association[] = [], change: Partial<Snapshot> = {}) =>
    addonRestoreCommands(facts(change, { seen: { addon, associations } }));
  const create = (change: Partial<Snapshot>): Record<string, unknown> =>
    parseAwsCommand(
      (argumentsOf(addonRestoreCommands(facts(change))).find((call) => call[1] === 'create-addon') ?? []).slice(1),
    ).input;

  it('creates with version, role, raw configuration, namespace and tags, as a shell reads it', () => {
    const tags = { ...TAGS, 'aws:cloudformation:stack-name': 'x' };
    const addon = anAddon({ configurationValues, namespace: 'storage', tags });
    expect(create({ addon })).toEqual({
      clusterName: target.cluster,
      addonName: ADDON,
      addonVersion: VERSION,
      serviceAccountRoleArn: ROLE,
      namespaceConfig: { namespace: 'storage' },
      configurationValues,
      tags: { team: "o'hara & co" },
      resolveConflicts: 'NONE',
    });
  });

  it.each([
    ['EKS names as the default', 'storage', { defaultNamespace: 'storage' }],
    ["the registry has as the driver's, where EKS names no default", 'kube-system', {}],
  ])('leaves out a namespace that %s', (_, namespace, known) =>
    expect(create({ addon: anAddon({ namespace }), ...known })).not.toHaveProperty('namespaceConfig'),
  );

  it('omits fields that the add-on did not have', () => {
    const addon = anAddon({ configurationValues: undefined, serviceAccountRoleArn: undefined, tags: {} });
    expect(create({ addon })).toEqual({
      clusterName: target.cluster,
      addonName: ADDON,
      addonVersion: VERSION,
      resolveConflicts: 'NONE',
    });
  });

  it('keeps a configuration that begins like an option, and a role that the shorthand would split', () => {
    const roleArn = 'arn:aws:iam::111122223333:role/a=b,c';
    const addon = anAddon({ configurationValues: '---\ncontroller: {}\n' });
    expect(create({ addon, associations: [{ ...owned, roleArn }] })).toMatchObject({
      configurationValues: '---\ncontroller: {}\n',
      podIdentityAssociations: [{ serviceAccount: OTHER_ACCOUNT, roleArn }],
    });
  });

  it('offers OVERWRITE where conflicts stopped the create, without the text of the conflicts', () => {
    const issues = issuesOf('ConfigurationConflict', 'Conflicts:\nConfigMap x - .data');
    const addon = anAddon({ arn: COPY, status: 'CREATE_FAILED', issues });
    const commands = commandsNow(addon).join('\n');
    expect(commands).toMatch(
      /\n: 'OVERWRITE resets the fields [^\n]*'\naws eks create-addon [^\n]*--resolve-conflicts OVERWRITE\n/,
    );
    expect(commands).not.toContain('ConfigMap x');
    const message = containing('Conflicts:\\nConfigMap x - .data');
    expect(healthWarnings(addon)).toMatchObject([{ id: 'health-at-end', message }]);
  });

  it('keeps a version that another tool has chosen', () => {
    const commands = commandsNow(aMigratedAddon([], { version: 'v1.40.0-eksbuild.1' }));
    expect(commands.join('\n')).toMatch(
      /: 'Another principal has changed it since: version and configuration are left as they are now\.'/,
    );
    const lines = commands.filter((line) => line.includes('--addon-name'));
    expect(lines.map((line) => line.split(' ')[2])).toEqual(['update-addon', 'wait']);
    expect(lines.join('\n')).not.toMatch(/--addon-version|--configuration-values/);
  });

  it('reports that another principal deleted or created it', () => {
    const deleted = addonRestoreCommands(facts({}, { record: aMigration() })).join('\n');
    expect(deleted).toContain(": 'Another principal deleted it, not this migration.'");
    const another = anAddon({ arn: addonArn(5), version: 'v1.40.0-eksbuild.1' });
    expect(commandsNow(another)).toContainEqual(containing(": 'Another principal created this copy.'"));
  });

  it('deletes an association of another principal that conflicts with an old one, with a note', () => {
    const other = anAssociation({ id: 'a-others', roleArn: OTHER_ROLE });
    const commands = commandsNow(anAddon(), [other], { associations: [standAlone] });
    const note = commands.findIndex((line) => line.includes('Another principal created a-others'));
    expect(note).toBeGreaterThan(0);
    expect(commands[note + 1]).toContain('--association-id a-others');
  });

  describe('of a trust policy that was repaired', () => {
    const others = { ...ec2Statement, Sid: "O'Hara" };
    const changed = policyText(irsaStatement, others, REPAIR.statement);
    const altered = policyText(irsaStatement, { ...REPAIR.statement, Condition: {} });
    const commandsFor = (trust: RestoreCommandsFacts['trust'], record: Partial<Migration> = {}): string[] =>
      addonRestoreCommands({
        ...facts({}, { seen: { addon: anAddon(), associations: [] } }),
        record: aMigration({ trustChanges: [aTrustChange()], ...record }),
        ...(trust ? { trust } : {}),
      });
    const ofTrust = (lines: string[]): string[] =>
      lines.filter((line) => /trust policy|assume-role-policy|iam get-role/.test(line));

    it.each<[string, string, string]>([
      ['as it was written', REPAIR.after, BEFORE],
      ['as it was written, in another spelling', JSON.stringify(JSON.parse(REPAIR.after), null, 2), BEFORE],
      ['changed since', changed, policyText(irsaStatement, others)],
    ])('removes the statement from a policy that is %s', async (_, now, then) => {
      const world = newWorld({});
      location(world, anAddon());
      const roles = new FakeRoles();
      roles.trust[ROLE] = now;
      const iam = async (
        operation: string,
        { RoleName, PolicyDocument, ...rest }: Record<string, unknown>,
        region: string,
      ): Promise<void> => {
        expect([operation, RoleName, rest, region]).toEqual(['UpdateAssumeRolePolicy', 'ebs-csi', {}, target.region]);
        await roles.updateTrustPolicy(ROLE, String(PolicyDocument));
      };
      const commands = commandsFor({ [ROLE]: now });
      expect(commands.filter((line) => line.includes('\n'))).toEqual([]);
      expect(await runScript(commands, { ...eksHost(world.eks, world.clock), iam })).toEqual([]);
      expect(JSON.parse(roles.trust[ROLE])).toEqual(JSON.parse(then));
    });

    it('has the policy of before if the current one could not be read, with a warning', () => {
      const lines = ofTrust(commandsFor(undefined));
      expect(lines).toEqual([
        matching(
          /^: 'This migration added statement PodIdentity\w+ to the trust policy of .* could not be read.*restores the former policy, overwriting every later change\./,
        ),
        ': aws iam get-role --region eu-west-1 --role-name ebs-csi',
        containing(BEFORE),
      ]);
      expect(argumentsOf(lines).map((words) => words.join(' '))).toEqual([
        `iam update-assume-role-policy --region ${target.region} --role-name ebs-csi --policy-document ${BEFORE}`,
      ]);
    });

    it('only describes what to do if the statement itself has changed', () => {
      const lines = ofTrust(commandsFor({ [ROLE]: altered }));
      const note = containing('cannot be removed automatically: see warning trust-to-edit');
      expect(lines).toEqual([note, containing(BEFORE)]);
      expect(argumentsOf(lines)).toEqual([]);
      const message = containing('has been changed since the repair');
      expect(trustToEdit([aTrustChange()], { [ROLE]: altered })).toMatchObject([{ id: 'trust-to-edit', message }]);
    });

    it.each<[string, RestoreCommandsFacts['trust'], Partial<Migration>]>([
      ['the role is gone', { [ROLE]: null }, {}],
      ['nothing was written', { [ROLE]: BEFORE }, {}],
      ['it was undone', { [ROLE]: REPAIR.after }, { trustChanges: [aTrustChange({ undoneAt: at(1) })] }],
      ['nothing was repaired', {}, { trustChanges: [] }],
    ])('has no line if %s', (_, trust, record) => expect(ofTrust(commandsFor(trust, record))).toEqual([]));

    it('comes after the restarts, role by role, and before the last command', () => {
      const trustChanges = [aTrustChange(), { ...aTrustChange(), ...repairOf(OTHER_ROLE) }];
      const commands = commandsFor({ [ROLE]: REPAIR.after, [OTHER_ROLE]: REPAIR.after }, { trustChanges });
      const run = commands.filter((line) => !line.startsWith(': '));
      const names = run.map((line) => line.split(' ').slice(0, 3).join(' '));
      const update = 'aws iam update-assume-role-policy';
      const last = 'pod-identity rollback 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
      expect(names.slice(-4)).toEqual([containing('kubectl'), update, update, last]);
    });
  });

  it("restarts the workloads by name, or by the add-on's label if they could not be read", () => {
    const workloads: RestoreCommandsFacts['workloads'] = [{ kind: 'DaemonSet', namespace: NAMESPACE, name: 'node' }];
    const named = addonRestoreCommands(facts({}, { workloads }));
    const byKubectl = (lines: string[]) => lines.filter((line) => line.startsWith('kubectl'));
    expect(byKubectl(named)).toEqual([`kubectl -n ${NAMESPACE} rollout restart daemonset/node`]);
    expect(byKubectl(addonRestoreCommands(facts()))).toEqual([
      `kubectl -n ${NAMESPACE} rollout restart deployment,daemonset,statefulset -l app.kubernetes.io/name=${ADDON} || true`,
    ]);
    expect(named.slice(1)).toContain(`aws eks update-kubeconfig --region ${target.region} --name ${target.cluster}`);
  });
});
