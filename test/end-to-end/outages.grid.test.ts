/**
 * Outages that are longer than anything waits for. A week of virtual time has some ten thousand looks at locks and at
 * what is to be told, which take minutes.
 */
import { expect, it } from 'vitest';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/pause.ts';
import { ADDON, clusterOf, migrate, RECREATE } from './fixture.ts';

it(`an outage of more than ${MOST_DAYS_WAITING} days ends with a person, and with the commands that finish it`, async () => {
  const run = await migrate({
    request: RECREATE,
    prepare: ({ sandbox: { world } }) => {
      let begun = false;
      world.log.onCall(({ operation }) => {
        if (begun || operation !== 'DeleteAddon') return;
        begun = true;
        world.faults.add({ service: 'eks', kind: 'server-error', times: 'all' });
      });
    },
  });
  expect(run.report).toMatchObject({ outcome: 'needs-human', failure: { name: 'WaitedTooLong' } });
  expect(run.report.failure!.message).toContain('ServiceUnavailable');
  const days = (Date.parse(run.report.endedAt) - Date.parse(run.report.startedAt)) / 86_400_000;
  expect(days).toBeGreaterThanOrEqual(MOST_DAYS_WAITING);
  expect(days).toBeLessThan(MOST_DAYS_WAITING + 0.1);
  expect(run.report.handOff.join('\n')).toContain('pod-identity rollback');
  // Nothing was put back, or tried, because of the wait alone.
  expect(run.report.steps.map(({ name }) => name)).not.toContain('assess-rollback');
  expect(clusterOf(run).addons.has(ADDON)).toBe(false);
}, 1_200_000);

it('an outage of more than a week that began before the plan ends blocked', async () => {
  const { report } = await migrate({
    request: RECREATE,
    prepare: ({ sandbox }) => sandbox.world.faults.add({ service: 'iam', kind: 'server-error', times: 'all' }),
  });
  expect(report).toMatchObject({ outcome: 'blocked', failure: { name: 'WaitedTooLong' } });
}, 1_200_000);
