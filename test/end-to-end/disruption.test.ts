/**
 * The disruption of the add-on's pods in a migration's report: measured in the world, with the durations of its knobs.
 */
import { describe, expect, it } from 'vitest';
import { migrationReport, type MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { words } from '../cli/fixtures.ts';
import { ADDON, scenarioFile } from './fixture.ts';
import { runProgram } from '../cli/run-program.ts';

const CLUSTERS = {
  'in-place': 'catalogue-prod',
  preserve: 'payments-prod',
  'auto-falls-back': 'search-prod',
  'auto-falls-back-to-outage': 'search-dev',
} as const;

/** Runs the command line, as a pipeline does. */
const migrate = async (scenario: keyof typeof CLUSTERS, ...flags: string[]): Promise<MigrationReport> => {
  const cluster = CLUSTERS[scenario];
  const { out } = await runProgram(
    ...words`migrate --sandbox ${scenarioFile(scenario)} --cluster ${cluster} --addon ${ADDON} --json ${flags}`,
  );
  return migrationReport.parse(JSON.parse(out));
};

describe('the pods that stay ready', () => {
  // Of two pods, one goes first where the service itself replaces them.
  it.each<[string, keyof typeof CLUSTERS, string[], string, number]>([
    ['in place', 'in-place', ['--strategy', 'in-place'], 'migrated', 2],
    ['by default', 'preserve', [], 'migrated', 2],
    ['with preserve', 'preserve', ['--strategy', 'recreate', '--preserve'], 'migrated', 1],
    ['with a second attempt', 'auto-falls-back', [], 'migrated', 1],
    ['with a rollback', 'auto-falls-back-to-outage', [], 'rolled-back', 1],
  ])('%s: never none', async (_, scenario, flags, outcome, minReadyPods) => {
    const report = await migrate(scenario, ...flags);
    expect(report.outcome).toBe(outcome);
    expect(report.disruption).toEqual({ controllerUnavailableSeconds: 0, minReadyPods, simulated: true });
  });

  it.each<[string, keyof typeof CLUSTERS, string[]]>([
    ['by deletion', 'preserve', ['--strategy', 'recreate']],
    ['as the last attempt, which the request allows', 'auto-falls-back-to-outage', ['--max-disruption', 'outage']],
  ])('%s: none for a while', async (_, scenario, flags) => {
    const report = await migrate(scenario, ...flags);
    expect([report.outcome, report.disruption]).toMatchObject(['migrated', { minReadyPods: 0, simulated: true }]);
    // None from the delete until new pods are ready; not longer than the steps in between.
    const at = (name: string, end: 'startedAt' | 'endedAt'): number =>
      Date.parse(report.steps.findLast((step) => step.name.startsWith(name))![end]);
    const between = (at('verify-pods', 'endedAt') - at('delete-addon', 'startedAt')) / 1000;
    expect(report.disruption!.controllerUnavailableSeconds).toBeGreaterThan(15);
    expect(report.disruption!.controllerUnavailableSeconds).toBeLessThanOrEqual(between);
  });

  it('are missing for longer if EKS takes longer', async () => {
    const short = await migrate('preserve', '--strategy', 'recreate');
    // Its knobs are the defaults: 40 s for the delete instead of 10.
    const { out } = await runProgram(
      ...words`migrate --sandbox ${scenarioFile('ebs-csi-irsa')} --cluster reliability-dev --addon ${ADDON}
          --strategy recreate --json`,
    );
    expect(migrationReport.parse(JSON.parse(out)).disruption!.controllerUnavailableSeconds).toBeGreaterThan(
      short.disruption!.controllerUnavailableSeconds + 20,
    );
  });

  it('are not reported if nothing was started', async () => {
    const report = await migrate('in-place', '--dry-run');
    expect(report.outcome).toBe('planned');
    expect(report).not.toHaveProperty('disruption');
  });
});
