import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { defineStep, step, stepInput, type Step } from '../../../lambdas/runtime/step.ts';
import { planStep } from '../../../lambdas/steps/plan/handler.ts';
import { type StepName, stepSchemas } from '../../../lambdas/steps/schemas.ts';
import { lost, newFakes, type Fakes } from '../fakes.ts';
import { ADDON, at, MIGRATION_ID, OTHER_MIGRATION_ID, target } from '../fixtures.ts';
import { anError, expectError } from '../matchers.ts';

const it = test.extend('fakes', () => newFakes());
const schema = defineStep('look', {
  title: 'Read something',
  input: stepInput.extend({ round: z.number().int().optional() }),
  output: z.object({ seen: z.number() }),
});
const looking = (run: () => Promise<{ seen: number }> = async () => ({ seen: 1 })): Step => step(schema, run);
const failing = (reason: unknown): Step => looking(() => Promise.reject(reason));
const input = { migrationId: MIGRATION_ID, target, subject: ADDON };
const context = { getRemainingTimeInMillis: () => 42_000 } as LambdaContext;
const lines = ({ ledger }: Fakes) => ledger.listSteps(MIGRATION_ID);
const handle = (fakes: Fakes, what: Step, event: unknown = input): Promise<unknown> =>
  createHandler(what, fakes.dependencies)(event, context);

describe('createHandler', () => {
  it('answers what the step answers and writes its line', async ({ fakes }) => {
    const run = async (): Promise<{ seen: number }> => (fakes.clock.advance(2000), { seen: 3 });
    expect(await handle(fakes, looking(run))).toEqual({ seen: 3 });
    expect(await lines(fakes)).toEqual([
      { name: 'look', startedAt: at(0), endedAt: at(2), tries: 1, result: '{"seen":3}' },
    ]);
    expect(fakes.telemetry.lines).toEqual([]);
  });

  it('logs what the step says, with nothing in it that acts on who reads it', async ({ fakes }) => {
    const logging = step(schema, async (_, { telemetry }) => {
      for (const level of ['info', 'warn', 'error'] as const)
        telemetry.log[level]('\u001b[2J\u200b', { roles: ['\u202e', { '\u3164': 1 }] });
      telemetry.count('looked', 2);
      return { seen: 1 };
    });
    await handle(fakes, logging);
    expect(JSON.stringify(fakes.telemetry.lines)).toContain(JSON.stringify('\\x1b[2J\\u200b'));
    expect(JSON.stringify(fakes.telemetry)).not.toMatch(/[\u200b\u202e\u3164]|u001b/);
  });

  it('gives the step its parsed input: defaults are filled in, what is unknown is left out', async ({ fakes }) => {
    let got: unknown;
    const withDefault = defineStep('look', {
      title: 'Read something',
      input: stepInput.extend({ depth: z.number().default(2) }),
      output: z.object({}),
    });
    await handle(
      fakes,
      step(withDefault, async (given) => ((got = given), {})),
      { ...input, surplus: true },
    );
    expect(got).toEqual({ ...input, depth: 2 });
  });

  it('makes one line of all attempts, from the start that the input names', async ({ fakes }) => {
    let attempt = 0;
    const run = async (): Promise<{ seen: number }> => {
      attempt += 1;
      if (attempt < 3) throw new MigrationError('PodsNotSettled', 'not yet');
      return { seen: attempt };
    };
    const handler = createHandler(looking(run), fakes.dependencies);
    const event = { ...input, startedAt: '2026-01-05T09:59:00+01:00' };
    await expect(handler(event, context)).rejects.toThrow('not yet');
    await expect(handler(event, context)).rejects.toThrow('not yet');
    expect(await lines(fakes)).toEqual([
      {
        name: 'look',
        startedAt: at(-60),
        endedAt: at(0),
        tries: 2,
        error: { name: 'PodsNotSettled', message: 'not yet' },
      },
    ]);
    fakes.clock.advance(5000);
    await handler(event, context);
    expect(await lines(fakes)).toEqual([
      { name: 'look', startedAt: at(-60), endedAt: at(5), tries: 3, result: '{"seen":3}' },
    ]);
  });

  it("keeps each round's own line", async ({ fakes }) => {
    for (const round of [1, 2, 2, 3]) await handle(fakes, looking(), { ...input, round });
    expect((await lines(fakes)).map((line) => [line.name, line.tries])).toEqual([
      ['look', 1],
      ['look-2', 2],
      ['look-3', 1],
    ]);
  });

  const anywhere = z.object({
    attempt: z.number().optional(),
    round: z.number().optional(),
    towards: z.string().optional(),
    action: z.string().optional(),
    outcome: z.string().optional(),
  });
  it.each<[string, StepName, object]>([
    ['create-addon', 'create-addon', { attempt: 0 }],
    ['create-addon.2', 'create-addon', { attempt: 1 }],
    ['verify-pods', 'verify-pods', { attempt: 0, round: 1, towards: 'pod-identity' }],
    ['verify-pods-2', 'verify-pods', { attempt: 0, round: 2, towards: 'pod-identity' }],
    ['verify-pods.3-2', 'verify-pods', { attempt: 2, round: 2, towards: 'pod-identity' }],
    ['verify-pods-2', 'verify-pods', { attempt: 0, round: 1, settling: 2, towards: 'pod-identity' }],
    ['verify-pods-4', 'verify-pods', { attempt: 0, round: 2, settling: 3, towards: 'pod-identity' }],
    ['confirm-ready', 'verify-pods', { attempt: 0, round: 1, settling: 1, towards: 'ready' }],
    ['confirm-ready.2-3', 'verify-pods', { attempt: 1, round: 2, settling: 3, towards: 'ready' }],
    ['verify-restored', 'verify-pods', { attempt: 0, round: 1, towards: 'before' }],
    ['verify-restored.2-3', 'verify-pods', { attempt: 1, round: 3, towards: 'before' }],
    ['restart-restored-2', 'restart-pods', { attempt: 0, round: 2, towards: 'before' }],
    ['annotate-service-account', 'annotate-service-account', { towards: 'pod-identity' }],
    ['restore-annotation', 'annotate-service-account', { towards: 'before' }],
    ['repair-trust', 'repair-trust', { towards: 'pod-identity' }],
    ['restore-trust', 'repair-trust', { towards: 'before' }],
    ['retire-trust-reinstate', 'retire-trust', { action: 'reinstate' }],
    ['restore-addon-create', 'restore-addon', { action: 'create' }],
    ['finish', 'finish', { outcome: 'migrated' }],
    ['finish', 'finish', { outcome: 'blocked' }],
    ['finish-rolled-back', 'finish', { outcome: 'rolled-back' }],
    ['finish-needs-human', 'finish', { outcome: 'needs-human' }],
  ])('calls the line %s', async (line, name, change) => {
    const fakes = newFakes();
    const named = { ...stepSchemas[name], input: stepInput.extend(anywhere.shape), output: z.object({}) };
    await handle(
      fakes,
      step(named, async () => ({})),
      { ...input, ...change },
    );
    expect((await lines(fakes)).map((one) => one.name)).toEqual([line]);
  });

  it("writes no line for a step that is no migration's", async ({ fakes }) => {
    const sweeping = defineStep('sweep', { title: 'Sweep', input: z.unknown(), output: z.object({}) });
    expect(
      await handle(
        fakes,
        step(sweeping, async () => ({})),
        { id: 'event', detail: {} },
      ),
    ).toEqual({});
    expect(fakes.journal.names()).toEqual([]);
  });

  it('tells the step how much of the invocation is left, as the context has it', async () => {
    let left = 0;
    const asking = step(schema, async (_, { remainingTime }) => ((left = remainingTime()), { seen: 1 }));
    await handle(newFakes(), asking);
    expect(left).toBe(42_000);
  });

  it('cuts a long result in its line, not in its answer', async ({ fakes }) => {
    const talkative = defineStep('look', {
      title: 'Read something',
      input: stepInput,
      output: z.object({ names: z.array(z.string()) }),
    });
    const names = Array.from({ length: 500 }, (_, index) => `name-${index}`);
    expect(
      await handle(
        fakes,
        step(talkative, async () => ({ names })),
      ),
    ).toEqual({ names });
    expect((await lines(fakes))[0]?.result).toHaveLength(1024);
  });

  it.each<[string, unknown, string[]]>([
    ['nothing', null, ['input: ']],
    ['no id', { ...input, migrationId: undefined }, ['migrationId: is missing']],
    ['an id of another kind', { ...input, migrationId: '42' }, ['migrationId: must be a ULID']],
    [
      'a region that is none, and no subject',
      { migrationId: MIGRATION_ID, target: { ...target, region: 'here' } },
      ['target.region: must be an AWS region', 'subject: is missing'],
    ],
    ['a start that is no time', { ...input, startedAt: 'yesterday' }, ['startedAt: ']],
  ])('refuses %s and names the path', async (_, event, parts) => {
    const fakes = newFakes();
    const error = await handle(fakes, looking(), event).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(anError('BadInput', /^The input of step look is wrong: /));
    for (const part of parts) expect((error as Error).message).toContain(part);
  });

  it('names the path into a nested request', async () => {
    const request = { target, addon: ADDON, roles: { 'ebs-csi-controller-sa': 'no role' } };
    await expectError(
      handle(newFakes(), planStep, { migrationId: MIGRATION_ID, executionArn: 'x', request }),
      'BadInput',
      'request.roles.ebs-csi-controller-sa: must be an IAM role ARN',
    );
  });

  it('writes the line of a refused input too, where it says whose it is', async ({ fakes }) => {
    await expectError(handle(fakes, looking(), { migrationId: MIGRATION_ID }), 'BadInput');
    expect(await lines(fakes)).toMatchObject([{ name: 'look', tries: 1, error: { name: 'BadInput' } }]);
    await expectError(handle(fakes, looking(), {}), 'BadInput');
    expect(fakes.journal.of('ledger.recordStep')).toHaveLength(1);
  });

  it('throws our errors as they are, tells of them once and counts them', async ({ fakes }) => {
    const error = new MigrationError('AddonFailed', 'Add-on x is CREATE_FAILED.');
    await expect(handle(fakes, failing(error))).rejects.toBe(error);
    expect(await lines(fakes)).toMatchObject([
      { error: { name: 'AddonFailed', message: 'Add-on x is CREATE_FAILED.' } },
    ]);
    expect(fakes.telemetry.lines).toEqual([
      {
        level: 'warn',
        message: 'look: AddonFailed',
        fields: { error: 'AddonFailed', message: 'Add-on x is CREATE_FAILED.' },
      },
    ]);
    expect(fakes.telemetry.counts).toEqual({ AddonFailed: 1 });
  });

  it.each<[unknown, string]>([
    [new TypeError('x is not a function'), 'TypeError'],
    ['just text', 'Error'],
  ])('keeps the name of a surprise: %s', async (thrown, name) => {
    const fakes = newFakes();
    await expect(handle(fakes, failing(thrown))).rejects.toMatchObject({
      name,
      message: thrown instanceof Error ? thrown.message : thrown,
    });
    expect(await lines(fakes)).toMatchObject([{ error: { name } }]);
    expect(fakes.telemetry.lines).toMatchObject([{ level: 'error', message: `look: ${name}` }]);
  });

  it("does not let out an answer that is not of the step's form", async ({ fakes }) => {
    await expectError(
      handle(
        fakes,
        looking(async () => ({ seen: 'much' }) as never),
      ),
      'ZodError',
    );
    expect(fakes.telemetry.counts).toEqual({ ZodError: 1, 'unexpected-error': 1 });
  });

  it('shows nothing of a text that JSON.parse could not read', async ({ fakes }) => {
    const error: unknown = await handle(
      fakes,
      looking(async () => JSON.parse('SECRET-MARKER') as never),
    ).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'SyntaxError',
      message: 'A text could not be parsed. It is not shown, since it may be confidential.',
    });
    expect(`${(error as Error).stack}${JSON.stringify([fakes.telemetry.lines, await lines(fakes)])}`).not.toContain(
      'SECRET',
    );
    expect((error as Error).stack).toMatch(/^SyntaxError: A text could not be parsed[^]*\n {4}at /);
  });

  it('cuts and escapes what a surprise says', async ({ fakes }) => {
    const error: unknown = await handle(fakes, failing(new TypeError(`\u001b[2J${'x'.repeat(100_000)}`))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject(anError('TypeError', /^\\x1b\[2Jx+… \(100004 characters\)$/));
    expect((error as Error).stack!.length).toBeLessThan(10_000);
    expect(JSON.stringify(fakes.telemetry.lines).length).toBeLessThan(10_000);
  });

  const fiveHundred = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`a-${index}`, 'SECRET']));
  it.each<[string, unknown, RegExp]>([
    ['a key __proto__ somewhere', JSON.parse('{"a":[{"__proto__":1}]}'), /it has a key __proto__/],
    [
      'a field that the plan does not know',
      { migrationId: MIGRATION_ID, executionArn: 'x', request: { target, addon: ADDON, dryrun: true } },
      /request: has unknown fields: dryrun/,
    ],
    [
      'five hundred wrong roles',
      { migrationId: MIGRATION_ID, executionArn: 'x', request: { target, addon: ADDON, roles: fiveHundred } },
      /and 491 more/,
    ],
  ])('refuses %s in few words', async (_, event, why) => {
    const error: unknown = await handle(newFakes(), planStep, event).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(anError('BadInput', why));
    expect((error as Error).message).not.toContain('SECRET');
    expect((error as Error).message.length).toBeLessThan(2000);
  });

  it('does not hide an error behind a line that could not be written', async ({ fakes }) => {
    fakes.journal.refuseNext('ledger.recordStep', 'Throttled', 'dynamodb: slow down');
    const error = new MigrationError('LockLost', 'The lock is gone.');
    await expect(handle(fakes, failing(error))).rejects.toBe(error);
    expect(fakes.telemetry.lines.map((line) => line.message)).toEqual([
      'look: LockLost',
      'could not write the step line',
    ]);
  });

  it('does not call done what left no line', async ({ fakes }) => {
    fakes.journal.failNext('ledger.recordStep', 'before', lost());
    await expectError(handle(fakes, looking()), 'ConnectionLost');
    expect(await handle(fakes, looking())).toEqual({ seen: 1 });
  });

  it('runs the middlewares of the deployment around it', async ({ fakes }) => {
    const seen: string[] = [];
    const middleware = {
      before: () => void seen.push('before'),
      after: () => void seen.push('after'),
      onError: () => void seen.push('error'),
    };
    const run = async (): Promise<{ seen: number }> => (seen.push('run'), { seen: 1 });
    await createHandler(looking(run), fakes.dependencies, [middleware])(input, context);
    await expect(
      createHandler(
        looking(() => Promise.reject(lost())),
        fakes.dependencies,
        [middleware],
      )(input, context),
    ).rejects.toThrow('socket hang up');
    expect(seen).toEqual(['before', 'run', 'after', 'before', 'error']);
  });
});

describe('a cancel', () => {
  const stoppable = defineStep('change', {
    title: 'Change something',
    cancellable: true,
    input: stepInput.extend({ towards: z.string().optional() }),
    output: z.object({}),
  });
  const stopping = step(stoppable, async () => ({}));
  const cancelled = async (): Promise<Fakes> => {
    const fakes = newFakes();
    await fakes.ledger.requestCancel(MIGRATION_ID, {
      requestedAt: at(-5),
      requestedBy: 'alice',
      reason: 'wrong cluster',
    });
    return fakes;
  };

  it('keeps a step of the change from being begun, and says who asked for it', async () => {
    const fakes = await cancelled();
    let ran = false;
    await expect(
      handle(
        fakes,
        step(stoppable, async () => ((ran = true), {})),
      ),
    ).rejects.toMatchObject({
      name: 'Cancelled',
      message: `The migration was cancelled at ${at(-5)} by alice ("wrong cluster"): step change did not begin.`,
    });
    expect([ran, await lines(fakes)]).toMatchObject([false, [{ name: 'change', error: { name: 'Cancelled' } }]]);
  });
  it('says no more than was said', async ({ fakes }) => {
    await fakes.ledger.requestCancel(MIGRATION_ID, { requestedAt: at(0) });
    await expect(handle(fakes, stopping)).rejects.toThrow(
      `The migration was cancelled at ${at(0)}: step change did not begin.`,
    );
  });
  it('does not stop the rollback', async () =>
    expect(await handle(await cancelled(), stopping, { ...input, towards: 'before' })).toEqual({}));
  it('does not stop a step that has to be done', async () => {
    const fakes = await cancelled();
    expect(await handle(fakes, looking())).toEqual({ seen: 1 });
    expect(fakes.journal.names()).not.toContain('ledger.getCancel');
  });
  it('of another migration is not heeded', async ({ fakes }) => {
    await fakes.ledger.requestCancel(OTHER_MIGRATION_ID, { requestedAt: at(0) });
    expect(await handle(fakes, stopping)).toEqual({});
  });
  it('that can not be read begins nothing', async ({ fakes }) => {
    fakes.journal.failNext('ledger.getFile');
    await expectError(handle(fakes, stopping), 'ConnectionLost');
  });
});
