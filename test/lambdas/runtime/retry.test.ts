/** Steps of a service that throttles them: what they read is waited for, what they change is not simply said again. */
import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { RESERVE, throughThrottling } from '../../../lambdas/runtime/retry.ts';
import { type Fakes, newFakes } from '../fakes.ts';
import { ADDON, ROLE, target } from '../fixtures.ts';

const unpaced: Parameters<typeof throughThrottling>[3] = {
  around: () => (_service, call) => call(),
  within: (outer) => outer,
};
const throttled = new MigrationError('Throttled', 'too many');

const patient = (
  milliseconds = 60_000,
): { fakes: Fakes; ports: ReturnType<Fakes['dependencies']['portsFor']>; left: () => number } => {
  const fakes = newFakes();
  const end = fakes.clock.now() + milliseconds;
  const left = (): number => end - fakes.clock.now();
  return {
    fakes,
    left,
    ports: throughThrottling(
      fakes.dependencies.portsFor,
      { clock: fakes.clock, remainingTime: left },
      'plan',
      unpaced,
    )(target),
  };
};

describe('the ports of a step', () => {
  it('wait where a read is throttled, as often as it is', async () => {
    const { fakes, ports } = patient();
    for (let time = 0; time < 3; time += 1) fakes.journal.failNext('eks.describeAddon', 'before', throttled);
    expect(await ports.eks.describeAddon(ADDON)).toMatchObject({ name: ADDON });
    expect(fakes.journal.of('eks.describeAddon')).toHaveLength(4);
    expect(fakes.clock.slept).toHaveLength(3);
  });

  it('wait for each method that only reads, whatever its name', async () => {
    const { fakes, ports } = patient();
    const question = { principalArn: ROLE, actions: ['eks:UpdateAddon'], resources: ['*'], context: {} };
    for (const call of ['roles.findRole', 'roles.simulate']) fakes.journal.failNext(call, 'before', throttled);
    await ports.roles.findRole('Approver');
    await ports.roles.simulate(question);
    expect(fakes.journal.names()).toEqual(['roles.findRole', 'roles.findRole', 'roles.simulate', 'roles.simulate']);
    expect(fakes.clock.slept).toHaveLength(2);
  });

  it('throw what does not end, with enough of the time left to note it', async () => {
    const { fakes, ports, left } = patient();
    fakes.eks.listAddons = () => Promise.reject(throttled);
    await expect(ports.eks.listAddons()).rejects.toBe(throttled);
    expect(left()).toBeGreaterThanOrEqual(RESERVE);
  });

  it('make no change twice, and ask no other failure away', async () => {
    const { fakes, ports } = patient();
    fakes.journal.failNext('eks.deleteAddon', 'after', throttled);
    await expect(ports.eks.deleteAddon(ADDON, { preserve: true })).rejects.toBe(throttled);
    const down = new MigrationError('ServiceUnavailable', 'down');
    fakes.journal.failNext('eks.listAddons', 'before', down);
    await expect(ports.eks.listAddons()).rejects.toBe(down);
    expect([fakes.journal.names(), fakes.clock.slept]).toEqual([['eks.deleteAddon', 'eks.listAddons'], []]);
  });

  it('leave the retries to a wrapper around the calls', async () => {
    const fakes = newFakes();
    const portsFor = throughThrottling(
      fakes.dependencies.portsFor,
      { clock: fakes.clock, remainingTime: () => 60_000 },
      'plan',
      unpaced,
    );
    const ports = portsFor(target, (_service, call) => call());
    fakes.journal.failNext('eks.listAddons', 'before', throttled);
    await expect(ports.eks.listAddons()).rejects.toBe(throttled);
  });
});
