/**
 * Runs a whole sweep of thousands of add-ons in virtual time, with a limit of five calls of EKS per second in each
 * location: `node --expose-gc bench/sweep.ts [--addons 10000] [--mode inventory|migrate] [--help for the rest]`. Prints
 * its duration compared with the bound from the throttle, its calls, the memory of the process over time, and what AWS
 * would count and bill. bench/README.md explains the output.
 *
 * By default there are three accounts and two regions, as many locations as in the tests of a fleet. Each location has
 * its own throttle, so more locations would only make the sweep shorter; few locations with thousands of add-ons each
 * make an inventory long.
 */
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { parseArgs } from 'node:util';
import { ulid } from 'ulid';
import { ensureAssembly } from '../cli/assembly.ts';
import { generateFleet, type Fleet } from '../cli/fleet/generate.ts';
import { s3Documents } from '../lambdas/adapters/s3-documents.ts';
import { PRICES } from '../lambdas/domain/sweep/cost.ts';
import { reportKey } from '../lambdas/domain/sweep/keys.ts';
import { sweepRequest } from '../lambdas/domain/sweep/request.ts';
import { sweepReport, type SweepReport } from '../lambdas/domain/sweep/report.ts';
import { openSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { parseScenario } from '../sandbox/build/load.ts';
import { Random } from '../sandbox/random.ts';
import { watchSweep, type Seen } from './sweep-watch.ts';

const FLAGS = {
  addons: { type: 'string', default: '10000' },
  mode: { type: 'string', default: 'inventory' },
  accounts: { type: 'string', default: '3' },
  regions: { type: 'string', default: 'eu-west-1,us-east-1' },
  seed: { type: 'string', default: '1' },
  'calls-per-second': { type: 'string', default: '5' },
  /** Calls of EKS per second in each location; the burst is the same. */
  throttle: { type: 'string', default: '5' },
  /** Maximum number of concurrent migrations, in total and in a location. */
  concurrency: { type: 'string', default: '100' },
  'per-region': { type: 'string', default: '5' },
  help: { type: 'boolean', default: false },
} as const;

const { values } = parseArgs({ options: FLAGS });
if (values.help) {
  console.log(
    `node --expose-gc bench/sweep.ts ${Object.entries(FLAGS)
      .flatMap(([name, flag]) => (flag.type === 'string' ? [`[--${name} ${flag.default}]`] : []))
      .join(' ')}`,
  );
  process.exit(0);
}
const seed = Number(values.seed);
const throttle = Number(values.throttle);
const regions = values.regions.split(',');
const accounts = Number(values.accounts);

/**
 * Returns the smallest number of clusters with that many add-ons: a fleet begins like any larger one of the same seed.
 */
const fleetWith = (addons: number): Fleet => {
  const make = (clusters: number): Fleet => generateFleet({ clusters, seed, accounts, regions });
  const { expected } = make(Math.ceil(addons / 3));
  const clusters = new Set(expected.slice(0, addons).map(({ cluster }) => cluster));
  return make(clusters.size);
};

const fleet = fleetWith(Number(values.addons));
const scenario = parseScenario(
  {
    ...fleet.scenario,
    throttles: [{ service: 'eks', callsPerSecond: throttle, burst: Math.max(1, Math.floor(throttle)) }],
  },
  'fleet',
);
const limits = {
  canary: 1,
  concurrency: Number(values.concurrency),
  perAccount: 100,
  perRegion: Number(values['per-region']),
  stopAfterFailures: 1000,
  stopAtFailurePercent: 100,
};
const selection = { accounts: scenario.accounts.map(({ id }) => id), regions };
const request = sweepRequest.parse({
  mode: values.mode,
  selection,
  limits,
  callsPerSecond: Number(values['calls-per-second']),
});

const run = async (sandbox: Sandbox): Promise<SweepReport> => {
  const { clock, executions, outputs } = sandbox;
  const { sweepStateMachineArn = '', sweepBucketName = '' } = outputs;
  const clients = sandbox.clients();
  const random = new Random(seed);
  return clock.spawn(async () => {
    const sweepId = ulid(clock.now(), () => random.next());
    const { executionArn = '' } = await clients.stepFunctions().send(
      new StartExecutionCommand({
        stateMachineArn: sweepStateMachineArn,
        name: sweepId,
        input: JSON.stringify({ sweepId, request }),
      }),
    );
    const execution = executions.execution(executionArn);
    await clock.park(execution.ended);
    if (execution.status !== 'SUCCEEDED')
      throw new Error(`The sweep ended ${execution.status}: ${execution.cause ?? ''}`);
    return sweepReport.parse(
      JSON.parse((await s3Documents(clients, () => sweepBucketName).get(reportKey(sweepId, 'json'))) ?? ''),
    );
  });
};

const { directory: assemblyDirectory } = await ensureAssembly();
const sandbox = await openSandbox({
  scenario,
  seed,
  assemblyDirectory,

  keepCalls: 1000,
  forgetHistories: true,
});
const watched = watchSweep(sandbox, assemblyDirectory);
const began = performance.now();
const report = await run(sandbox);
const wall = (performance.now() - began) / 1000;
const seen: Seen = watched.end();

const count = (number: number): string => Math.round(number).toLocaleString('en-GB');
const time = (seconds: number): string => `${count(seconds)} s (${(seconds / 3600).toFixed(2)} h)`;
const line = (what: string, text: string): void => console.log(`${what.padEnd(34)} ${text}`);
const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((all, one) => all + one, 0);

const clusters = scenario.accounts.flatMap((account) => account.clusters).length;
const addons = fleet.expected.length;
const { totals } = report;
line(
  'fleet',
  `${count(addons)} add-ons in ${count(clusters)} clusters, ${accounts} accounts x ${regions.length} regions`,
);
line(
  'found',
  Object.entries(totals.byClass)
    .map(([name, found]) => `${count(found)} ${name}`)
    .join(', '),
);
if (values.mode !== 'inventory')
  line(
    'migrations',
    `${Object.entries(totals.byOutcome)
      .map(([name, found]) => `${count(found)} ${name}`)
      .join(', ')}; ${totals.queued} queued`,
  );
for (const phase of seen.phases) {
  const [location, calls] = Object.entries(phase.eksByLocation).reduce(
    (most, one) => (one[1] > most[1] ? one : most),
    ['', 0],
  );
  const bound = calls / throttle;
  line(`${phase.name}: time`, `${time(phase.seconds)} of virtual time`);
  line(`${phase.name}: busiest location`, `${count(calls)} accepted calls of EKS, in ${location}`);
  line(
    `${phase.name}: bound, ratio`,
    `${time(bound)} at ${throttle} a second; ${(phase.seconds / bound).toFixed(3)} x`,
  );
  line(`${phase.name}: refused`, `${count(phase.refused)} calls`);
  for (const [service, made] of Object.entries(phase.calls))
    line(
      `${phase.name}: ${service}`,
      `${count(made)} calls, ${(made / clusters).toFixed(2)} for a cluster, ${(made / addons).toFixed(2)} for an add-on`,
    );
}
line('wall', `${count(wall)} s`);
const { memory } = seen;
line(
  'memory: heap',
  `${count(memory.heapFirst)} MB at the start, ${count(memory.heapQuarter)} after a quarter, ${count(memory.heapLast)} at the end; ${memory.heapSlope.toFixed(2)} MB for 1,000 calls of EKS after the first quarter`,
);
line('memory: process', `${count(memory.rssMost)} MB peak (RSS)`);
line(
  'memory: of the world',
  `${count(sandbox.authorizer.uses().length)} rights that were used, ${count(sandbox.world.log.calls.length)} calls, ${count(sandbox.logs().length)} log lines, ${count(sandbox.world.events.length)} events, ${count(sandbox.authorizer.denials.length)} denials are kept; ${(seen.bucketBytes / 1e6).toFixed(1)} MB in the bucket`,
);
const transitions = sum(seen.transitions);
const invocations = Object.values(seen.functions).reduce((all, { invocations: one }) => all + one, 0);
const gbSeconds = Object.values(seen.functions).reduce((all, { gbSeconds: one }) => all + one, 0);
line(
  'AWS: state transitions',
  `${count(transitions)}: ${Object.entries(seen.transitions)
    .map(([name, one]) => `${name} ${count(one)}`)
    .join(', ')}`,
);
line('AWS: Lambda', `${count(invocations)} invocations, ${count(gbSeconds)} GB-s`);
for (const [name, { invocations: one, gbSeconds: used }] of Object.entries(seen.functions).sort(
  ([, a], [, b]) => b.gbSeconds - a.gbSeconds,
))
  line(`     ${name}`, `${count(one)} invocations, ${count(used)} GB-s`);
line(
  'AWS: S3',
  Object.entries(seen.s3)
    .map(([name, one]) => `${count(one)} ${name}`)
    .join(', '),
);
line(
  'AWS: DynamoDB',
  Object.entries(seen.dynamodb)
    .map(([name, one]) => `${count(one)} ${name}`)
    .join(', '),
);

const reads = seen.s3['GetObject'] ?? 0;
const dollars = {
  'Step Functions': (transitions * PRICES.transitions.dollars) / PRICES.transitions.per,
  Lambda:
    (gbSeconds * PRICES.gbSeconds.dollars) / PRICES.gbSeconds.per +
    (invocations * PRICES.invocations.dollars) / PRICES.invocations.per,
  S3:
    (reads * PRICES.s3Reads.dollars) / PRICES.s3Reads.per +
    ((sum(seen.s3) - reads) * PRICES.s3Writes.dollars) / PRICES.s3Writes.per,
};
line(
  'AWS: dollars, of these counts',
  `${Object.entries(dollars)
    .map(([name, one]) => `${name} ${one.toFixed(4)}`)
    .join(', ')}; ${sum(dollars).toFixed(4)} without DynamoDB, whose units are not counted`,
);
line(
  'AWS: dollars, as the report has it',
  `${report.cost?.lines.map(({ what, dollars: one }) => `${what} ${one.toFixed(4)}`).join(', ') ?? ''}; ${report.cost?.dollars.toFixed(4) ?? 'none'}`,
);
await sandbox.close();
