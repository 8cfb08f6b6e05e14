import * as fc from 'fast-check';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { NO_CAUSE } from '../../lambdas/runtime/caught.ts';
import { allMachines, migrateAddon, recover } from './definition.ts';
import { forAllAsync } from '../for-all.ts';

const { states } = migrateAddon;

const REQUEST = {
  addon: 'aws-ebs-csi-driver',
  target: { account: '111122223333', region: 'eu-west-1', cluster: 'c1' },
};
const CONTEXT = { Execution: { Input: { migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', request: REQUEST } } };
const evaluate = (expression: unknown, bindings: { states?: object; [variable: string]: unknown }): Promise<unknown> =>
  jsonata(String(expression).replace(/^\{%|%\}$/g, '')).evaluate(
    {},
    { ...bindings, states: { context: CONTEXT, ...bindings.states } },
  );
const assignedFailure = (state: string, errorOutput: object, failure?: object): Promise<unknown> =>
  evaluate(states[state]!.Catch!.at(-1)!.Assign!.failure, { states: { errorOutput }, failure });

/** As `Plan` assigns them. */
const VARIABLES = { subject: REQUEST.addon, target: REQUEST.target };

const FROM_LAMBDA = {
  Error: 'AddonFailed',
  Cause: JSON.stringify({
    errorType: 'AddonFailed',
    errorMessage: 'Add-on "x" is CREATE_FAILED.',
    trace: ['AddonFailed: …'],
  }),
};

describe('failure', () => {
  it('is kept as Step Functions has it', () =>
    expect(assignedFailure('CreateAddon', FROM_LAMBDA)).resolves.toEqual(FROM_LAMBDA));

  // `""` is what AWS gives, as far as is known.
  const TIME_OUTS = [{ Error: 'States.Timeout', Cause: '' }, { Error: 'States.Timeout' }];

  it.each(TIME_OUTS)('has a text as cause also where a time-out comes without one: %j', async (errorOutput) => {
    for (const { states: all } of allMachines.flatMap(({ graphs }) => graphs))
      for (const { Assign } of Object.values(all).flatMap(({ Catch = [] }) => Catch)) {
        const [assigned] = Object.values(Assign!);
        const kept = await evaluate(assigned, { states: { errorOutput }, failure: FROM_LAMBDA });
        expect(kept).toEqual({ Error: expect.any(String) as string, Cause: expect.any(String) as string });
      }
    await expect(assignedFailure('CreateAddon', errorOutput)).resolves.toEqual({ Error: 'States.Timeout', Cause: '' });
  });

  it.each(TIME_OUTS)('says of a time-out that there is no cause, wherever it ends: %j', async (errorOutput) => {
    const failure = await assignedFailure('CreateAddon', errorOutput);
    const said = `States.Timeout: ${NO_CAUSE}`;
    const ends = allMachines
      .flatMap(({ graphs }) => graphs)
      .flatMap(({ states: all }) => Object.entries(all))
      .filter(([, { Type, Cause }]) => Type === 'Fail' && /\$(?:failure|locationFailure)\b/.test(Cause!));
    expect(ends.length).toBeGreaterThan(6);
    for (const [name, { Cause }] of ends) {
      const text = await evaluate(Cause, { failure, locationFailure: failure, ...VARIABLES });
      expect(text, `of ${name}`).toContain(said);
    }
    const second = await assignedFailure('AssessRollback', errorOutput, failure as object);
    expect(second).toEqual({ Error: 'States.Timeout', Cause: `${NO_CAUSE} Putting it back failed too: ${said}` });
  });

  it("tells of the first error and of that of putting back, under the first one's name", () =>
    expect(
      assignedFailure('AssessRollback', { Error: 'Lambda.Unknown', Cause: 'Lambda did not answer.' }, FROM_LAMBDA),
    ).resolves.toEqual({
      Error: 'AddonFailed',
      Cause: 'Add-on "x" is CREATE_FAILED. Putting it back failed too: Lambda.Unknown: Lambda did not answer.',
    }));

  it('names the checks that block, one or more', async () => {
    const failure = states.IsThereWork!.Assign!.failure;
    await expect(evaluate(failure, { states: { input: { blockedBy: ['role-exists'] } } })).resolves.toEqual({
      Error: 'ChecksFailed',
      Cause: 'Failed checks: role-exists.',
    });
    await expect(
      evaluate(failure, { states: { input: { blockedBy: ['role-exists', 'agent'] } } }),
    ).resolves.toMatchObject({ Cause: 'Failed checks: role-exists, agent.' });
  });
});

describe('attempts', () => {
  const WAYS = [
    { strategy: 'in-place', preserve: false },
    { strategy: 'recreate', preserve: true },
  ];
  const attemptAt = (attempts: object[], attempt: number): Promise<unknown[]> =>
    Promise.all(states.WhichStrategy!.Choices!.map(({ Condition }) => evaluate(Condition, { attempts, attempt })));

  it.each([[[]], [WAYS.slice(0, 1)], [WAYS]])('is kept as the plan has it, however long: %j', async (attempts) => {
    const kept = await evaluate(states.Plan!.Assign!.attempts, { states: { result: { Payload: { attempts } } } });
    expect([...(kept as object[])]).toEqual(attempts);
  });

  it('says which way it is, and that there is none beyond its end', async () => {
    await expect(attemptAt(WAYS, 0)).resolves.toEqual([true, false, false]);
    await expect(attemptAt(WAYS, 1)).resolves.toEqual([false, true, false]);
    await expect(attemptAt(WAYS, 2)).resolves.toEqual([false, false, false]);
    await expect(attemptAt([], 0)).resolves.toEqual([false, false, false]);
    await expect(attemptAt([{ strategy: 'associate', preserve: false }], 0)).resolves.toEqual([false, false, true]);
    await expect(attemptAt([{ strategy: 'associate', preserve: false }], 1)).resolves.toEqual([false, false, false]);
    await expect(evaluate(states.WhichStrategy!.Assign!.failure, { attempt: 2 })).resolves.toEqual({
      Error: 'NoAttemptLeft',
      Cause: 'The plan has no attempt 3 with a known strategy.',
    });
  });
});

describe('cause of an end', () => {
  it.each([
    ['Task timed out after 60.00 seconds', 'Task timed out after 60.00 seconds'],
    ['said {"a":"b"}', 'said {"a":"b"}'],
  ])('reads an error that comes without a trace: %s', async (errorMessage, read) => {
    const failure = {
      Error: 'Sandbox.Timedout',
      Cause: JSON.stringify({ errorType: 'Sandbox.Timedout', errorMessage }),
    };
    await expect(evaluate(states.Blocked!.Cause, { failure })).resolves.toContain(`Sandbox.Timedout: ${read} The plan`);
  });

  it('of Blocked says that nothing was changed, why, and where the plan is', async () => {
    const cause = await evaluate(states.Blocked!.Cause, { failure: FROM_LAMBDA });
    expect(cause).toMatch(
      /^Migration 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A of add-on aws-ebs-csi-driver in cluster c1 is blocked\. Nothing was changed\. AddonFailed: Add-on "x" is CREATE_FAILED\. The plan, its checks and their remedies: item 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A of table \S+\.$/,
    );
  });

  it('of RolledBack and NeedsHuman has the first error', async () => {
    for (const name of ['RolledBack', 'NeedsHuman']) {
      await expect(evaluate(states[name]!.Cause, { failure: FROM_LAMBDA, ...VARIABLES })).resolves.toContain(
        'The first error: AddonFailed: Add-on "x" is CREATE_FAILED.',
      );
    }
  });

  it('of NeedsHuman says that the add-on is migrated when only the record is missing', async () => {
    const failure = (await assignedFailure('RecordMigrated', { Error: 'Throttled', Cause: 'Rate exceeded' })) as object;
    const cause = await evaluate(states.NeedsHuman!.Cause, { failure, ...VARIABLES });
    expect(cause).toContain('was verified as requested; only its record is missing');
    expect(cause).toContain('Throttled: Rate exceeded');
  });

  it('of RecoveryFailed says why, and where the migration is', async () => {
    const failure = {
      Error: 'RollbackRefused',
      Cause: JSON.stringify({
        errorType: 'RollbackRefused',
        errorMessage: 'It is still running: cancel it instead.',
        trace: [],
      }),
    };
    expect(await evaluate(recover.states.RecoveryFailed!.Cause, { failure })).toMatch(
      /^The recovery of migration 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A failed\. RollbackRefused: It is still running: cancel it instead\. The migration: item 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A of table \S+\.$/,
    );
  });

  it('fits into what Step Functions takes, and is never an error of its own', async () => {
    const long = { Error: 'AddonFailed', Cause: `{"errorType":"AddonFailed","errorMessage":"${'x'.repeat(32_000)}` };
    const both = (await assignedFailure('AssessRollback', long, long)) as object;
    for (const failure of [long, both, { Error: 'States.Timeout', Cause: '' }]) {
      const cause = await evaluate(states.NeedsHuman!.Cause, { failure, ...VARIABLES });
      expect(cause).toBeTypeOf('string');
      expect(String(cause).length).toBeLessThan(32_768);
    }
  });
});

describe('what a request is about', () => {
  const TEXTS: Record<string, unknown> = { Blocked: states.Blocked!.Cause, RolledBack: states.RolledBack!.Cause };
  const SUBJECT = (states.RecordBlocked!.Arguments!.Payload as { subject: string }).subject;
  const of = (request: unknown, expression: unknown): Promise<unknown> =>
    evaluate(expression, {
      failure: { Error: 'BadInput', Cause: 'x' },
      states: {
        context: {
          Execution: {
            Input: { migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', ...(request === undefined ? {} : { request }) },
          },
        },
      },
    });
  const { target } = REQUEST;
  const serviceAccount = { namespace: 'payments', name: 'api' };

  it.each<[string, object, string, string]>([
    ['an add-on', REQUEST, 'aws-ebs-csi-driver', 'add-on aws-ebs-csi-driver'],
    ['a service account', { target, serviceAccount }, 'payments/api', 'service account payments/api'],
    [
      'a service account, and an option that is null',
      { target, serviceAccount, addon: null },
      'payments/api',
      'service account payments/api',
    ],
  ])('is %s: under its own lock, and by its own name', async (_, request, subject, text) => {
    await expect(of(request, SUBJECT)).resolves.toBe(subject);
    for (const cause of Object.values(TEXTS))
      await expect(of(request, cause)).resolves.toMatch(
        new RegExp(`^Migration 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A of ${text} in cluster c1 `),
      );
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['neither', { target }],
    ['both', { ...REQUEST, serviceAccount }],
    ['a text', 'payments/api'],
    ['a list', [REQUEST]],
    ['a service account that is null', { serviceAccount: null }],
    ['a service account that is a text', { serviceAccount: 'payments/api' }],
    ['a service account of half', { serviceAccount: { namespace: 'payments' } }],
    ['several service accounts', { serviceAccount: [serviceAccount, serviceAccount] }],
    ['a service account of objects', { serviceAccount: { namespace: { a: 1 }, name: ['x', null] } }],
    ['an add-on that is a number', { addon: 12, target: 7 }],
    ['an add-on that is an object', { addon: { name: 'x' }, target: [] }],
    ['an add-on that is null', { addon: null, target: null }],
    ['an add-on without an end', { addon: 'x'.repeat(100_000), target: { cluster: 'y'.repeat(100_000) } }],
  ])('is a text where it is %s, which ends as blocked and not as an error of the definition', async (_, request) => {
    await expect(of(request, SUBJECT)).resolves.toBeTypeOf('string');
    for (const cause of Object.values(TEXTS)) {
      const text = await of(request, cause);
      expect(text).toMatch(
        /^Migration 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A of (add-on|service account|an unnamed add-on or service account) /,
      );
      expect(String(text).length).toBeLessThan(2000);
    }
  });

  it('is a text for whatever JSON there is', async () => {
    const field = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.record(
        { namespace: fc.jsonValue({ maxDepth: 1 }), name: fc.jsonValue({ maxDepth: 1 }) },
        { requiredKeys: [] },
      ),
    );
    const requests = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.record({ addon: field, serviceAccount: field, target: field }, { requiredKeys: [] }),
    );
    await forAllAsync(60, requests, async (request) => {
      expect(await of(request, SUBJECT)).toBeTypeOf('string');
      for (const cause of Object.values(TEXTS)) expect(await of(request, cause)).toBeTypeOf('string');
    });
  });

  it('is told by the subject where the plan has answered', async () => {
    for (const [subject, text] of [
      ['payments/api', 'service account payments/api'],
      ['coredns', 'add-on coredns'],
    ]) {
      await expect(evaluate(states.NeedsHuman!.Cause, { failure: FROM_LAMBDA, subject, target })).resolves.toMatch(
        new RegExp(`^Migration \\S+ of ${text} in cluster c1 needs a person`),
      );
    }
  });
});
