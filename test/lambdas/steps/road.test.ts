/**
 * The whole road over the fakes, with one fault at each call of each port in turn, before or after its effect:
 * a single transient fault never keeps a migration from ending as it would have without.
 */
import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES, isMigrationError, MigrationError } from '../../../lambdas/domain/errors.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import type { Association, Outcome } from '../../../lambdas/domain/model.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import { newFakes, type Fakes, type When } from '../fakes.ts';
import { ADDON, anAssociation, aPod, EXECUTION, MIGRATION_ID, OTHER_MIGRATION_ID, ROLE, target } from '../fixtures.ts';
import { LOCK } from './begun.ts';

const POLL_MS = 10_000;

/** Invokes a step as the state machine does: again after "not yet" and after what may pass, otherwise never. */
async function task(fakes: Fakes, name: StepName, input: object): Promise<Record<string, unknown>> {
  const handler = createHandler(steps[name], fakes.dependencies);
  for (let attempt = 1; attempt <= 50; attempt += 1) {
    try {
      return (await handler(input, {} as LambdaContext)) as Record<string, unknown>;
    } catch (error) {
      if (!isMigrationError(error) || !['retryable', 'waiting'].includes(ERROR_CLASSES[error.name])) throw error;
      fakes.clock.advance(POLL_MS);
    }
  }
  throw new Error(`${name} did not come to an end`);
}

async function migrate(fakes: Fakes, request: object = {}): Promise<Outcome> {
  const common = { migrationId: MIGRATION_ID, target, addon: ADDON };
  const { verdict } = await task(fakes, 'plan', { migrationId: MIGRATION_ID, executionArn: EXECUTION, request: { target, addon: ADDON, ...request } });
  if (verdict !== 'migrate') return verdict as Outcome;
  const { fence } = await task(fakes, 'begin', { ...common, executionArn: EXECUTION });
  const locked = { ...common, fence };
  const end = async (outcome: Outcome, error?: unknown): Promise<Outcome> => {
    const failure = error instanceof Error ? { failure: { Error: error.name, Cause: error.message } } : {};
    return (await task(fakes, 'finish', { ...common, outcome, ...failure }))['outcome'] as Outcome;
  };
  try {
    for (const name of ['delete-addon', 'await-deleted', 'purge-associations', 'create-addon', 'await-active'] as const) await task(fakes, name, locked);
    for (let round = 1; (await task(fakes, 'verify-pods', { ...locked, round }))['verdict'] !== 'proven'; round += 1) await task(fakes, 'restart-pods', { ...locked, round });
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    await task(fakes, 'restore', locked);
    return end('rolled-back', error);
  }
  return end('migrated');
}

interface Case {
  name: string;
  outcome: Outcome;
  request?: object;
  leftOver?: Association;
  /** Changes EKS and the pods before the run. */
  world?: (fakes: Fakes) => void;
}

/** Pods take the identity that the add-on has when it settles; a restart gives them Pod Identity. */
function newWorld({ leftOver, world }: Case): Fakes {
  const fakes = newFakes();
  const { eks, kubernetes } = fakes;
  if (leftOver) eks.associations = [leftOver];
  eks.onSettled = (addon) => {
    kubernetes.pods = [aPod(addon.serviceAccountRoleArn === undefined ? 'pod-identity' : 'irsa', { uid: addon.arn })];
  };
  kubernetes.onRestart = () => {
    kubernetes.pods = [aPod('pod-identity', { uid: 'restarted' })];
  };
  world?.(fakes);
  return fakes;
}

const keepsOldPods = ({ eks, kubernetes }: Fakes): void => {
  eks.onSettled = () => {
    kubernetes.pods = [aPod('irsa')];
  };
};
const neverTakesIt = (fakes: Fakes): void => {
  keepsOldPods(fakes);
  fakes.kubernetes.onRestart = () => undefined;
};
const failsToCreate = ({ eks }: Fakes): void => {
  eks.endsIn = 'CREATE_FAILED';
  const settled = eks.onSettled;
  eks.onSettled = (addon) => {
    eks.endsIn = 'ACTIVE';
    settled(addon);
  };
};

const cases: Case[] = [
  { name: 'a plain migration', outcome: 'migrated' },
  { name: 'with a left-over association', outcome: 'migrated', leftOver: anAssociation() },
  { name: 'with preserve and pods that need a restart', outcome: 'migrated', request: { preserve: true }, world: keepsOldPods },
  { name: 'a create that fails', outcome: 'rolled-back', leftOver: anAssociation(), world: failsToCreate },
  { name: 'pods that never take it', outcome: 'rolled-back', world: neverTakesIt },
  { name: 'a dry run', outcome: 'planned', request: { dryRun: true } },
];

/** What must hold at the end, however it came about. */
async function expectEnd(fakes: Fakes, { outcome, leftOver }: Case): Promise<void> {
  const { eks, ledger } = fakes;
  expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ outcome, status: 'ended' });
  const addon = await eks.describeAddon(ADDON);
  expect(addon?.status).toBe('ACTIVE');
  expect(addon?.serviceAccountRoleArn).toBe(outcome === 'migrated' ? undefined : ROLE);
  const associations = eks.associations.map((one) => [one.serviceAccount, one.ownerArn === addon?.arn ? 'owned' : one.ownerArn]);
  const expected = outcome === 'migrated' ? [['ebs-csi-controller-sa', 'owned']] : leftOver ? [['ebs-csi-controller-sa', undefined]] : [];
  expect(associations).toEqual(expected);
  // The lock is free again.
  expect(await ledger.acquireLock(LOCK, { migrationId: OTHER_MIGRATION_ID, executionArn: 'next', since: '' })).toMatchObject({ acquired: true });
}

describe.each(cases)('$name', (one) => {
  it(`ends ${one.outcome}`, async () => {
    const fakes = newWorld(one);
    expect(await migrate(fakes, one.request)).toBe(one.outcome);
    await expectEnd(fakes, one);
    const lines = await fakes.ledger.listSteps(MIGRATION_ID);
    expect(lines[0]?.name).toBe('plan');
    expect(lines.filter((line) => line.error && ERROR_CLASSES[line.error.name as keyof typeof ERROR_CLASSES] !== 'terminal')).toEqual([]);
  });

  it.each<When>(['before', 'after'])('ends so too with a fault %s the effect of any one call', async (when) => {
    const smooth = newWorld(one);
    await migrate(smooth, one.request);
    const { length } = smooth.journal.calls;
    expect(length).toBeGreaterThan(10);
    for (let position = 0; position < length; position += 1) {
      const fakes = newWorld(one);
      const call = smooth.journal.calls[position]?.call;
      fakes.journal.failAt(position, when);
      expect([position, call, await migrate(fakes, one.request).catch((error: unknown) => error)]).toEqual([position, call, one.outcome]);
      await expectEnd(fakes, one);
    }
  });
});
