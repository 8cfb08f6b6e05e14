import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES, namesOfClass } from '../../lambdas/domain/failures/errors.ts';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import { APPROVAL_HOURS } from '../../lambdas/domain/request/request.ts';
import { MOST_DAYS_BEFORE_BEGIN } from '../../lambdas/domain/waiting/waiting.ts';
import {
  allTasks,
  functionOf,
  type Machine,
  machines,
  migrateAddon,
  recover,
  retire,
  type Retrier,
} from './definition.ts';
import { words } from '../words.ts';

// Step Functions Developer Guide: what the Lambda integration and the service itself raise.
const OF_THE_SERVICE = words`
  Lambda.TooManyRequestsException Lambda.ServiceException Lambda.AWSLambdaException Lambda.SdkClientException
  Lambda.Unknown Lambda.ResourceNotReadyException Lambda.ResourceConflictException Lambda.ENINotReadyException
  Lambda.EC2ThrottledException Lambda.CodeArtifactUserPendingException Sandbox.Timedout Runtime.ExitError Runtime.OutOfMemory
  States.Timeout States.ALL
`;
const namesIn = (retriers: { ErrorEquals: string[] }[] = []) => retriers.flatMap(({ ErrorEquals }) => ErrorEquals);
const WAITING = namesOfClass('waiting');
const pollsOf = (retriers: Retrier[] = []): Retrier[] =>
  retriers.filter(({ ErrorEquals }) => WAITING.some((error) => ErrorEquals.includes(error)));
const isPausing = (machine: string): boolean => machines.some(({ name }) => name === machine);

describe('retries', () => {
  it.each(allTasks)('know every error in %s, %s by a name that exists', (_machine, _name, state) =>
    expect([...Object.keys(ERROR_CLASSES), ...OF_THE_SERVICE]).toEqual(
      expect.arrayContaining([...namesIn(state.Retry), ...namesIn(state.Catch)]),
    ),
  );

  it.each(allTasks)('try again in %s, %s what may succeed later, once each, and no more', (machine, _name, state) => {
    const ofService = OF_THE_SERVICE.filter((error) => error !== 'States.ALL');
    // What something else works on, or what takes effect late, is not over with the second try.
    const ours = isPausing(machine)
      ? ['Throttled', 'ServiceUnavailable', 'ConnectionLost', 'OutOfTime']
      : namesOfClass('retryable');
    const transient = [...ours, ...ofService];
    const never: string[] = [...namesOfClass('terminal'), ...namesOfClass('needs-human'), 'States.ALL'];
    const retried = namesIn(state.Retry);
    expect(new Set(retried).size).toBe(retried.length);
    // A state that waits for a person treats its time-out as the answer.
    const isCallback = state.Resource?.endsWith('.waitForTaskToken') === true;
    expect(retried).toEqual(
      expect.arrayContaining(isCallback ? transient.filter((error) => error !== 'States.Timeout') : transient),
    );
    expect(retried.includes('States.Timeout')).toBe(!isCallback);
    expect(retried.filter((error) => never.includes(error))).toEqual([]);
  });

  it('are quick where a state pauses: one more try within seconds', () => {
    for (const machine of machines)
      for (const [name, { Retry }] of machine.tasks) {
        const quick = Retry!.filter((each) => !pollsOf(Retry).includes(each));
        expect(quick, `in ${machine.name}.${name}`).toHaveLength(1);
        expect(quick[0]!.MaxAttempts).toBe(1);
        expect(quick[0]!.IntervalSeconds).toBeLessThanOrEqual(2);
      }
  });

  it('poll with even steps where no state pauses', () => {
    const polls = allTasks
      .map(([machine, name, { Retry }]) => ({ name: `${machine}.${name}`, own: pollsOf(Retry) }))
      .filter(({ own }) => own.length > 0);
    for (const { BackoffRate } of polls.flatMap(({ own }) => own)) expect(BackoffRate).toBe(1);
    const told = ({ ErrorEquals, IntervalSeconds, MaxAttempts }: Retrier): string =>
      `${ErrorEquals.join()} ${IntervalSeconds} s × ${MaxAttempts}`;
    expect(Object.fromEntries(polls.map(({ name, own }) => [name, own.map(told).join(', ')]))).toEqual({
      'MigrateAddon.AwaitWindow': 'WindowFarOff 3600 s × 336, WindowClosed 600 s × 12',
      'Retire.AwaitWindow': 'WindowFarOff 3600 s × 336, WindowClosed 600 s × 12',
      'Retire.PlanRetirement': 'RoleLockHeld 60 s × 360',
      'Retire.RecordRefusal': 'RoleLockHeld 60 s × 360',
      'Retire.RetireTrust': 'RoleLockHeld 60 s × 360',
    });
  });

  it('have hours where a retirement waits: nothing is at stake', () => {
    const { Retry } = retire.states.RetireTrust!;
    for (const error of ['Throttled', 'ServiceUnavailable']) {
      const { IntervalSeconds, BackoffRate, MaxDelaySeconds, MaxAttempts } = Retry!.find(({ ErrorEquals }) =>
        ErrorEquals.includes(error),
      )!;
      let seconds = 0;
      for (let retry = 0; retry < MaxAttempts; retry += 1)
        seconds += Math.min(IntervalSeconds * BackoffRate ** retry, MaxDelaySeconds!);
      // FULL jitter takes half of it on average.
      expect(seconds / 2).toBeGreaterThan(2 * 3600);
      expect(seconds).toBeLessThan(retire.definition.TimeoutSeconds);
    }
  });

  it.each(allTasks)('have delays that Step Functions accepts in %s, %s, and jitter', (_machine, _name, state) => {
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
      // What is tried again once has nothing to back off from.
      expect(JitterStrategy).toBe(BackoffRate > 1 || MaxAttempts === 1 ? 'FULL' : 'NONE');
    }
  });

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
  const MOST_DAYS_BEFORE = MOST_DAYS_BEFORE_BEGIN + APPROVAL_HOURS.most / 24;

  it.each<[Machine, number]>([
    [migrateAddon, MOST_DAYS_BEFORE],
    [recover, 0],
  ])('ends before the machine times out, whatever is waited for in each of its phases: %#', (machine, before) => {
    // The plan, the change, the rollback and the record of the end.
    const days = before + 4 * MOST_DAYS_WAITING;
    expect(machine.definition.TimeoutSeconds / 86_400).toBeGreaterThan(days);
    expect(machine.definition.TimeoutSeconds / 86_400).toBeLessThan(days + 7);
  });
});
