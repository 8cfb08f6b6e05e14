/**
 * What the plan did not foresee, IAM refuses: a step that may not pass a role changes nothing, and the add-on is not
 * lost.
 */
import { describe, expect, it } from 'vitest';
import type { Call } from '../../sandbox/world/call-log.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { changesIn, hostileScenario, type HostileWorld, inHostileWorld, OWN_ROLE, SERVICE_ACCOUNT } from './hostile.ts';

/**
 * Takes the right to pass roles from the functions of these steps, as a permissions boundary or a change by hand would,
 * once the migration has begun.
 */
const withoutPassRole = (world: HostileWorld, steps: RegExp): void => {
  const [account] = world.backend.sandbox.world.accounts.values();
  const isBegun = ({ step, operation }: Call): boolean => step === 'begin' && operation === 'PutItem';
  world.onFirst(isBegun, () => {
    let taken = 0;
    for (const role of account!.roles.values()) {
      if (!steps.test(role.name)) continue;
      for (const policy of role.policies) {
        const document = JSON.parse(policy.document) as { Statement: { Action: string | string[] }[] };
        const left = document.Statement.filter(({ Action }) => Action !== 'iam:PassRole');
        taken += document.Statement.length - left.length;
        policy.document = JSON.stringify({ ...document, Statement: left });
      }
    }
    if (taken === 0) throw new Error(`No role of ${String(steps)} may pass roles.`);
  });
};

const attempt = (steps: RegExp, request: Record<string, unknown>) =>
  inHostileWorld({ scenario: hostileScenario() }, async (world) => {
    withoutPassRole(world, steps);
    const before = world.look(ADDON, SERVICE_ACCOUNT);
    const execution = await world.ask(request);
    const denied = world.backend.sandbox.world.log.calls
      .filter((call) => call.denied !== undefined)
      .map((call) => `${call.step}: ${call.denied}`);
    return {
      execution,
      before,
      after: world.look(ADDON, SERVICE_ACCOUNT),
      changes: changesIn(world),
      denied,
      record: (await world.record(execution.name))!,
    };
  });

describe('without the right to pass the role', () => {
  it('the update is refused: nothing of the add-on was changed, and it ends rolled back', async () => {
    const { execution, before, after, changes, denied } = await attempt(/UpdateAddon/, { strategy: 'in-place' });
    expect(execution).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(/AccessDenied: .*iam:PassRole/) as unknown,
    });
    expect(denied).toEqual(['update-addon: iam:PassRole']);
    expect(changes).not.toContain('eks:UpdateAddon');
    expect(after).toEqual(before);
  });

  it('the create is refused: the add-on that was deleted is made again as it was', async () => {
    const { execution, before, after, denied } = await attempt(/CreateAddon/, { strategy: 'recreate' });
    expect(execution).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(/AccessDenied: .*iam:PassRole/) as unknown,
    });
    expect(denied).toEqual(['create-addon: iam:PassRole']);
    expect(after).toEqual(before);
  });

  it('the way back is refused too: a person has the commands, with the role as it was', async () => {
    const { execution, denied, record } = await attempt(/CreateAddon|RestoreAddon/, { strategy: 'recreate' });
    expect(execution).toMatchObject({ error: 'NeedsHuman', cause: expect.stringContaining('iam:PassRole') as unknown });
    // The way back waits for half a day for the right to come back.
    expect([...new Set(denied)]).toEqual(['create-addon: iam:PassRole', 'restore-addon: iam:PassRole']);
    expect(record).toMatchObject({
      outcome: 'needs-human',
      handOff: expect.arrayContaining([
        expect.stringMatching(new RegExp(`^aws eks create-addon .*--service-account-role-arn ${OWN_ROLE}`)) as unknown,
      ]) as unknown,
    });
  });

  it('what was deleted with preserve leaves its software running while a person is waited for', async () => {
    const { execution, after } = await attempt(/CreateAddon|RestoreAddon/, { strategy: 'recreate', preserve: true });
    expect(execution.error).toBe('NeedsHuman');
    expect((after as { pods: string[] }).pods.length).toBeGreaterThan(0);
  });
});
