/** Every invalid input of an execution is refused with an error name, in bounded time, and nothing is changed. */
import { constant, constantFrom, jsonValue, oneof, record, sample, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADDON } from '../end-to-end/fixture.ts';
import {
  changesIn,
  hostileScenario,
  type HostileWorld,
  inHostileWorld,
  OTHER_ACCOUNT,
  OWN_ROLE,
  SECRET,
  stateOf,
} from './hostile.ts';
import { containing, matching } from '../lambdas/matchers.ts';

/** Runs the action in one world, and asserts that the target is unchanged. */
const unchanged = <T>(work: (world: HostileWorld) => Promise<T>, scenario = hostileScenario()): Promise<T> =>
  inHostileWorld({ scenario }, async (world) => {
    const before = stateOf(world);
    const result = await work(world);
    expect([stateOf(world), changesIn(world), await world.backend.ledger.listHeldLocks()]).toEqual([before, [], []]);
    return result;
  });

/** Asserts that the request is refused for that reason, and that nothing is changed. */
const expectRefused = async (request: Record<string, unknown>, why: RegExp): Promise<void> => {
  const { execution } = await unchanged(async (world) => ({ execution: await world.ask(request) }));
  expect(execution).toMatchObject({ status: 'FAILED', error: 'Blocked', cause: expect.stringMatching(why) as unknown });
};

describe('an invalid name', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['an unknown add-on', { addon: 'no-such-addon' }, /ChecksFailed: .*addon-installed/],
    ['an add-on of another cluster', { addon: 'aws-efs-csi-driver' }, /ChecksFailed: .*addon-installed/],
    ['a slash', { addon: `${ADDON}/../vpc-cni` }, /BadInput: .*request\.addon: must be an EKS add-on name/],
    ['a name of every object', { addon: '__proto__' }, /BadInput: .*request\.addon/],
    ['a name of every function', { addon: 'constructor' }, /ChecksFailed: .*addon-installed/],
  ])('as the add-on: %s', (_, request, why) => expectRefused(request, why));

  const target = { account: '111122223333', region: 'eu-west-1', cluster: 'reliability-dev' };
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a cluster of another account', { account: OTHER_ACCOUNT }, /ChecksFailed|AccessDenied|BadInput/],
    ['an invalid cluster name', { cluster: 'reliability-dev/../x' }, /BadInput: .*request\.target\.cluster/],
    ['a region that is a host', { region: 'evil.example.com/eu-west-1' }, /BadInput: .*request\.target\.region/],
    ['a very long region', { region: `eu-${'west-'.repeat(20_000)}1` }, /BadInput: .*request\.target\.region/],
    ['more fields', { endpoint: 'https://evil.example.com' }, /BadInput: .*unknown fields: endpoint/],
  ])('as the target: %s', (_, change, why) => expectRefused({ target: { ...target, ...change } }, why));

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'terminal commands in the reason',
      { reason: `\u001b]0;${SECRET}\u0007` },
      /request\.reason: must be one line of text/,
    ],
    [
      'a line break in the requester',
      { requestedBy: `kim\n{"level":"INFO","message":"${SECRET}"}` },
      /request\.requestedBy: must be one line of text/,
    ],
    [
      'a condition key with a line break',
      { accept: [`condition-key:aws:SourceIp\n${SECRET}`] },
      /request\.accept\.0: /,
    ],
    [
      'too many condition keys',
      { accept: Array.from({ length: 801 }, (_, index) => `condition-key:aws:k${index}`) },
      /request\.accept: /,
    ],
    [
      'an invalid service account',
      { roles: { [`../${SECRET}`.toLowerCase()]: OWN_ROLE } },
      /request\.roles\..*: has a key that must be the name of a Kubernetes service account/,
    ],
    ['a service account with a line break', { roles: { 'ebs\nx': OWN_ROLE } }, /request\.roles\.ebs\\+nx: has a key/],
    [
      'a service account that is very long',
      { roles: { ['x'.repeat(100_000)]: OWN_ROLE } },
      /request\.roles\.x{64}… \(100000 characters\): has a key that must have at most 253 characters/,
    ],
    [
      'too many service accounts',
      { roles: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`sa-${index}`, OWN_ROLE])) },
      /request\.roles: must have at most 50 entries/,
    ],
    ['a typing error', { dryrun: true }, /unknown fields: dryrun/],
    ['a strategy that is none', { strategy: SECRET }, /request\.strategy: /],
    ['a text for a truth', { dryRun: SECRET }, /request\.dryRun: /],
  ])('elsewhere: %s', async (_, request, why) => {
    const { execution, written } = await unchanged(async (world) => ({
      execution: await world.ask(request),
      written: await world.written(),
    }));
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'Blocked',
      cause: expect.stringMatching(why) as unknown,
    });
    expect(execution.cause!.length).toBeLessThan(2000);
    expect(written).not.toContain(SECRET);
  });

  it('a key __proto__ is refused at every position, and not ignored', async () => {
    const causes = await unchanged(async (world) => {
      const inputOf = (request: string, migrationId: string): string =>
        `{"migrationId":"${migrationId}","request":${request}}`;
      const found: (string | undefined)[] = [];
      for (const request of [
        `{"target":${JSON.stringify(target)},"addon":"${ADDON}","roles":{"__proto__":"${OWN_ROLE}"}}`,
        `{"__proto__":{"dryRun":true},"target":${JSON.stringify(target)},"addon":"${ADDON}"}`,
      ]) {
        const name = world.backend.ids.ulid();
        found.push((await world.attempt(inputOf(request, name), { name })).cause);
      }
      return found;
    });
    for (const cause of causes) expect(cause).toMatch(/BadInput: .*__proto__/);
  });
});

describe('an input that is large, deep, or arbitrary', () => {
  it('of a megabyte does not start', async () => {
    const refusal = await unchanged((world) =>
      world.ask({ reason: 'x'.repeat(1_000_000) }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    expect(refusal).toMatchObject({ name: matching(/InvalidExecutionInput|ValidationException/) });
  });

  it.each<[string, Record<string, unknown>]>([
    [
      'unknown fields of a request',
      Object.fromEntries(Array.from({ length: 3500 }, (_, index) => [`junk-${SECRET}-${index}`, 'x'.repeat(20)])),
    ],
    ['one long field', { junk: SECRET.repeat(10_000) }],
    [
      'many wrong roles',
      { roles: Object.fromEntries(Array.from({ length: 6000 }, (_, index) => [`sa-${index}`, SECRET])) },
    ],
  ])('of 200 KB is refused in a short message: %s', async (_, request) => {
    expect(JSON.stringify(request).length).toBeGreaterThan(180_000);
    const { execution, written } = await unchanged(async (world) => ({
      execution: await world.ask(request),
      written: await world.written(),
    }));
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Blocked', cause: containing('BadInput') });
    expect(execution.cause!.length).toBeLessThan(2500);
    // The first few keys are named, so that a typing error can be found.
    expect(written.split(SECRET).length - 1).toBeLessThan(200);
    expect(written.length).toBeLessThan(100_000);
  });

  it('that is deep is refused: in a field, and as the request', async () => {
    const deep = '['.repeat(3000) + ']'.repeat(3000);
    const errors = await unchanged(async (world) => {
      const found: unknown[] = [];
      for (const request of [deep, `{"roles":${deep}}`, `{"junk":${deep}}`]) {
        const name = world.backend.ids.ulid();
        const { status, error } = await world.attempt(`{"migrationId":"${name}","request":${request}}`, { name });
        found.push({ status, error });
      }
      return found;
    });
    expect(errors).toEqual(errors.map(() => ({ status: 'FAILED', error: 'Blocked' })));
  });

  /** Our outcomes, and the errors of Step Functions itself for inputs that are not ours. */
  const CLEAR = /^(Blocked|RecoveryFailed|RetireRefused|RetireFailed)$/;
  const DEFECT = /TypeError|RangeError|ReferenceError|ZodError|SyntaxError|\.ts:\d|\n {4}at /;

  it('of any form: 200 of them, into every state machine', async () => {
    const failures = await unchanged(async (world) => {
      const { stateMachineArn, recoverStateMachineArn, retireStateMachineArn } = world.backend;
      const known = world.backend.ids.ulid();
      const piece = oneof(
        jsonValue({ maxDepth: 3 }),
        constantFrom(SECRET, '', '__proto__', known, null, -1, 1e308, '\u0000', '{% $eval("1") %}'),
      );
      const request = oneof(
        piece,
        record(
          {
            target: oneof(constant(world.target), piece),
            addon: oneof(constant(ADDON), piece),
            roles: piece,
            roleArn: piece,
            dryRun: piece,
            strategy: piece,
          },
          { requiredKeys: [] },
        ).filter(({ target: where, addon }) => !(where === world.target && addon === ADDON)),
      );
      const input = oneof(
        piece,
        record(
          {
            migrationId: oneof(constant(known), piece),
            request,
            cause: piece,
            action: piece,
            dryRun: piece,
            soakDays: piece,
          },
          { requiredKeys: [] },
        ),
      );
      const machine = constantFrom(stateMachineArn, recoverStateMachineArn, retireStateMachineArn!);
      const found: string[] = [];
      for (const [given, into] of sample(tuple(input, machine), { numRuns: 200, seed: 20_260_115 })) {
        const {
          status,
          error,
          cause = '',
        } = await world.attempt(JSON.stringify(given), { machine: into, name: `any-${world.backend.ids.ulid()}` });
        const clear =
          (status === 'FAILED' && CLEAR.test(error ?? '')) ||
          (status === 'SUCCEEDED' && into === recoverStateMachineArn);
        if (!clear || DEFECT.test(cause)) found.push(`${JSON.stringify(given)}: ${status} ${error}: ${cause}`);
      }
      const written = await world.written();
      if (DEFECT.test(written))
        found.push(
          `the logs: ${DEFECT.exec(written)?.[0]} ${written.slice(Math.max(0, written.search(DEFECT) - 300), written.search(DEFECT) + 300)}`,
        );
      return found;
    });
    expect(failures).toEqual([]);
  });
});

describe('a replay', () => {
  it('under the same name and input starts nothing a second time', () =>
    inHostileWorld({}, async (world) => {
      const name = world.backend.ids.ulid();
      expect((await world.ask({}, { name })).status).toBe('SUCCEEDED');
      const changes = changesIn(world);
      const state = stateOf(world);
      const again = await world.ask({}, { name }).catch((error: unknown) => error);
      expect(again).toMatchObject({ name: 'ExecutionAlreadyExists' });
      expect([changesIn(world), stateOf(world)]).toEqual([changes, state]);
    }));

  it('of an ended migration, under another name, changes nothing and leaves its record', () =>
    inHostileWorld({}, async (world) => {
      const first = await world.ask();
      const before = await world.record(first.name);
      const changes = changesIn(world);
      expect(await world.attempt(first.input, { name: 'replayed' })).toMatchObject({
        status: 'FAILED',
        error: 'Blocked',
        cause: containing('has already ended, or another execution is working on it'),
      });
      expect([changesIn(world), await world.record(first.name)]).toEqual([changes, before]);
    }));

  it('of a running migration, under another name, does not interfere', () =>
    inHostileWorld({}, async (world) => {
      const first = await world.start({ addon: ADDON });
      await world.until(first, 'WaitForUpdate');
      const again = await world.attempt(first.input, { name: 'replayed' });
      await world.rest();
      expect([again, first.status]).toMatchObject([{ status: 'FAILED', error: 'Blocked' }, 'SUCCEEDED']);
      expect(await world.record(first.name)).toMatchObject({ outcome: 'migrated', executionArn: first.arn });
      expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
    }));
});

describe('Recover, started by hand', () => {
  it.each<[string, unknown, object, RegExp]>([
    ['with a cause that there is not', undefined, { cause: 'because' }, /BadInput: .*cause: /],
    ['without a cause', undefined, { cause: undefined }, /BadInput|QueryEvaluationError/],
    ['with an id that is no ULID', '../../etc/passwd', {}, /BadInput: .*migrationId: must be a ULID/],
    ['with an id that is an item of the ledger', 'LOCK#x', {}, /BadInput: .*migrationId: must be a ULID/],
    ["with a terminal's commands", undefined, { reason: '\u001b[2J' }, /BadInput: .*reason: must be one line of text/],
    ['for a migration that there is not', '01JZZZZZZZZZZZZZZZZZZZZZZZ', {}, /RollbackRefused: .*no migration/],
  ])('%s fails and changes nothing', async (_, given, change, why) => {
    const execution = await unchanged((world) => world.recover(given ?? world.backend.ids.ulid(), change));
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'RecoveryFailed',
      cause: expect.stringMatching(why) as unknown,
    });
  });

  it('as stranded for a migration that does not exist has nothing to do', async () =>
    expect((await unchanged((world) => world.recover(world.backend.ids.ulid(), { cause: 'stranded' }))).status).toBe(
      'SUCCEEDED',
    ));

  it.each(['stranded', 'requested'])('as %s for one that is at work leaves it alone', (cause) =>
    inHostileWorld({}, async (world) => {
      const running = await world.start({ addon: ADDON });
      await world.until(running, 'WaitForUpdate');
      await world.recover(running.name, { cause });
      await world.rest();
      expect(running.status).toBe('SUCCEEDED');
      expect(await world.record(running.name)).toMatchObject({ outcome: 'migrated', executionArn: running.arn });
      expect(changesIn(world).filter((one) => one === 'eks:UpdateAddon')).toHaveLength(1);
    }),
  );
});
