/** What a Lambda's metrics are when they reach CloudWatch: Powertools' own output, in embedded metric format. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import {
  METRICS_NAMESPACE,
  METRICS_SERVICE,
  OLDEST_LOCK,
  outcomeMetric,
  UNEXPECTED_ERROR,
} from '../../../lambdas/domain/events/metrics.ts';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { lambdaHandler } from '../../../lambdas/runtime/lambda.ts';
import { defineStep, step, type StepRun } from '../../../lambdas/runtime/step.ts';

const ENVIRONMENT = {
  TABLE_NAME: 'ledger',
  POWERTOOLS_SERVICE_NAME: METRICS_SERVICE,
  POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
  POWERTOOLS_LOG_LEVEL: 'ERROR',
  AWS_REGION: 'eu-west-1',
};
/** Powertools writes to this process's console, where a test can see it. */
const SEEN = { POWERTOOLS_DEV: 'true', POWERTOOLS_METRICS_DISABLED: 'false' };

interface Emf {
  _aws: {
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[];
  };
  [name: string]: unknown;
}
interface Sent {
  namespace: string;
  name: string;
  unit: string;
  dimensions: Record<string, unknown>;
  value: unknown;
}
const sentIn = ({ _aws: about, ...emf }: Emf): Sent[] =>
  about.CloudWatchMetrics.flatMap(({ Namespace: namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) =>
      Metrics.map(({ Name, Unit }) => ({
        namespace,
        name: Name,
        unit: Unit,
        dimensions: Object.fromEntries(names.map((name) => [name, emf[name]])),
        value: emf[Name],
      })),
    ),
  );

const schema = defineStep('look', { title: 'Read something', input: z.unknown(), output: z.object({}) });
async function sentBy(run: StepRun<typeof schema>): Promise<Sent[]> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const context = { awsRequestId: 'r', functionName: 'look', getRemainingTimeInMillis: () => 60_000 } as LambdaContext;
  await lambdaHandler(step(schema, run))({}, context).catch(() => undefined);
  return log.mock.calls
    .map(([line]) => JSON.parse(String(line)) as Emf)
    .filter((line) => '_aws' in line)
    .flatMap(sentIn);
}

describe('metrics of a Lambda', () => {
  beforeEach(() => {
    for (const [name, value] of Object.entries({ ...ENVIRONMENT, ...SEEN })) vi.stubEnv(name, value);
    for (const method of ['warn', 'error'] as const) vi.spyOn(console, method).mockImplementation(() => undefined);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it('of the whole service have the service alone as a dimension', async () => {
    const sent = await sentBy(async (_, { telemetry }) => {
      telemetry.count(outcomeMetric('needs-human'));
      telemetry.seconds(OLDEST_LOCK, 0);
      return {};
    });
    const shared = { namespace: METRICS_NAMESPACE, dimensions: { service: METRICS_SERVICE } };
    expect(sent).toEqual([
      { ...shared, name: 'outcome-needs-human', unit: 'Count', value: 1 },
      { ...shared, name: 'oldest-lock', unit: 'Seconds', value: 0 },
    ]);
  });

  it('of an error say which step it was; a poll that says "not yet" counts as no failure', async () => {
    const sent = await sentBy(() => Promise.reject(new MigrationError('AddonNotActive', 'Not yet.')));
    expect(sent).toEqual([
      {
        namespace: METRICS_NAMESPACE,
        name: 'AddonNotActive',
        unit: 'Count',
        value: 1,
        dimensions: { service: METRICS_SERVICE, step: 'look' },
      },
    ]);
  });

  it('of an error that nobody means are both', async () => {
    const sent = await sentBy(() => Promise.reject(new TypeError('x')));
    expect(sent.map(({ name, dimensions }) => [name, Object.keys(dimensions)])).toEqual([
      [UNEXPECTED_ERROR, ['service']],
      ['TypeError', ['service', 'step']],
    ]);
  });
});
