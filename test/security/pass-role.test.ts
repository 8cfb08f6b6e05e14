/**
 * IAM denies what the plan did not foresee: a step that may not pass a role changes nothing, and the add-on is not
 * lost.
 */
import { describe, expect, it } from 'vitest';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { changesIn, hostileScenario, type HostileWorld, inHostileWorld, OWN_ROLE, SERVICE_ACCOUNT } from './hostile.ts';
import { containing, matching } from '../lambdas/matchers.ts';

/**
 * Removes the permission to pass roles from these steps' functions once the migration has begun, as a permissions
 * boundary or a manual change would.
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
    const before = world.readAddon(ADDON, SERVICE_ACCOUNT);
    const execution = await world.ask(request);
    const denied = world.backend.sandbox.world.log.calls
      .filter((call) => call.denied !== undefined)
      .map((call) => `${call.step}: ${call.denied}`);
    return {
      execution,
      before,
      after: world.readAddon(ADDON, SERVICE_ACCOUNT),
      changes: changesIn(world),
      denied,
      record: (await world.record(execution.name))!,
    };
  });

describe('without permission to pass the role', () => {
  it('the update is denied: the add-on is unchanged, and the migration ends rolled back', async () => {
    const { execution, before, after, changes, denied } = await attempt(/UpdateAddon/, { strategy: 'in-place' });
    expect(execution).toMatchObject({ error: 'RolledBack', cause: matching(/AccessDenied: .*iam:PassRole/) });
    expect(denied).toEqual(['update-addon: iam:PassRole']);
    expect(changes).not.toContain('eks:UpdateAddon');
    expect(after).toEqual(before);
  });

  it('the create is denied: the deleted add-on is created again in its original state', async () => {
    const { execution, before, after, denied } = await attempt(/CreateAddon/, { strategy: 'recreate' });
    expect(execution).toMatchObject({ error: 'RolledBack', cause: matching(/AccessDenied: .*iam:PassRole/) });
    expect([denied, after]).toEqual([['create-addon: iam:PassRole'], before]);
  });

  it('the rollback is denied too: a person has the commands, with the original role', async () => {
    const { execution, denied, record } = await attempt(/CreateAddon|RestoreAddon/, { strategy: 'recreate' });
    expect(execution).toMatchObject({ error: 'NeedsHuman', cause: containing('iam:PassRole') });
    // The rollback waits half a day for the permission to return.
    expect([...new Set(denied)]).toEqual(['create-addon: iam:PassRole', 'restore-addon: iam:PassRole']);
    expect(record).toMatchObject({
      outcome: 'needs-human',
      restoreCommands: expect.arrayContaining([
        matching(new RegExp(`^aws eks create-addon .*--service-account-role-arn ${OWN_ROLE}`)),
      ]) as unknown,
    });
  });

  it('an add-on deleted with preserve keeps its software running until a person acts', async () => {
    const { execution, after } = await attempt(/CreateAddon|RestoreAddon/, { strategy: 'recreate', preserve: true });
    expect(execution.error).toBe('NeedsHuman');
    expect((after as { pods: string[] }).pods.length).toBeGreaterThan(0);
  });
});
