/** Migrations whose execution is stopped in each state of the workflow, and the expected result of each. */
import { expect } from 'vitest';
import { firstExecutionOf } from '../../cli/service/known.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import { ADDON } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';

export const ACCOUNT = 'ebs-csi-controller-sa';
/** A service account without an add-on, whose annotation must be removed. */
const OWN_ACCOUNT = { namespace: 'payments', name: 'api' };
const account = {
  scenario: 'service-account-irsa',
  asked: { serviceAccount: OWN_ACCOUNT, annotation: 'remove' },
} as const;

/** Its nodes get a standalone association, because the add-on accepts none for them. */
const NODES = 'efs-csi-node-sa';
const nodes = {
  scenario: 'efs-node-role',
  asked: { addon: 'aws-efs-csi-driver', roles: { [NODES]: 'arn:aws:iam::111122223333:role/studio-prod-efs-csi-node' } },
} as const;

/** How the first migration is stopped: in a call of a Task, whose function continues to its end, or in a Wait. */
type Stop = Omit<FaultInput, 'kind'> | { wait: string };
export interface Row {
  /** The state of MigrateAddon. */
  state: string;
  stop: Stop;
  outcome: keyof typeof ENDS;
  scenario?: string;
  asked?: Partial<Asked>;
  kind?: FaultInput['kind'];
  /** The level of a migrated end. Default: `ready`. */
  verified?: 'injected' | 'ready';
  /** The migration ended without Recover. */
  ended?: true;
  /** The annotation was not removed yet, which no Recover does. */
  annotationLeft?: true;
}

export const recreate = { strategy: 'recreate' } as const;
const preserve = { ...recreate, preserve: true } as const;
/** Without a statement for Pod Identity in its role's trust policy. */
const repair = { strategy: 'in-place', trust: 'repair' } as const;
/** The scenarios begin within the window. */
const WINDOW = { schedule: '0 9 * * *', durationMinutes: 60, timeZone: 'UTC' };
const LEFT_OVER = 'left-over-session-tags';

type More = Omit<Row, 'state' | 'stop' | 'outcome'>;
/** Stops in a call, such as `plan DescribeCluster`: the first one or the `nth`. */
const calling = (
  state: string,
  call: string,
  outcome: Row['outcome'],
  { nth, ...more }: More & { nth?: number } = {},
): Row => {
  const [step, ...operation] = call.split(' ');
  const stop = { step, operation: operation.join(' '), ...(nth === undefined ? {} : { call: nth }) };
  return { state, stop, outcome, ...more };
};
/** Stops in a Wait. */
const waiting = (state: string, outcome: Row['outcome'], more: More = {}): Row => ({
  state,
  stop: { wait: state },
  outcome,
  ...more,
});

/** In the order of the workflow: in place, by deletion, and in the second attempt. */
export const rows: Row[] = [
  calling('Plan', 'plan DescribeCluster', 'blocked'),
  // It does not wait any longer: Recover ends it, and nothing was changed.
  calling('RequestApproval', 'request-approval UpdateItem', 'blocked', { asked: { approval: 'required' } }),
  calling('AwaitWindow', 'await-window Query', 'blocked', {
    asked: { changeWindow: { ...WINDOW, schedule: '0 12 * * *' } },
  }),
  calling('PlanAgain', 'plan PutItem', 'blocked', { nth: 2, asked: { changeWindow: WINDOW } }),
  calling('Begin', 'begin UpdateItem', 'rolled-back', { nth: 2 }),
  calling('UpdateAddon', 'update-addon DeletePodIdentityAssociation', 'rolled-back', { scenario: LEFT_OVER }),
  calling('UpdateAddon', 'update-addon UpdateAddon', 'rolled-back', { kind: 'abort-before' }),
  calling('UpdateAddon', 'update-addon UpdateAddon', 'rolled-back'),
  waiting('WaitForUpdate', 'rolled-back'),
  calling('AwaitActive', 'await-active DescribeAddon', 'rolled-back'),
  calling('CarryOver', 'carry-over UpdatePodIdentityAssociation', 'rolled-back', { scenario: LEFT_OVER }),
  // The function that reads the pods continues and verifies them: only the observation after it is missing.
  calling('VerifyPods', 'verify-pods list pods', 'migrated', { verified: 'injected' }),
  waiting('WaitForStability', 'migrated', { verified: 'injected' }),
  waiting('WaitForStability', 'migrated', { verified: 'injected', annotationLeft: true, ...account }),
  // This function continues too: only the end is missing.
  calling('ConfirmReady', 'verify-pods list pods', 'migrated', { nth: 2 }),
  calling('RecordMigrated', 'finish Query', 'migrated', { ended: true }),
  calling('RepairTrust', 'repair-trust UpdateAssumeRolePolicy', 'rolled-back', {
    scenario: 'trust-repair',
    asked: repair,
    kind: 'abort-before',
  }),
  calling('RepairTrust', 'repair-trust UpdateAssumeRolePolicy', 'rolled-back', {
    scenario: 'trust-repair',
    asked: repair,
  }),
  waiting('WaitForTrust', 'rolled-back', { scenario: 'trust-repair', asked: repair }),
  calling('InstallAgent', 'install-agent CreateAddon', 'rolled-back', {
    scenario: 'agent-absent',
    asked: { agent: 'install' },
  }),
  calling('DeleteAddon', 'delete-addon DeleteAddon', 'rolled-back', { asked: recreate, kind: 'abort-before' }),
  calling('DeleteAddon', 'delete-addon DeleteAddon', 'rolled-back', { asked: recreate }),
  waiting('WaitForDeletion', 'rolled-back', { asked: recreate }),
  calling('AwaitDeleted', 'await-deleted DescribeAddon', 'rolled-back', { asked: preserve }),
  calling('CreateAddon', 'create-addon DeletePodIdentityAssociation', 'rolled-back', {
    scenario: LEFT_OVER,
    asked: recreate,
  }),
  calling('CreateAddon', 'create-addon CreateAddon', 'rolled-back', { asked: recreate, kind: 'abort-before' }),
  calling('CreateAddon', 'create-addon CreateAddon', 'rolled-back', { asked: recreate }),
  waiting('WaitForCreation', 'rolled-back', { asked: recreate }),
  calling('RestartPods', 'restart-pods patch deployments', 'rolled-back', { asked: preserve }),
  waiting('WaitForRollout', 'rolled-back', { asked: preserve }),
  calling('CreateAssociation', 'create-association CreatePodIdentityAssociation', 'rolled-back', {
    kind: 'abort-before',
    ...account,
  }),
  calling('CreateAssociation', 'create-association CreatePodIdentityAssociation', 'rolled-back', account),
  waiting('WaitForWebhook', 'rolled-back', account),
  waiting('WaitForRollout', 'rolled-back', account),
  calling('AnnotateServiceAccount', 'annotate-service-account patch serviceaccounts', 'migrated', account),
  calling('CreateStandaloneAssociations', 'create-association CreatePodIdentityAssociation', 'rolled-back', {
    kind: 'abort-before',
    ...nodes,
  }),
  calling('CreateStandaloneAssociations', 'create-association CreatePodIdentityAssociation', 'rolled-back', nodes),
  waiting('WaitForStandaloneAssociations', 'rolled-back', nodes),
  calling('UpdateAddon', 'update-addon UpdateAddon', 'rolled-back', nodes),
  calling('VerifyPods', 'verify-pods list pods', 'migrated', { verified: 'injected', ...nodes }),
  calling('NextAttempt', 'create-addon CreateAddon', 'rolled-back', { scenario: 'auto-falls-back' }),
];

const titleOf = ({ state, kind, scenario, asked, outcome }: Row): string => {
  const how = [
    asked?.serviceAccount ? 'a service account' : (asked?.strategy ?? 'auto'),
    ...(asked?.preserve ? ['preserve'] : []),
    ...(scenario && scenario !== account.scenario ? [scenario] : []),
    ...(kind ? ['before its call'] : []),
  ];
  return `in ${state} (${how.join(', ')}): ${outcome}`;
};

const subjectOf = ({ asked }: Row): Asked =>
  asked?.serviceAccount ? { serviceAccount: asked.serviceAccount } : { addon: asked?.addon ?? ADDON };
const stateOf = (world: OpenWorld, { asked }: Row): object =>
  asked?.serviceAccount
    ? world.readAccount(OWN_ACCOUNT)
    : world.readAddon(asked?.addon ?? ADDON, asked?.roles ? NODES : ACCOUNT);

/** Runs a migration that is stopped there; returns how it ended. */
const stopped = async (world: OpenWorld, row: Row): Promise<MigrationReport> => {
  const { backend } = world;
  const { stop, kind = 'abort-after' } = row;
  const asked = { ...subjectOf(row), ...row.asked };
  if (!('wait' in stop)) {
    backend.sandbox.world.faults.add({ ...stop, kind });
    return world.migrate(asked);
  }
  const execution = await world.start(asked);
  await world.until(execution, stop.wait);
  execution.stop();
  return world.settled(execution.name);
};

const play = (row: Row, knobs: WorldOptions['knobs'] = {}) =>
  inWorld({ scenario: row.scenario ?? 'preserve', knobs }, async (world) => {
    const before = stateOf(world, row);
    const first = await stopped(world, row);
    const between = stateOf(world, row);
    const { trust, roles } = row.asked ?? {};
    const again = await world.migrate({ ...subjectOf(row), ...(trust ? { trust } : {}), ...(roles ? { roles } : {}) });
    const { executions } = world.backend.sandbox;
    return {
      before,
      first,
      between,
      again,
      after: stateOf(world, row),
      locks: await world.backend.ledger.listHeldLocks(),
      execution: executions.execution(firstExecutionOf(world.backend, first.migrationId)),
    };
  });

const ON_POD_IDENTITY = {
  addon: { status: 'ACTIVE', role: undefined, owns: 1 },
  pods: ['pod-identity', 'pod-identity'],
};
const ACCOUNT_ON_POD_IDENTITY = {
  associations: [{ owned: false }],
  pods: Array.from({ length: 5 }, () => 'pod-identity'),
};
const NODES_ON_POD_IDENTITY = { ...ON_POD_IDENTITY, pods: Array.from({ length: 4 }, () => 'pod-identity') };
const movedOf = ({ asked }: Row): typeof ON_POD_IDENTITY | typeof ACCOUNT_ON_POD_IDENTITY => {
  if (asked?.serviceAccount) return ACCOUNT_ON_POD_IDENTITY;
  return asked?.roles ? NODES_ON_POD_IDENTITY : ON_POD_IDENTITY;
};
const ENDS = {
  migrated: { outcome: 'migrated' },
  'rolled-back': { outcome: 'rolled-back', verified: 'injected', failure: { name: 'ExecutionStopped' } },
  blocked: { outcome: 'blocked', verified: 'none', failure: { name: 'ExecutionStopped' } },
};

/** How it ended: below the level `ready`, and with an annotation that is still there, with a warning. */
const endOf = ({ outcome, verified = 'ready', annotationLeft }: Row): object => {
  if (outcome !== 'migrated') return ENDS[outcome];
  const warnings = [
    ...(verified === 'injected' ? [{ id: 'stability-not-observed' }] : []),
    ...(annotationLeft ? [{ id: 'annotation-left' }] : []),
  ];
  return { ...ENDS.migrated, verified, ...(warnings.length > 0 ? { warnings } : {}) };
};

/** The original state, except for the pods if an association existed before: new ones use it. */
const resume = ({ outcome, associations }: MigrationReport, before: object, row: Row): unknown => {
  if (outcome === 'migrated' && row.asked?.serviceAccount)
    return expect.objectContaining({
      annotation: row.annotationLeft ? (expect.any(String) as unknown) : undefined,
      pods: ACCOUNT_ON_POD_IDENTITY.pods,
    });
  if (outcome === 'migrated')
    return expect.objectContaining({
      addon: expect.objectContaining(ON_POD_IDENTITY.addon) as unknown,
      pods: movedOf(row).pods,
    });
  return associations.restored.length > 0 ? { ...before, pods: expect.any(Array) as unknown } : before;
};

/** Each case, by its title. */
export const titled = (of: readonly Row[]): (Row & { title: string })[] =>
  of.map((row) => ({ ...row, title: titleOf(row) }));

/** Those whose stop is also found without the event. */
export const withoutEvent = rows.filter(({ state }) =>
  ['Begin', 'UpdateAddon', 'WaitForDeletion', 'VerifyPods'].includes(state),
);

/** Expects that what an aborted execution left is rolled back, or finished, and that the next migration works. */
export const expectRecovered = async (row: Row): Promise<void> => {
  const { before, first, between, again, after, locks, execution } = await play(row);
  expect([execution.status, first]).toMatchObject(['ABORTED', endOf(row)]);
  expect(first.recovery?.cause).toBe(row.ended ? undefined : 'stranded');
  expect(between).toEqual(resume(first, before, row));
  expect(again.outcome).toBe(row.outcome === 'migrated' ? 'already-migrated' : 'migrated');
  expect([after, locks]).toMatchObject([movedOf(row), []]);
};

/** Expects the same if Step Functions sends no event: the schedule finds what is left. */
export const expectFound = async (row: Row): Promise<void> => {
  const { before, first, between, again, locks } = await play(row, { eventsLost: true });
  expect(first).toMatchObject({ ...endOf(row), recovery: { cause: 'stranded' } });
  expect(between).toEqual(resume(first, before, row));
  // Found by a tick every five minutes, not at once.
  const stoppedAt = Math.max(
    ...first.steps
      .filter(({ startedAt }) => startedAt < first.recovery!.startedAt)
      .map(({ startedAt }) => Date.parse(startedAt)),
  );
  expect(Date.parse(first.recovery!.startedAt) - stoppedAt).toBeLessThanOrEqual(8 * 60_000);
  expect(again.outcome).toBe(row.outcome === 'migrated' ? 'already-migrated' : 'migrated');
  expect(locks).toEqual([]);
};
