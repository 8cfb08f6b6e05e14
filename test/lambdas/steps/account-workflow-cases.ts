/** Migrations of a service account over the fakes, forwards and back, and what must hold at the end of each. */
import { expect } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Association } from '../../../lambdas/domain/terms/observed.ts';
import type { Outcome } from '../../../lambdas/domain/terms/outcome.ts';
import { MIGRATION_TAG } from '../../../lambdas/domain/migration/service-account.ts';
import { EVIDENCE_LATEST } from '../../../lambdas/use-cases/migration/report.ts';
import { accountIrsaStatement, REF, SUBJECT_LOCK } from '../account-example.ts';
import { anAccountAssociation, anAccountPod } from '../account-fixtures.ts';
import { accountFakes } from './begun-account.ts';
import type { Fakes } from '../fakes.ts';
import { at, MIGRATION_ID, policyText, ROLE, ROLE_LOCK, ROLES_OF_ACCOUNT, otherHolder } from '../fixtures.ts';
import type { Machine } from './machine.ts';
import { isRead, type Workflow } from './workflow-faults.ts';

const KEPT = anAccountAssociation();
export const account = ({ kubernetes }: Fakes) => kubernetes.serviceAccounts[0];

/** A new pod takes what it finds: the association, then the annotation. */
const newPod = (fakes: Fakes): ReturnType<typeof anAccountPod> =>
  anAccountPod(
    fakes.eks.associations.length > 0 ? 'pod-identity' : account(fakes)?.roleArn === undefined ? 'node-role' : 'irsa',
  );

export interface Case {
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

export function newWorld({ world, kept }: Pick<Case, 'world' | 'kept'>): Machine {
  const fakes = accountFakes();
  const { eks, kubernetes } = fakes;
  if (kept) eks.associations = [structuredClone(kept)];
  kubernetes.onRestart = () => (kubernetes.pods = [newPod(fakes)]);
  world?.(fakes);
  return fakes;
}

/** Requests a cancel while the call is running. */
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
/** The same when the verification is recorded, so that the step after it heeds the cancel. */
const cancelledOnceVerified = ({ ledger }: Fakes): void => {
  const inner = ledger.updateMigration.bind(ledger);
  ledger.updateMigration = async (...update) => {
    await inner(...update);
    if (update[1].verified === 'ready') await ledger.requestCancel(MIGRATION_ID, { requestedAt: at(1) });
  };
};
export const blind = ({ kubernetes }: Fakes): void =>
  void (kubernetes.onRestart = () => (kubernetes.pods = [anAccountPod('irsa')]));
/** The annotation may not be changed. */
const unwritable = ({ kubernetes }: Fakes): void =>
  void (kubernetes.annotateServiceAccount = async () =>
    Promise.reject(new MigrationError('AccessDenied', 'kubernetes: 403')));
const irsaAlone = ({ roles, settings }: Fakes): void => {
  roles.trust[ROLE] = policyText(accountIrsaStatement);
  settings.repairableRoleArns = [ROLES_OF_ACCOUNT];
};
export const REMOVE = { annotation: 'remove' };

type Rest = Partial<Omit<Case, 'name' | 'outcome'>>;
/** The annotation stays, unless the case says otherwise. */
const STAYS = { annotated: true, lines: [] };
const ends = (outcome: Outcome, name: string, rest: Rest): Case => ({ ...STAYS, name, outcome, ...rest });

export const cases: Case[] = [
  ends('migrated', 'an association and a restart', {
    lines: 'plan begin create-association verify-pods restart-pods confirm-ready finish'.split(' '),
  }),
  ends('migrated', 'the annotation taken off', {
    request: REMOVE,
    annotated: false,
    lines: ['restart-pods', 'confirm-ready', 'annotate-service-account', 'finish'],
  }),
  ends('migrated', 'an association that is kept', {
    request: REMOVE,
    kept: KEPT,
    annotated: false,
    lines: ['create-association', 'annotate-service-account'],
  }),
  ends('migrated', 'a key that is freed late', {
    world: ({ eks }) => {
      eks.associations = [structuredClone(KEPT)];
      eks.keyFreedAfter = 20_000;
      void eks.deleteAssociation(KEPT.id);
    },
  }),
  ends('migrated', 'a trust that is repaired', {
    request: { trust: 'repair' },
    world: irsaAlone,
    lines: ['repair-trust', 'create-association'],
  }),
  ends('migrated', 'an annotation that may not be changed', {
    request: REMOVE,
    world: unwritable,
    lines: ['annotate-service-account', 'finish'],
    warnings: ['annotation-left'],
  }),
  ends('rolled-back', 'pods that never take it', {
    request: REMOVE,
    world: blind,
    lines: ['restart-pods', 'restore-annotation', 'restore-associations', 'verify-restored'],
  }),
  ends('rolled-back', 'pods that never take one that is kept', {
    kept: KEPT,
    world: blind,
    lines: ['restore-associations', 'verify-restored'],
  }),
  ends('rolled-back', 'a repaired trust, and pods that never take it', {
    request: { trust: 'repair' },
    world: (fakes) => (irsaAlone(fakes), blind(fakes)),
    lines: ['restore-associations', 'restore-trust'],
  }),
  ends('rolled-back', 'a cancel while it is associated', {
    world: cancelledAt('eks', 'createAssociation'),
    lines: ['create-association', 'restore-associations'],
  }),
  ends('rolled-back', 'a cancel while its pods roll', {
    request: REMOVE,
    world: cancelledAt('kubernetes', 'restartWorkload'),
    lines: ['restore-associations', 'verify-restored'],
  }),
  ends('rolled-back', 'a cancel after the verification', {
    request: REMOVE,
    world: cancelledOnceVerified,
    lines: ['confirm-ready', 'restore-annotation', 'restore-associations', 'verify-restored'],
  }),
  ends('blocked', 'a cancel before it began', { world: cancelledAt('eks', 'describeCluster'), lines: ['begin'] }),
  ends('planned', 'a dry run', { request: { dryRun: true }, lines: ['plan'] }),
];

export async function expectEnd(
  fakes: Fakes,
  { outcome, annotated, kept, request, warnings = [] }: Case,
): Promise<void> {
  const { eks, ledger } = fakes;
  const record = (await ledger.getMigration(MIGRATION_ID))!;
  const migrated = outcome === 'migrated';
  expect(record).toMatchObject({
    outcome,
    status: 'ended',
    restoreCommands: [],
    verified: migrated ? 'ready' : outcome === 'rolled-back' ? 'injected' : 'none',
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
    expect(await ledger.acquireLock(lock, otherHolder(at(0)))).toMatchObject({ acquired: true });
}
export const requestOf = ({ request }: Pick<Case, 'request'>): object => ({ serviceAccount: REF, ...request });

/** The migration of a case, for the contract of faults. */
export const workflowOf = (one: Case): Workflow => ({
  prepare: () => newWorld(one),
  request: requestOf(one),
  outcome: one.outcome,
  strikes: (fault) => !isRead(fault) || (fault.kind === 'before' && fault.position % 3 === 0),
  expectEnd: (fakes) => expectEnd(fakes, one),
});
