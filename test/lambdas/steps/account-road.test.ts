/**
 * The whole road and the way back of a service account over the fakes: with one fault at each call of each port in
 * turn, and with somebody else at work between any two steps. At no moment is it left without annotation and
 * association.
 */
import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/errors.ts';
import type { Association, Outcome } from '../../../lambdas/domain/model.ts';
import { MIGRATION_TAG } from '../../../lambdas/domain/service-account.ts';
import { EVIDENCE_LATEST } from '../../../lambdas/runtime/report.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import {
  accountFakes,
  accountIrsaStatement,
  anAccountAssociation,
  anAccountPod,
  aServiceAccount,
  REF,
  SUBJECT_LOCK,
} from '../account-fixtures.ts';
import type { Fakes, When } from '../fakes.ts';
import {
  at,
  MIGRATION_ID,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  OTHER_ROLE,
  policyText,
  ROLE,
  ROLE_LOCK,
  ROLES_OF_ACCOUNT,
} from '../fixtures.ts';
import { migrate, type Machine } from './machine.ts';

const KEPT = anAccountAssociation();
const account = ({ kubernetes }: Fakes) => kubernetes.serviceAccounts[0];

/** A new pod takes what it finds: the association, then the annotation. */
const newPod = (fakes: Fakes): ReturnType<typeof anAccountPod> =>
  anAccountPod(
    fakes.eks.associations.length > 0 ? 'pod-identity' : account(fakes)?.roleArn === undefined ? 'node-role' : 'irsa',
  );

interface Case {
  name: string;
  outcome: Outcome;
  request?: object;
  world?: (fakes: Fakes) => void;
  kept?: Association;
  /** Of the annotation, at the end. */
  annotated: boolean;
  lines: string[];
  warnings?: string[];
}

function newWorld({ world, kept }: Pick<Case, 'world' | 'kept'>): Machine {
  const fakes = accountFakes();
  const { eks, kubernetes } = fakes;
  if (kept) eks.associations = [structuredClone(kept)];
  kubernetes.onRestart = () => (kubernetes.pods = [newPod(fakes)]);
  world?.(fakes);
  return fakes;
}

/** Somebody asks for a stop while that is done. */
const cancelledAt =
  (port: 'eks' | 'kubernetes', call: string) =>
  (fakes: Fakes): void => {
    const { ledger } = fakes;
    const inner = (Reflect.get(fakes[port], call) as (...args: unknown[]) => Promise<unknown>).bind(fakes[port]);
    const cancelling = async (...args: unknown[]): Promise<unknown> => {
      const answer = await inner(...args);
      await ledger.requestCancel(MIGRATION_ID, { requestedAt: at(1) });
      return answer;
    };
    Object.assign(fakes[port], { [call]: cancelling });
  };
/** The same while the pods are proven, so that the step behind that heeds it. */
const cancelledAtProof = ({ kubernetes, ledger }: Fakes): void => {
  const inner = kubernetes.listWorkloads.bind(kubernetes);
  kubernetes.listWorkloads = async (namespace) => {
    if (kubernetes.pods.every(({ tokens }) => tokens[0]?.audience === 'pods.eks.amazonaws.com'))
      await ledger.requestCancel(MIGRATION_ID, { requestedAt: at(1) });
    return inner(namespace);
  };
};
const blind = ({ kubernetes }: Fakes): void =>
  void (kubernetes.onRestart = () => (kubernetes.pods = [anAccountPod('irsa')]));
/** The annotation may not be changed. */
const unwritable = ({ kubernetes }: Fakes): void =>
  void (kubernetes.annotateServiceAccount = async () =>
    Promise.reject(new MigrationError('AccessDenied', 'kubernetes: 403')));
const irsaAlone = ({ roles, settings }: Fakes): void => {
  roles.trust[ROLE] = policyText(accountIrsaStatement);
  settings.repairableRoleArns = [ROLES_OF_ACCOUNT];
};
const REMOVE = { annotation: 'remove' };

const cases: Case[] = [
  {
    name: 'an association and a restart',
    outcome: 'migrated',
    annotated: true,
    lines: ['plan', 'begin', 'create-association', 'verify-pods', 'restart-pods', 'verify-pods-2', 'finish'],
  },
  {
    name: 'the annotation taken off',
    outcome: 'migrated',
    request: REMOVE,
    annotated: false,
    lines: ['verify-pods-2', 'annotate-service-account', 'finish'],
  },
  {
    name: 'an association that is kept',
    outcome: 'migrated',
    request: REMOVE,
    kept: KEPT,
    annotated: false,
    lines: ['create-association', 'annotate-service-account'],
  },
  {
    name: 'a key that is freed late',
    outcome: 'migrated',
    annotated: true,
    lines: [],
    world: ({ eks }) => {
      eks.associations = [structuredClone(KEPT)];
      eks.keyFreedAfter = 20_000;
      void eks.deleteAssociation(KEPT.id);
    },
  },
  {
    name: 'a trust that is repaired',
    outcome: 'migrated',
    request: { trust: 'repair' },
    world: irsaAlone,
    annotated: true,
    lines: ['repair-trust', 'create-association'],
  },
  {
    name: 'an annotation that may not be changed',
    outcome: 'migrated',
    request: REMOVE,
    world: unwritable,
    annotated: true,
    lines: ['annotate-service-account', 'finish'],
    warnings: ['annotation-left'],
  },
  {
    name: 'pods that never take it',
    outcome: 'rolled-back',
    request: REMOVE,
    world: blind,
    annotated: true,
    lines: ['verify-pods-3', 'restore-annotation', 'restore-associations', 'verify-restored'],
  },
  {
    name: 'pods that never take one that is kept',
    outcome: 'rolled-back',
    kept: KEPT,
    world: blind,
    annotated: true,
    lines: ['restore-associations', 'verify-restored'],
  },
  {
    name: 'a repaired trust, and pods that never take it',
    outcome: 'rolled-back',
    request: { trust: 'repair' },
    world: (fakes) => (irsaAlone(fakes), blind(fakes)),
    annotated: true,
    lines: ['restore-associations', 'restore-trust'],
  },
  {
    name: 'a cancel while it is associated',
    outcome: 'rolled-back',
    world: cancelledAt('eks', 'createAssociation'),
    annotated: true,
    lines: ['create-association', 'restore-associations'],
  },
  {
    name: 'a cancel while its pods roll',
    outcome: 'rolled-back',
    request: REMOVE,
    world: cancelledAt('kubernetes', 'restartWorkload'),
    annotated: true,
    lines: ['restore-associations', 'verify-restored'],
  },
  {
    name: 'a cancel behind the proof',
    outcome: 'rolled-back',
    request: REMOVE,
    world: cancelledAtProof,
    annotated: true,
    lines: ['annotate-service-account', 'restore-annotation', 'restore-associations', 'verify-restored'],
  },
  {
    name: 'a cancel before it began',
    outcome: 'blocked',
    world: cancelledAt('eks', 'describeCluster'),
    annotated: true,
    lines: ['begin'],
  },
  { name: 'a dry run', outcome: 'planned', request: { dryRun: true }, annotated: true, lines: ['plan'] },
];

async function expectEnd(fakes: Fakes, { outcome, annotated, kept, request, warnings = [] }: Case): Promise<void> {
  const { eks, ledger } = fakes;
  const record = (await ledger.getMigration(MIGRATION_ID))!;
  const migrated = outcome === 'migrated';
  expect(record).toMatchObject({
    outcome,
    status: 'ended',
    handOff: [],
    verified: migrated || outcome === 'rolled-back' ? 'pods' : 'none',
  });
  expect(record.warnings.map(({ id }) => id)).toEqual(warnings);
  expect(account(fakes)?.roleArn).toBe(annotated ? ROLE : undefined);
  expect(eks.associations.map(({ roleArn, tags }) => [roleArn, tags])).toEqual(
    kept ? [[ROLE, {}]] : migrated ? [[ROLE, { [MIGRATION_TAG]: MIGRATION_ID }]] : [],
  );
  expect(record.trustChanges.filter(({ undoneAt }) => undoneAt === undefined)).toHaveLength(
    migrated && request && 'trust' in request ? 1 : 0,
  );
  const evidence = (await ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).map(({ identity }) => identity);
  expect(evidence).toEqual(migrated ? ['pod-identity'] : outcome === 'rolled-back' ? ['irsa'] : []);
  for (const lock of [SUBJECT_LOCK, ROLE_LOCK])
    expect(
      await ledger.acquireLock(lock, { migrationId: OTHER_MIGRATION_ID, executionArn: OTHER_EXECUTION, since: at(0) }),
    ).toMatchObject({ acquired: true });
}
const requestOf = ({ request }: Pick<Case, 'request'>): object => ({ serviceAccount: REF, ...request });

describe.each(cases)('$name', (one) => {
  it(`ends ${one.outcome}`, async () => {
    const fakes = newWorld(one);
    expect(await migrate(fakes, requestOf(one))).toBe(one.outcome);
    await expectEnd(fakes, one);
    expect((await fakes.ledger.listSteps(MIGRATION_ID)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(one.lines),
    );
    expect(fakes.journal.mutations().filter((name) => name.endsWith('Addon'))).toEqual([]);
  });

  it.each<When>(['before', 'after'])('ends so too with a fault %s the effect of any one call', async (when) => {
    const smooth = newWorld(one);
    await migrate(smooth, requestOf(one));
    for (const [position, { call }] of smooth.journal.calls.entries()) {
      // The lost reply of a read is a read that did not happen.
      const reads = /\.(get|list|describe|read|assert|mayPass)/.test(call);
      if (reads && (when === 'after' || position % 3 > 0)) continue;
      const fakes = newWorld(one);
      fakes.journal.failAt(position, when);
      expect([position, call, await migrate(fakes, requestOf(one)).catch((error: unknown) => error)]).toEqual([
        position,
        call,
        one.outcome,
      ]);
      await expectEnd(fakes, one);
    }
  });

  it('never leaves it without annotation and association', async () => {
    const fakes = newWorld(one);
    const bare: string[] = [];
    const look = (name: string): void =>
      void (account(fakes)?.roleArn === undefined && fakes.eks.associations.length === 0 && bare.push(name));
    expect(await migrate({ ...fakes, onTask: look }, requestOf(one))).toBe(one.outcome);
    look('the end');
    expect(bare).toEqual([]);
  });
});

const THEIRS = anAccountAssociation({ id: 'a-theirs', roleArn: OTHER_ROLE });
interface Actor {
  name: string;
  act: (fakes: Machine) => unknown;
  stands: (fakes: Machine) => void;
  /** Where nothing is done any more that could respect them. */
  notAt?: StepName;
}
const actors: Actor[] = [
  {
    name: 'deletes the service account',
    act: ({ kubernetes }) => (kubernetes.serviceAccounts = []),
    stands: ({ kubernetes }) => expect(kubernetes.serviceAccounts).toEqual([]),
  },
  {
    name: 'makes it again without a role',
    act: ({ kubernetes }) => (kubernetes.serviceAccounts = [aServiceAccount({ uid: 'another', roleArn: undefined })]),
    stands: (fakes) => expect(account(fakes)).toMatchObject({ uid: 'another', resourceVersion: '7' }),
  },
  {
    name: 'gives it another role',
    act: ({ kubernetes }) => (kubernetes.serviceAccounts = [aServiceAccount({ roleArn: OTHER_ROLE })]),
    stands: (fakes) => expect(account(fakes)).toEqual(aServiceAccount({ roleArn: OTHER_ROLE })),
  },
  {
    name: 'associates it themselves',
    act: ({ eks }) => (eks.associations = [structuredClone(THEIRS)]),
    stands: ({ eks }) => expect(eks.associations).toEqual([THEIRS]),
  },
  // Its annotation is not taken off then, which would leave it without a role; but for where it is off before that.
  {
    name: 'deletes its association',
    act: ({ eks }) => eks.associations.length > 0 && (eks.associations = []),
    stands: (fakes) => expect(account(fakes)?.roleArn).toBe(ROLE),
    notAt: 'finish',
  },
  {
    name: 'gives its association another role',
    act: ({ eks }) => eks.associations.length > 0 && eks.associations.map((one) => (one.roleArn = OTHER_ROLE)),
    stands: ({ eks }) => expect(eks.associations.map(({ roleArn }) => roleArn)).not.toContain(ROLE),
  },
];
const ways: [string, Outcome, Pick<Case, 'request' | 'world'>][] = [
  ['on the road', 'migrated', { request: REMOVE }],
  ['on the way back', 'rolled-back', { request: REMOVE, world: blind }],
];

describe.each(ways)('%s', (_, outcome, one) => {
  it.each(actors)('one who $name is respected, between any two steps', async ({ act, stands, notAt }) => {
    const tasks: StepName[] = [];
    expect(await migrate({ ...newWorld(one), onTask: (name) => void tasks.push(name) }, requestOf(one))).toBe(outcome);
    expect(tasks.length).toBeGreaterThan(6);
    const ends: [StepName, Outcome][] = [];
    const did: boolean[] = [];
    for (const [position, name] of tasks.entries()) {
      const fakes = newWorld(one);
      let index = -1;
      let acted: unknown = false;
      const end = await migrate(
        { ...fakes, onTask: () => void ((index += 1) === position && (acted = act(fakes))) },
        requestOf(one),
      );
      ends.push([name, end]);
      did.push(acted !== false);
      // What the plan finds it takes for how it is.
      if (position > 0 && acted && name !== notAt) stands(fakes);
      const record = (await fakes.ledger.getMigration(MIGRATION_ID))!;
      expect(record.handOff.at(-1)).toBe(
        end === 'needs-human' ? `pod-identity rollback ${MIGRATION_ID} --deployed` : undefined,
      );
    }
    // When the end is recorded there is nothing to stop any more; before that nobody's work is called the migration's.
    expect(ends.at(-1)).toEqual(['finish', outcome]);
    const proven = ends.findLastIndex(([name]) => name === 'verify-pods');
    for (const [name, end] of ends.slice(1, proven + 1).filter((_one, position) => did[position + 1]))
      expect([name, end]).not.toEqual([name, 'migrated']);
  });
});
