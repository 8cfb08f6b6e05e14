/** The sandbox with the deployed bundles, each function in a separate process. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox, SandboxOptions } from '../../../sandbox/sandbox.ts';
import { openApplication, run, scenarioOf } from './fixture.ts';

const opened: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of opened.splice(0)) await sandbox.close();
});
const open = async (options: Partial<SandboxOptions>): Promise<Sandbox> => {
  const sandbox = await openApplication(options);
  opened.push(sandbox);
  return sandbox;
};

describe('openSandbox', () => {
  it('runs the bundles in separate processes, over loopback', async () => {
    const sandbox = await open({ lambdas: 'bundled' });
    expect(Math.abs(sandbox.clock.now() - Date.now())).toBeLessThan(60_000);
    expect([await run(sandbox, { dryRun: true }), sandbox.failures]).toEqual(['SUCCEEDED', []]);
    // One access entry names a role that the account does not have.
    const refused = sandbox.world.log.calls.filter((call) => call.status >= 400);
    expect(refused).toMatchObject([{ operation: 'SimulatePrincipalPolicy', error: 'NoSuchEntity' }]);
    const pods = sandbox.world.log.calls.filter((call) => call.service === 'kubernetes');
    expect(pods.length).toBeGreaterThan(0);
    expect(new Set(pods.map((call) => call.caller))).toEqual(new Set([expect.stringMatching(/:role\/.*Plan/)]));
    expect(sandbox.world.log.mutations()).toEqual([]);
    expect(sandbox.environment!().AWS_ENDPOINT_URL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(sandbox.logs().some((line) => line.functionName.includes('Plan'))).toBe(true);
  });

  it('refuses faults that are impossible for bundled functions, and injects the others', async () => {
    const scenario = await scenarioOf();
    const faultsOf = (kind: 'crash-before' | 'lost-after' | 'server-error') => [
      { service: 'eks' as const, call: 1, times: 1 as const, kind },
    ];
    await expect(
      open({ lambdas: 'bundled', scenario: { ...scenario, faults: faultsOf('crash-before') } }),
    ).rejects.toThrow('The fault crash-before cannot be injected into bundled functions');
    const sandbox = await open({
      lambdas: 'bundled',
      clock: { scaled: 20 },
      scenario: { ...scenario, faults: faultsOf('lost-after') },
    });
    expect(await run(sandbox, { dryRun: true })).toBe('SUCCEEDED');
    expect(sandbox.world.log.calls.filter(({ service }) => service === 'lambda')[0]!.error).toBe('ConnectionLost');
    expect(sandbox.world.faults.seen[0]).toMatchObject({ step: 'plan', n: 1 });
  });
});
