/** What a principal that may start executions cannot achieve with input outside the request. */
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { ADDON } from '../end-to-end/fixture.ts';
import { changesIn, type HostileWorld, inHostileWorld, SECRET, stateOf } from './hostile.ts';

/** Runs an action that must have no effect, in a world where a migration has succeeded. */
async function unchanged(
  work: (world: HostileWorld, migrated: string) => Promise<{ cause?: string }>,
): Promise<string> {
  return inHostileWorld({}, async (world) => {
    const { name } = await world.ask();
    expect(await world.record(name)).toMatchObject({ outcome: 'migrated' });
    const [before, changes] = [stateOf(world), changesIn(world)];
    const { cause = '' } = await work(world, name);
    expect([stateOf(world), changesIn(world)]).toEqual([before, changes]);
    return cause;
  });
}

describe('a field at the wrong position of an input', () => {
  it('does not make MigrateAddon a dry run, and starts no migration either', () =>
    inHostileWorld({}, async (world) => {
      const before = stateOf(world);
      const name = world.backend.ids.ulid();
      const { status, error, cause } = await world.attempt(
        { migrationId: name, request: { target: world.target, addon: ADDON }, dryRun: true },
        { name },
      );
      expect({ status, error }).toEqual({ status: 'FAILED', error: 'Blocked' });
      expect(cause).toMatch(/BadInput: .*has unknown fields: dryRun/);
      expect([stateOf(world), changesIn(world)]).toEqual([before, []]);
    }));

  it('does not make Recover a dry run, and nothing is rolled back', async () =>
    expect(await unchanged((world, migrationId) => world.recover(migrationId, { dryRun: true }))).toMatch(
      /BadInput: .*has unknown fields: dryRun/,
    ));

  it('does not narrow a retirement, which is refused', async () => {
    const cause = await unchanged((world, migrationId) =>
      world.attempt(
        { migrationId, action: 'retire', dryRun: false, soakDays: 0, roles: [] },
        { machine: world.backend.retireStateMachineArn!, name: `retire-${migrationId}` },
      ),
    );
    expect(cause).toMatch(/BadInput: .*has unknown fields: roles/);
  });

  it('does not narrow a sweep, which is refused', async () => {
    const cause = await unchanged((world) => {
      const sweepId = world.backend.ids.ulid();
      return world.attempt(
        { sweepId, request: { mode: 'migrate' }, selection: { clusters: ['none'] } },
        { machine: world.backend.sandbox.outputs.sweepStateMachineArn, name: sweepId },
      );
    });
    expect(cause).toMatch(/BadInput: .*has unknown fields: selection/);
  });

  it('is reported in a short message, regardless of the number and names of the fields', () =>
    inHostileWorld({}, async (world) => {
      const name = world.backend.ids.ulid();
      const junk = Object.fromEntries(Array.from({ length: 4000 }, (_, index) => [`${index}\u001b[2J${SECRET}`, 1]));
      const { error, cause, arn } = await world.attempt(
        { migrationId: name, request: { target: world.target, addon: ADDON }, ...junk },
        { name },
      );
      expect(error).toBe('Blocked');
      expect(cause!.length).toBeLessThan(2500);
      expect(cause).not.toContain('\u001b');
      const { input } = await world.backend.stepFunctions.send(new DescribeExecutionCommand({ executionArn: arn }));
      expect(input!.length).toBeGreaterThan(100_000);
      expect(changesIn(world)).toEqual([]);
    }));
});

describe("a region of another partition, in the service's own account", () => {
  it.each(['cn-north-1', 'us-gov-west-1', 'eusc-de-east-1'])('is refused before anything is sent there: %s', (region) =>
    inHostileWorld({}, async (world) => {
      const { error, cause } = await world.ask({ target: { ...world.target, region } });
      expect(error).toBe('Blocked');
      expect(cause).toMatch(/BadInput: Region \S+ is in the partition aws-[\w-]+, but this service is in aws/);
      const { calls } = world.backend.sandbox.world.log;
      expect(calls.filter(({ service }) => ['eks', 'iam', 'kubernetes'].includes(service))).toEqual([]);
    }),
  );

  it('is not read as a location of a sweep', () =>
    inHostileWorld({}, async (world) => {
      const sweepId = world.backend.ids.ulid();
      await world.attempt(
        { sweepId, request: { mode: 'inventory', selection: { regions: ['cn-north-1'] } } },
        { machine: world.backend.sandbox.outputs.sweepStateMachineArn, name: sweepId },
      );
      const { calls } = world.backend.sandbox.world.log;
      expect(calls.filter(({ service }) => ['eks', 'iam', 'kubernetes'].includes(service))).toEqual([]);
    }));
});
