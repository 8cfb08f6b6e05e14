import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES, namesOfClass } from '../../lambdas/domain/errors.ts';
import { APPROVAL_HOURS } from '../../lambdas/domain/request.ts';
import { MOST_DAYS_BEFORE_BEGIN } from '../../lambdas/domain/waiting.ts';
import { MAX_RESTORE_ACTIONS } from '../../lambdas/steps/assess-rollback/schema.ts';
import { MAX_RESTARTS } from '../../lambdas/steps/verify-pods/schema.ts';
import { allTasks, functionOf, type Machine, migrateAddon, recover, type Retrier } from './definition.ts';

// Step Functions Developer Guide: what the Lambda integration and the service itself raise.
const OF_THE_SERVICE = [
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.Unknown',
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ENINotReadyException',
  'Lambda.EC2ThrottledException',
  'Lambda.CodeArtifactUserPendingException',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'States.Timeout',
  'States.ALL',
];
const namesIn = (retriers: { ErrorEquals: string[] }[] = []): string[] =>
  retriers.flatMap(({ ErrorEquals }) => ErrorEquals);
const WAITING = namesOfClass('waiting');
const pollsOf = (retriers: Retrier[] = []): Retrier[] =>
  retriers.filter(({ ErrorEquals }) => WAITING.some((error) => ErrorEquals.includes(error)));

describe('retries', () => {
  it.each(allTasks)('know every error in %s, %s by a name that exists', (_machine, _name, state) => {
    const known = [...Object.keys(ERROR_CLASSES), ...OF_THE_SERVICE];
    expect(known).toEqual(expect.arrayContaining([...namesIn(state.Retry), ...namesIn(state.Catch)]));
  });

  it.each(allTasks)(
    'try again in %s, %s what may succeed later, once each, and nothing that can not',
    (_machine, _name, state) => {
      const transient = [...namesOfClass('retryable'), ...OF_THE_SERVICE.filter((error) => error !== 'States.ALL')];
      const never: string[] = [...namesOfClass('terminal'), ...namesOfClass('needs-human'), 'States.ALL'];
      const retried = namesIn(state.Retry);
      expect(new Set(retried).size).toBe(retried.length);
      // The time-out of a state that waits for somebody is its answer.
      const isCallback = state.Resource?.endsWith('.waitForTaskToken') === true;
      expect(retried).toEqual(
        expect.arrayContaining(isCallback ? transient.filter((error) => error !== 'States.Timeout') : transient),
      );
      expect(retried.includes('States.Timeout')).toBe(!isCallback);
      expect(retried.filter((error) => never.includes(error))).toEqual([]);
    },
  );

  it('poll with even steps, each answer "not yet" where it is asked for, and each of them somewhere', () => {
    const polls = allTasks
      .map(([machine, name, { Retry }]) => ({ name: `${machine}.${name}`, own: pollsOf(Retry) }))
      .filter(({ own }) => own.length > 0);
    const all = polls.flatMap(({ own }) => own);
    for (const { BackoffRate } of all) expect(BackoffRate).toBe(1);
    const association = 'AssociationStillThere 5 s × 36';
    const trust = 'TrustNotSeenYet 10 s × 12';
    const wayBack = (machine: string) => ({
      [`${machine}.AssessRollback`]: 'RestoreInProgress 15 s × 120',
      [`${machine}.RestoreByUpdate`]: 'AssociationStillThere 5 s × 36',
      [`${machine}.RemoveFailedCopy`]: 'AssociationStillThere 5 s × 36',
      [`${machine}.RestoreByCreate`]: 'AssociationStillThere 5 s × 36',
      [`${machine}.RestoreAssociations`]: 'AssociationStillThere 5 s × 36',
      [`${machine}.VerifyRestored`]: 'PodsNotSettled 10 s × 90',
    });
    const told = ({ ErrorEquals, IntervalSeconds, MaxAttempts }: Retrier): string =>
      `${ErrorEquals.join()} ${IntervalSeconds} s × ${MaxAttempts}`;
    expect(Object.fromEntries(polls.map(({ name, own }) => [name, own.map(told).join(', ')]))).toEqual({
      'MigrateAddon.Plan': 'RecoveryPending 20 s × 60',
      'MigrateAddon.PlanAgain': 'RecoveryPending 20 s × 60',
      'MigrateAddon.AwaitWindow': 'WindowFarOff 3600 s × 336, WindowClosed 600 s × 12',
      'MigrateAddon.Begin': 'RoleLockHeld 30 s × 120',
      'MigrateAddon.InstallAgent': 'AddonNotActive 10 s × 120',
      'MigrateAddon.AwaitDeleted': 'AddonStillThere 10 s × 120',
      'MigrateAddon.PurgeAssociations': 'AssociationStillThere 5 s × 36',
      'MigrateAddon.UpdateAddon': `${association}, ${trust}`,
      'MigrateAddon.CreateAddon': `${association}, ${trust}`,
      'MigrateAddon.CreateAssociation': `${association}, ${trust}`,
      'MigrateAddon.CreateStandaloneAssociations': `${association}, ${trust}`,
      'MigrateAddon.CarryOver': trust,
      'MigrateAddon.AwaitActive': 'AddonNotActive 10 s × 120',
      'MigrateAddon.VerifyPods': 'PodsNotSettled 10 s × 90',
      ...wayBack('MigrateAddon'),
      'Recover.TakeOver': 'OwnerMayStillAct 10 s × 30',
      ...wayBack('Recover'),
      'Retire.RetireTrust': 'RoleLockHeld 20 s × 30',
    });
    expect([...new Set(namesIn(all))].sort()).toEqual(WAITING.toSorted());
  });

  it.each(allTasks)(
    'have delays in %s, %s that Step Functions accepts, and jitter wherever runs could meet',
    (_machine, _name, state) => {
      for (const {
        IntervalSeconds,
        MaxAttempts,
        MaxDelaySeconds = Infinity,
        BackoffRate,
        JitterStrategy,
      } of state.Retry!) {
        expect(IntervalSeconds).toBeGreaterThanOrEqual(1);
        expect(MaxAttempts).toBeLessThanOrEqual(99_999_999);
        expect(MaxDelaySeconds).toBeGreaterThan(IntervalSeconds);
        expect(JitterStrategy).toBe(BackoffRate > 1 ? 'FULL' : 'NONE');
      }
    },
  );

  it.each(allTasks)('wait in %s, %s longer than its function runs', (_machine, _name, state) => {
    // An approval's is as long as its request says.
    const seconds =
      state.Resource?.endsWith('.waitForTaskToken') && String(state.TimeoutSeconds) === '{% $approvalSeconds %}'
        ? APPROVAL_HOURS.least * 3600
        : state.TimeoutSeconds;
    expect(seconds).toBeGreaterThan(functionOf(state).Properties.Timeout as number);
  });
});

describe('longest run', () => {
  /** No wait begins later, and an approval's takes a week at most. */
  const MOST_SECONDS_BEFORE_BEGIN = (MOST_DAYS_BEFORE_BEGIN * 24 + APPROVAL_HOURS.most) * 3600;
  const BEFORE_BEGIN = new Set(['AwaitWindow', 'PlanAgain']);
  const rounds = MAX_RESTARTS + 1;
  const wayBack = {
    AssessRollback: MAX_RESTORE_ACTIONS + 1,
    RestoreByCreate: MAX_RESTORE_ACTIONS,
    WaitForRestore: MAX_RESTORE_ACTIONS,
    RestoreAssociations: 1,
    RestoreTrust: 1,
    VerifyRestored: rounds,
    WaitForRestoredRollout: MAX_RESTARTS,
  };
  // The whole ladder, in place and twice by deletion, without a proof.
  const wholeLadder = {
    Plan: 1,
    AwaitWindow: 1,
    PlanAgain: 1,
    Begin: 1,
    InstallAgent: 1,
    RepairTrust: 1,
    WaitForTrust: 1,
    PurgeAssociations: 3,
    UpdateAddon: 1,
    WaitForUpdate: 1,
    DeleteAddon: 2,
    WaitForDeletion: 2,
    AwaitDeleted: 2,
    CreateAddon: 2,
    WaitForCreation: 2,
    AwaitActive: 3,
    CarryOver: 3,
    VerifyPods: 3 * rounds,
    WaitForRollout: 3 * MAX_RESTARTS,
    ...wayBack,
  };

  it.each<[Machine, Record<string, number>]>([
    [migrateAddon, wholeLadder],
    [recover, { TakeOver: 1, ...wayBack }],
  ])('ends well before the machine times out: %#', (machine, visits) => {
    let seconds = 0;
    for (const [name, count] of Object.entries(visits)) {
      const { Seconds = 0, Retry } = machine.states[name]!;
      const polls = pollsOf(Retry);
      // What comes before it begins has time of its own.
      if (!BEFORE_BEGIN.has(name))
        seconds +=
          count * polls.reduce((sum, { IntervalSeconds, MaxAttempts }) => sum + IntervalSeconds * MaxAttempts, Seconds);
    }
    // The rest is for transient faults and the invocations themselves.
    const timeout = machine.definition.TimeoutSeconds - (machine === migrateAddon ? MOST_SECONDS_BEFORE_BEGIN : 0);
    expect(seconds / timeout).toBeGreaterThan(0.4);
    expect(seconds / timeout).toBeLessThan(0.6);
  });
});
