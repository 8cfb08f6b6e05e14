/**
 * Scheduled sweeps, as the configuration defines them: one for each scheduled time, however often Scheduler delivers
 * it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { generateFleet } from '../../cli/fleet/generate.ts';
import { createDynamoSweeps } from '../../lambdas/adapters/dynamo-sweeps.ts';
import { s3Documents } from '../../lambdas/adapters/s3-documents.ts';
import { sweepReport } from '../../lambdas/domain/sweep/report.ts';
import { synthesise } from '../../scripts/synthesise.ts';
import { openSandbox } from '../../sandbox/sandbox.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import { classesExpected, classesIn } from './sweep-world.ts';
import { scratchDirectory } from '../scratch.ts';

const { lambdaDirectory } = await ensureAssembly();
const HOUR = 3_600_000;
const NAME = 'hourly-inventory';

const fleet = generateFleet({ clusters: 6, seed: 6, accounts: 2, addons: 3 });
const regions = ['eu-west-1', 'us-east-1'];
const [, other] = fleet.scenario.accounts;

const outdir = scratchDirectory();
beforeAll(() => {
  const config = join(outdir, 'settings.json');
  const request = { mode: 'inventory', reason: 'by the clock' };
  writeFileSync(
    config,
    JSON.stringify({
      accounts: [other?.id],
      regions,
      sweeps: [{ name: NAME, schedule: 'cron(30 * * * ? *)', request }],
    }),
  );
  synthesise(outdir, {
    lambdaDirectory,
    context: { passableRoleArns: 'role/*-dev-*,role/*-test-*,role/*-staging-*,role/*-prod-*,role/shared-*', config },
  });
});

describe('a scheduled sweep', () => {
  it('starts once for each due time, for everything that the configuration names, although each is delivered twice', async () => {
    const scenario = parseScenario(fleet.scenario, 'of the generated fleet');
    scenario.knobs.schedulesTwice = true;
    const sandbox = await openSandbox({ scenario, assemblyDirectory: outdir });
    const { clock, executions, outputs, world } = sandbox;
    try {
      await clock.spawn(async () => {
        await clock.sleep(2 * HOUR);
        const { tableName, sweepBucketName = '', sweepStateMachineArn = '' } = outputs;
        const sweeps = createDynamoSweeps({ client: sandbox.clients().dynamodb(), tableName });
        const invoked = world.log.calls.filter(
          ({ service, operation, input }) =>
            service === 'lambda' && operation === 'Invoke' && JSON.stringify(input).includes('StartSweep'),
        );
        const due = ['2026-01-15T09:30:00.000Z', '2026-01-15T10:30:00.000Z'];
        expect(invoked).toHaveLength(2 * due.length);

        const found = (await sweeps.list({}, 10)).sweeps.toReversed();
        expect(found.map(({ status, outcome }) => [status, outcome])).toEqual(due.map(() => ['ended', 'completed']));
        expect(executions.list(sweepStateMachineArn).map(({ name, status }) => [name, status])).toEqual(
          found.toReversed().map(({ sweepId }) => [sweepId, 'SUCCEEDED']),
        );
        for (const [index, { sweepId }] of found.entries()) {
          const record = await sweeps.get(sweepId);
          expect(record).toMatchObject({
            schedule: { name: NAME, at: due[index] },
            executions: 1,
            request: { mode: 'inventory', requestedBy: `schedule ${NAME}`, reason: 'by the clock' },
          });
          expect(record?.previous).toBe(found[index - 1]?.sweepId);
          const report = sweepReport.parse(
            JSON.parse(
              (await s3Documents(sandbox.clients(), () => sweepBucketName).get(record?.reports?.json ?? '')) ?? '',
            ),
          );
          expect(report.totals.locations).toBe(4);
          expect(classesIn(report)).toEqual(classesExpected(fleet.expected));
        }
      });
      expect([sandbox.failures, sandbox.authorizer.denials]).toEqual([[], []]);
    } finally {
      await sandbox.close();
    }
  });
});
