/**
 * Measures how much longer a migration takes than EKS itself, and its calls: `node bench/own-time.ts`. EKS's own time
 * is from the call of each operation until it is complete in the world: the add-on is deleted, or ACTIVE with its pods
 * ready. The rest is the settling time, in which the pods are observed, and the service's own time: its reads before and
 * after, and the delay of its polls. Prints these times, the ratio without the settling time, and the calls by step, except
 * for those of the ledger.
 */
import { ulid } from 'ulid';
import { ensureAssembly } from '../cli/assembly.ts';
import { runMigration } from '../cli/service/run.ts';
import { createDynamoLedger } from '../lambdas/adapters/dynamo-ledger.ts';
import { migrationRequest } from '../lambdas/domain/request/request.ts';
import { openSandbox } from '../sandbox/sandbox.ts';
import type { World } from '../sandbox/world/world.ts';
import { readScenario } from '../sandbox/build/load.ts';
import { Random } from '../sandbox/random.ts';

const EKS_OPERATIONS = ['UpdateAddon', 'DeleteAddon', 'CreateAddon'];
const ACCOUNT = '111122223333';
const WORLDS = [
  {
    name: 'in place',
    scenario: 'efs-csi-irsa',
    region: 'eu-central-1',
    cluster: 'media-prod',
    request: { addon: 'aws-efs-csi-driver', strategy: 'in-place', accept: ['identity-loss:efs-csi-node-sa'] },
  },
  {
    name: 'recreated',
    scenario: 'ebs-csi-irsa',
    region: 'eu-west-1',
    cluster: 'reliability-dev',
    request: { addon: 'aws-ebs-csi-driver', strategy: 'recreate' },
  },
] as const;

const { directory: assemblyDirectory } = await ensureAssembly();

/** Prints the calls of EKS, IAM and the API server, by step. */
function printCalls(calls: World['log']['calls']): void {
  const bySteps = Map.groupBy(
    calls.filter(({ service }) => ['eks', 'iam', 'kubernetes'].includes(service)),
    ({ step }) => step ?? '',
  );
  for (const [step, made] of bySteps) {
    const counts = Map.groupBy(made, ({ service, operation }) => `${service}:${operation}`);
    console.log(
      `  ${step}: ${made.length}: ${[...counts].map(([call, all]) => (all.length > 1 ? `${call} ×${all.length}` : call)).join(', ')}`,
    );
  }
}

/** Runs a migration, and prints its times and calls. */
async function measure({ name, scenario, region, cluster, request }: (typeof WORLDS)[number]): Promise<void> {
  const sandbox = await openSandbox({
    scenario: await readScenario(`sandbox/scenarios/${scenario}.json`),
    seed: 1,
    assemblyDirectory,
  });
  const { clock, outputs, world } = sandbox;
  const clients = sandbox.clients();
  const ledger = createDynamoLedger({ client: clients.dynamodb(), tableName: outputs.tableName });
  const random = new Random(1);
  const statusNow = (): string | undefined => {
    const clusters = world.accounts.get(ACCOUNT)?.clusters.values();
    const found = [...(clusters ?? [])].find((one) => one.name === cluster)?.addons.get(request.addon);
    return found?.status;
  };
  /** Times at which the add-on's status changed; seconds of virtual time are exact enough. */
  const seen: { at: number; status: string | undefined }[] = [];
  const watch = { isOver: false };
  const watching = clock.spawn(async () => {
    while (!watch.isOver) {
      const status = statusNow();
      if (seen.at(-1)?.status !== status) seen.push({ at: clock.now(), status });
      await clock.sleep(100);
    }
  });
  const report = await runMigration(
    {
      stepFunctions: clients.stepFunctions(),
      ledger,
      clock,
      ids: { ulid: () => ulid(clock.now(), () => random.next()) },
      ...outputs,
      simulated: true,
      close: () => sandbox.close(),
    },
    migrationRequest.parse({ target: { account: ACCOUNT, region, cluster }, ...request }),
  );
  watch.isOver = true;
  await watching;
  if (report.outcome !== 'migrated' || !report.endedAt) throw new Error(`${scenario} ended ${report.outcome}`);

  const calls = world.log.calls.filter(({ step }) => step !== undefined && step !== 'publish-events');
  const own = calls
    .filter(({ operation }) => EKS_OPERATIONS.includes(operation))
    .reduce((sum, { operation, at }) => {
      const began = Date.parse(at);
      const wanted = operation === 'DeleteAddon' ? undefined : 'ACTIVE';
      const end = seen.find((one) => one.at > began && one.status === wanted);
      return sum + ((end?.at ?? began) - began) / 1000;
    }, 0);
  const took = (Date.parse(report.endedAt) - Date.parse(report.startedAt)) / 1000;
  const observations = report.steps.filter((line) => line.name.startsWith('confirm-ready')).length;
  const settling = observations * (report.plan?.forecast?.settleSeconds ?? 0);
  console.log(
    `${name} (${scenario}): EKS ${own.toFixed(1)} s, the migration ${took.toFixed(1)} s of which ${settling} s settling, the rest ${((took - settling) / own).toFixed(2)} times as long`,
  );
  printCalls(calls);
  await sandbox.close();
}

for (const world of WORLDS) await measure(world);
