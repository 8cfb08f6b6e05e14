/**
 * What a migration does to the add-on's pods, as the report tells it: measured in the world, with the durations of its
 * knobs.
 */
import { describe, expect, it } from 'vitest';
import { main } from '../../cli/program.ts';
import { migrationReport, type MigrationReport } from '../../lambdas/domain/migration/model.ts';
import { collectingIo } from '../cli/fixtures.ts';
import { ADDON, scenarioFile } from './fixture.ts';

const CLUSTERS = {
  'in-place': 'catalogue-prod',
  preserve: 'payments-prod',
  'auto-falls-back': 'search-prod',
  'auto-falls-back-to-outage': 'search-dev',
} as const;

/** By the command line, as a pipeline reads it. */
const migrate = async (scenario: keyof typeof CLUSTERS, ...flags: string[]): Promise<MigrationReport> => {
  const io = collectingIo();
  await main(
    [
      'migrate',
      '--sandbox',
      scenarioFile(scenario),
      '--cluster',
      CLUSTERS[scenario],
      '--addon',
      ADDON,
      '--json',
      ...flags,
    ],
    io,
  );
  return migrationReport.parse(JSON.parse(io.out()));
};

describe('what stays ready meanwhile', () => {
  it.each<[string, keyof typeof CLUSTERS, string[], string]>([
    ['in place', 'in-place', ['--strategy', 'in-place'], 'migrated'],
    ['by default', 'preserve', [], 'migrated'],
    ['with preserve', 'preserve', ['--strategy', 'recreate', '--preserve'], 'migrated'],
    ['where the second way is needed', 'auto-falls-back', [], 'migrated'],
    ['where it has to go back', 'auto-falls-back-to-outage', [], 'rolled-back'],
  ])('%s: never none', async (_, scenario, flags, outcome) => {
    const report = await migrate(scenario, ...flags);
    expect(report.outcome).toBe(outcome);
    expect(report.disruption).toEqual({ controllerUnavailableSeconds: 0, minReadyPods: 2, simulated: true });
  });

  it.each<[string, keyof typeof CLUSTERS, string[]]>([
    ['by deletion', 'preserve', ['--strategy', 'recreate']],
    ['where that is the last resort, and allowed', 'auto-falls-back-to-outage', ['--max-disruption', 'outage']],
  ])('%s: none for a while', async (_, scenario, flags) => {
    const report = await migrate(scenario, ...flags);
    expect(report.outcome).toBe('migrated');
    expect(report.disruption).toMatchObject({ minReadyPods: 0, simulated: true });
    // Down from the delete until new pods are ready; not longer than the steps that are between.
    const at = (name: string, end: 'startedAt' | 'endedAt'): number =>
      Date.parse(report.steps.findLast((step) => step.name.startsWith(name))![end]);
    const between = (at('verify-pods', 'endedAt') - at('delete-addon', 'startedAt')) / 1000;
    expect(report.disruption!.controllerUnavailableSeconds).toBeGreaterThan(15);
    expect(report.disruption!.controllerUnavailableSeconds).toBeLessThanOrEqual(between);
  });

  it('is longer where EKS takes longer', async () => {
    const short = await migrate('preserve', '--strategy', 'recreate');
    const io = collectingIo();
    // Its knobs are the defaults: 40 s for the delete, where the other has 10.
    await main(
      [
        'migrate',
        '--sandbox',
        scenarioFile('ebs-csi-irsa'),
        '--cluster',
        'reliability-dev',
        '--addon',
        ADDON,
        '--strategy',
        'recreate',
        '--json',
      ],
      io,
    );
    const long = migrationReport.parse(JSON.parse(io.out()));
    expect(long.disruption!.controllerUnavailableSeconds).toBeGreaterThan(
      short.disruption!.controllerUnavailableSeconds + 20,
    );
  });

  it('is not told where nothing was begun', async () => {
    const report = await migrate('in-place', '--dry-run');
    expect(report.outcome).toBe('planned');
    expect(report).not.toHaveProperty('disruption');
  });
});
