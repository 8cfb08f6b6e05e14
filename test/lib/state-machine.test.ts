import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES, namesOfClass } from '../../lambdas/domain/errors.ts';
import { stepSchemas } from '../../lambdas/steps/schemas.ts';
import { MAX_RESTARTS } from '../../lambdas/steps/verify-pods/schema.ts';
import { definition, edges, functionOf, reachableFrom, type Retrier, states, statesOfType, stateMachine, template } from './definition.ts';

const tasks = statesOfType('Task');
const isRecord = (name: string): boolean => name.startsWith('Record');
const schemaOf = (handler: unknown) => stepSchemas[String(handler).replace('.handler', '') as keyof typeof stepSchemas];

describe('definition of MigrateAddon', () => {
  it('is valid Amazon States Language in JSONata', () => {
    const result = validate(definition);
    expect(result.errorsText()).toBe('');
    expect(result.isValid).toBe(true);
    expect(definition.QueryLanguage).toBe('JSONata');
  });

  it('has no dead state', () => {
    expect([...reachableFrom(definition.StartAt)].sort()).toEqual(Object.keys(states).sort());
  });

  it('calls every step', () => {
    const called = new Set(tasks.map(([, state]) => functionOf(state).Properties.Handler));
    expect(called).toEqual(new Set(Object.keys(stepSchemas).map((step) => `${step}.handler`)));
  });

  it.each(tasks)('gives %s the fields of its step\'s schema, and no other', (_, state) => {
    const { shape } = schemaOf(functionOf(state).Properties.Handler).input;
    const given = Object.keys(state.Arguments!.Payload);
    expect(Object.keys(shape)).toEqual(expect.arrayContaining(given));
    const needed = Object.entries(shape).flatMap(([key, field]) => (field.safeParse(undefined).success ? [] : [key]));
    expect(given).toEqual(expect.arrayContaining(needed));
  });

  it.each(tasks)('calls from %s a published version that stays when the next one comes', (_, state) => {
    const version = template.Resources[state.Arguments!.FunctionName.split(':').at(-1)!];
    expect(version).toMatchObject({ Type: 'AWS::Lambda::Version', DeletionPolicy: 'Retain' });
  });

  it('logs every event without its data, and is traced', () => {
    expect(stateMachine.LoggingConfiguration).toMatchObject({ Level: 'ALL', IncludeExecutionData: false });
    expect(stateMachine.TracingConfiguration).toEqual({ Enabled: true });
  });
});

describe('ends', () => {
  it('succeeds only as migrated, already migrated or planned', () => {
    expect(statesOfType('Succeed').map(([name]) => name).sort()).toEqual(['AlreadyMigrated', 'Migrated', 'Planned']);
    expect(states.Migrated!.Output).toMatchObject({ outcome: 'migrated' });
    expect(states.AlreadyMigrated!.Output).toMatchObject({ outcome: 'already-migrated' });
    expect(states.Planned!.Output).toMatchObject({ outcome: 'planned' });
  });

  it('fails under the name of the outcome', () => {
    const fails = statesOfType('Fail');
    expect(fails.map(([name]) => name).sort()).toEqual(['Blocked', 'NeedsHuman', 'RolledBack']);
    for (const [name, state] of fails) expect(state.Error).toBe(name);
  });

  it.each(edges.filter(({ onFailure }) => onFailure))('never succeeds after $from failed to $to', ({ to }) => {
    expect([...reachableFrom(to)].filter((name) => states[name]!.Type === 'Succeed')).toEqual([]);
  });

  it('is migrated only by way of the proof', () => {
    const withoutProof = reachableFrom(definition.StartAt, ({ to }) => to !== 'VerifyPods');
    expect(withoutProof).not.toContain('Migrated');
    expect(states.AreThePodsProven!.Choices).toEqual([{ Condition: "{% $states.input.verdict = 'proven' %}", Next: 'RecordMigrated' }]);
  });

  it('takes the lock before anything changes', () => {
    const withoutLock = reachableFrom(definition.StartAt, ({ to }) => to !== 'Begin');
    expect([...withoutLock].sort()).toEqual(['AlreadyMigrated', 'Blocked', 'IsThereWork', 'Plan', 'Planned', 'RecordBlocked']);
  });
});

describe('failures', () => {
  it.each(tasks)('catches everything in %s, last, and keeps the error', (_, state) => {
    expect(state.Catch?.at(-1)?.ErrorEquals).toEqual(['States.ALL']);
    for (const catcher of state.Catch!.slice(0, -1)) expect(catcher.ErrorEquals).not.toContain('States.ALL');
    for (const catcher of state.Catch!) expect(Object.keys(catcher.Assign!)).toEqual(['failure']);
  });

  const afterBegin = edges.filter(({ from, onFailure }) => onFailure && reachableFrom('Begin').has(from) && !isRecord(from));
  it.each(afterBegin)('records the end when $from fails to $to', ({ to }) => {
    const unrecorded = reachableFrom(to, ({ from }) => !isRecord(from));
    expect([...unrecorded].filter((end) => states[end]!.Type === 'Fail' || states[end]!.Type === 'Succeed')).toEqual([]);
  });

  it.each(['AwaitDeleted', 'PurgeAssociations', 'CreateAddon', 'AwaitActive', 'VerifyPods', 'RestartPods'])('puts back when %s fails, but not without the lock', (name) => {
    expect(states[name]!.Catch!.map(({ ErrorEquals, Next }) => [ErrorEquals, Next])).toEqual([
      [['LockLost'], 'RecordNeedsHuman'],
      [['States.ALL'], 'Restore'],
    ]);
  });

  it('is blocked when the add-on changed before the delete, and puts back what else fails there', () => {
    expect(states.DeleteAddon!.Catch!.map(({ ErrorEquals, Next }) => [ErrorEquals, Next])).toEqual([
      [['AddonChanged'], 'RecordBlocked'],
      [['LockLost'], 'RecordNeedsHuman'],
      [['States.ALL'], 'Restore'],
    ]);
  });

  it.each([
    ['Plan', 'RecordBlocked'],
    ['Begin', 'RecordBlocked'],
    ['Restore', 'RecordNeedsHuman'],
    ['RecordBlocked', 'Blocked'],
    ['RecordMigrated', 'NeedsHuman'],
    ['RecordRolledBack', 'NeedsHuman'],
    ['RecordNeedsHuman', 'NeedsHuman'],
  ])('goes from %s to %s whatever the error', (from, to) => {
    expect(states[from]!.Catch!.map(({ ErrorEquals, Next }) => [ErrorEquals, Next])).toEqual([[['States.ALL'], to]]);
  });

  it('says where each record leads', () => {
    expect(states.RecordBlocked!.Next).toBe('Blocked');
    expect(states.RecordRolledBack!.Next).toBe('RolledBack');
    expect(states.RecordNeedsHuman!.Next).toBe('NeedsHuman');
    expect(states.RecordMigrated!.Next).toBe('Migrated');
    expect(states.Restore!.Next).toBe('RecordRolledBack');
  });

  it('has a default in every Choice, which could not catch that nothing matched', () => {
    for (const [, state] of statesOfType('Choice')) expect(state.Default).toBeTypeOf('string');
  });
});

describe('retries', () => {
  // Step Functions Developer Guide: what the Lambda integration and the service itself raise.
  const ofTheService = [
    'Lambda.TooManyRequestsException',
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.Unknown',
    'Sandbox.Timedout',
    'Runtime.ExitError',
    'States.Timeout',
    'States.ALL',
  ];
  const namesIn = (retriers: { ErrorEquals: string[] }[] = []): string[] => retriers.flatMap(({ ErrorEquals }) => ErrorEquals);

  it.each(tasks)('knows every error in %s by a name that exists', (_, state) => {
    const known = [...Object.keys(ERROR_CLASSES), ...ofTheService];
    expect(known).toEqual(expect.arrayContaining([...namesIn(state.Retry), ...namesIn(state.Catch)]));
  });

  it.each(tasks)('retries in %s what may succeed later, once each, and nothing that can not', (_, state) => {
    const transient = [...namesOfClass('retryable'), ...ofTheService.filter((error) => error !== 'States.ALL')];
    const never: string[] = [...namesOfClass('terminal'), ...namesOfClass('needs-human'), 'States.ALL'];
    const retried = namesIn(state.Retry);
    expect(new Set(retried).size).toBe(retried.length);
    expect(retried).toEqual(expect.arrayContaining(transient));
    expect(retried.filter((error) => never.includes(error))).toEqual([]);
  });

  it('polls by a retry with even steps, each answer "not yet" where it is asked for', () => {
    const polls = tasks.flatMap(([name, state]) =>
      state.Retry!.filter(({ ErrorEquals }) => namesOfClass('waiting').some((error) => ErrorEquals.includes(error))).map((retry) => ({ name, ...retry })),
    );
    expect(Object.fromEntries(polls.map(({ name, ErrorEquals }) => [name, ErrorEquals.join()]))).toEqual({
      AwaitDeleted: 'AddonStillThere',
      PurgeAssociations: 'AssociationStillThere',
      CreateAddon: 'AssociationStillThere',
      AwaitActive: 'AddonNotActive',
      VerifyPods: 'PodsNotSettled',
      Restore: 'RestoreInProgress',
    });
    for (const { BackoffRate } of polls) expect(BackoffRate).toBe(1);
  });

  it.each(tasks)('has delays in %s that Step Functions accepts, and jitter wherever runs could meet', (_, state) => {
    for (const { IntervalSeconds, MaxAttempts, MaxDelaySeconds = Infinity, BackoffRate, JitterStrategy } of state.Retry!) {
      expect(IntervalSeconds).toBeGreaterThanOrEqual(1);
      expect(MaxAttempts).toBeLessThanOrEqual(99_999_999);
      expect(MaxDelaySeconds).toBeGreaterThan(IntervalSeconds);
      expect(JitterStrategy).toBe(BackoffRate > 1 ? 'FULL' : 'NONE');
    }
  });

  it.each(tasks)('waits in %s longer than its function runs', (_, state) => {
    expect(state.TimeoutSeconds).toBeGreaterThan(functionOf(state).Properties.Timeout as number);
  });

  it('ends the longest rollback well before the machine times out', () => {
    const longest = ({ IntervalSeconds, BackoffRate, MaxAttempts, MaxDelaySeconds = Infinity }: Retrier): number =>
      Array.from({ length: MaxAttempts }, (_, attempt) => Math.min(IntervalSeconds * BackoffRate ** attempt, MaxDelaySeconds)).reduce((sum, delay) => sum + delay, 0);
    const pollOf = (name: string): number => longest(states[name]!.Retry![0]!);
    const rounds = MAX_RESTARTS + 1;
    const waits =
      states.WaitForDeletion!.Seconds! +
      pollOf('AwaitDeleted') +
      pollOf('PurgeAssociations') +
      states.WaitForCreation!.Seconds! +
      pollOf('AwaitActive') +
      rounds * pollOf('VerifyPods') +
      MAX_RESTARTS * states.WaitForRollout!.Seconds! +
      pollOf('Restore');
    // The other half is for transient faults and the invocations themselves.
    expect(waits).toBeGreaterThan(2 * 3600);
    expect(waits / definition.TimeoutSeconds).toBeLessThan(0.6);
  });
});
