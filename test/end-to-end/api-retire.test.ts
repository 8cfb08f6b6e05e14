/** A retirement through the API: what `pod-identity retire` does, as an operation that can be followed. */
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import type { RetirementAnswer, MigrationAnswer } from '../../lambdas/api/answers.ts';
import { isOpenRetirement } from '../../lambdas/domain/record/retirement.ts';
import type { Execution } from '../../sandbox/states/executions.ts';
import { findRole } from '../../sandbox/world/world.ts';
import { type ApiWorld, atOnce, ended, inApiWorld, MINUTES, type Person, problemIn } from './api-world.ts';
import { containing } from '../lambdas/matchers.ts';

const ROLE = 'arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role';
const NOW = { dryRun: false, soakDays: 0 } as const;

const executionsOf = ({ world, sandbox }: ApiWorld): Execution[] =>
  sandbox.executions.list(world.backend.retireStateMachineArn!).toReversed();
const isTrusted = ({ sandbox }: ApiWorld): boolean =>
  JSON.stringify(findRole(sandbox.world, ROLE)!.trustPolicy).includes('AssumeRoleWithWebIdentity');

const retire = (person: Person, id: string, body: object, headers: Record<string, string> = {}) =>
  person.ask('POST', `/migrations/${id}/retire`, { body, headers });
const accepted = async (...asked: Parameters<typeof retire>): Promise<RetirementAnswer> => {
  const { status, text } = await retire(...asked);
  if (status !== 202) throw new Error(`It was answered by ${status}: ${text}`);
  return JSON.parse(text) as RetirementAnswer;
};
/** Checks every half minute until the last retirement is over. */
async function retired({ sandbox }: ApiWorld, person: Person, id: string): Promise<MigrationAnswer> {
  for (let poll = 0; poll < 100; poll += 1) {
    const shown = await person.shown(id);
    if (!isOpenRetirement(shown.retirement)) return shown;
    await sandbox.clock.sleep(30_000);
  }
  throw new Error('The retirement goes on for ever.');
}
/** Runs in a world with a migration that has ended migrated. */
const afterMigration = (
  work: (given: ApiWorld, id: string) => Promise<void>,
  options: Parameters<typeof inApiWorld>[0] = {},
): Promise<void> =>
  inApiWorld(options, async (given) => {
    const id = await given.ann.migrate();
    expect(await ended(given.sandbox, given.ann, id)).toMatchObject({
      outcome: 'migrated',
      links: { retire: `/v1/migrations/${id}/retire` },
    });
    await work(given, id);
    await given.world.rest();
  });

describe('a retirement over HTTP', () => {
  it('is checked beforehand, carried out, and reinstated', () =>
    afterMigration(async (given, id) => {
      const { bob } = given;
      const { retirement } = await accepted(bob, id, { soakDays: 0 });
      expect(retirement).toMatchObject({ state: 'requested', dryRun: true, requestedBy: bob.arn });
      expect(await retired(given, bob, id)).toMatchObject({
        status: 'ended',
        outcome: 'migrated',
        retirement: { id: retirement.id, state: 'ended', done: false, roles: [{ result: 'would-remove' }] },
      });
      expect(isTrusted(given)).toBe(true);

      await accepted(bob, id, { ...NOW, reason: 'it is time' });
      expect(await retired(given, bob, id)).toMatchObject({
        retirement: { state: 'ended', done: true, roles: [{ roleArn: ROLE, result: 'removed' }], requestedBy: bob.arn },
        retirements: [{ roleArn: ROLE, requestedBy: bob.arn, reason: 'it is time' }],
        handOff: { state: 'retired', addon: { removeRoleArn: ROLE }, trust: [{ roleArn: ROLE, action: 'remove' }] },
      });
      expect(isTrusted(given)).toBe(false);
      // The statement to remove from the code of the role is in the text, too.
      const { text } = await bob.ask('GET', `/migrations/${id}/hand-off`, { query: { format: 'terraform' } });
      expect((JSON.parse(text) as { text: string }).text).toContain('AssumeRoleWithWebIdentity');

      await accepted(bob, id, { action: 'reinstate', dryRun: false });
      expect(await retired(given, bob, id)).toMatchObject({
        retirement: { action: 'reinstate', state: 'ended', done: true, roles: [{ result: 'restored' }] },
        handOff: { state: 'migrated', trust: [] },
      });
      expect(isTrusted(given)).toBe(true);
    }));

  it('is refused if it is too early, with the reason and what to do', () =>
    afterMigration(async (given, id) => {
      await accepted(given.bob, id, { dryRun: false });
      expect(await retired(given, given.bob, id)).toMatchObject({
        retirement: {
          state: 'refused',
          error: { name: 'RetireRefused', message: containing('nothing was changed') },
          checks: expect.arrayContaining([expect.objectContaining({ id: 'retire-soak', status: 'fail' })]) as unknown,
          next: containing(`pod-identity retire ${id}`),
        },
      });
      expect(isTrusted(given)).toBe(true);
    }));

  it('is started once for twenty simultaneous requests, and the other nineteen are referred to it', () =>
    afterMigration(async (given, id) => {
      const answers = await atOnce(
        given.sandbox,
        Array.from({ length: 20 }, (_, n) => () => retire(given.bob, id, NOW, { 'idempotency-key': `retire-${n}` })),
      );
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 202))
        expect(problemIn(answer, 'retiring').links).toEqual({ self: `/v1/migrations/${id}` });
      expect(await retired(given, given.bob, id)).toMatchObject({ retirement: { state: 'ended', done: true } });
      expect(executionsOf(given).map(({ status }) => status)).toEqual(['SUCCEEDED']);
    }));

  it('is carried out if the function that accepted it stops before its execution is started', () =>
    afterMigration(
      async (given, id) => {
        const { bob } = given;
        expect((await retire(bob, id, NOW)).status).toBeGreaterThanOrEqual(500);
        expect([await bob.shown(id), executionsOf(given)]).toMatchObject([{ retirement: { state: 'requested' } }, []]);
        problemIn(await retire(bob, id, NOW), 'retiring');
        // The request is not sent again.
        expect(await retired(given, bob, id)).toMatchObject({
          retirement: { state: 'ended', done: true, requestedBy: bob.arn },
        });
        expect(executionsOf(given)).toHaveLength(1);
      },
      { faults: [{ kind: 'crash-before', step: 'api', operation: 'StartExecution', call: 2 }] },
    ));

  it('is started by the same request under its key if its start was lost', () =>
    afterMigration(
      async (given, id) => {
        const key = { 'idempotency-key': 'retire-1' };
        expect((await retire(given.bob, id, NOW, key)).status).toBeGreaterThanOrEqual(500);
        const { first, retirement } = await accepted(given.bob, id, NOW, key);
        expect([first, executionsOf(given).length]).toEqual([false, 1]);
        const shown = await retired(given, given.bob, id);
        expect(shown).toMatchObject({ retirement: { id: retirement.id, state: 'ended', done: true } });
        // It is over, and the same request still refers to it.
        expect(await accepted(given.bob, id, NOW, key)).toMatchObject({ first: false, retirement: shown.retirement });
      },
      { faults: [{ kind: 'crash-before', step: 'api', operation: 'StartExecution', call: 2 }] },
    ));

  it('that is stopped does not stay open, and another one continues from what it finds', () =>
    afterMigration(
      async (given, id) => {
        const { world, bob } = given;
        const { retirement } = await accepted(bob, id, NOW);
        await world.rest();
        expect(executionsOf(given)).toMatchObject([{ status: 'ABORTED' }]);
        expect(await bob.shown(id)).toMatchObject({
          retirement: { id: retirement.id, state: 'ended', error: { name: 'ExecutionStopped' } },
          links: { retire: `/v1/migrations/${id}/retire` },
        });
        // The lock that it has left is found by the schedule.
        await world.later(15 * MINUTES);
        await accepted(bob, id, NOW);
        expect(await retired(given, bob, id)).toMatchObject({ retirement: { state: 'ended', done: true } });
        expect(isTrusted(given)).toBe(false);
      },
      {
        faults: [
          { kind: 'abort-after', step: 'retire-trust', operation: 'UpdateAssumeRolePolicy' },
          { kind: 'crash-before', step: 'retire-trust', operation: 'PutItem', call: 2 },
        ],
      },
    ));

  it('is shown if the command line, or a person, has started its execution', () =>
    afterMigration(async (given, id) => {
      const { world, bob } = given;
      const { stepFunctions, retireStateMachineArn: stateMachineArn } = world.backend;
      const input = JSON.stringify({ migrationId: id, action: 'retire', ...NOW, requestedBy: 'jo' });
      await stepFunctions.send(new StartExecutionCommand({ stateMachineArn, name: 'by-hand', input }));
      await world.rest();
      const retirement = { id: 'by-hand', state: 'ended', done: true, requestedBy: 'jo' };
      expect(await bob.shown(id)).toMatchObject({ retirement });
    }));
});
