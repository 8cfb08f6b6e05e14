/**
 * Measures the speed of whole migrations in virtual time: `node bench/migrations.ts [count] [--sdk] [--unwatched] [--json]`.
 * Prints runs per second, the fastest, median and slowest run, and the CPU time for each, which is more reliable if
 * other programs run too. With `--sdk`, clients send signed requests through the SDK instead of passing their commands
 * directly. With `--unwatched`, it waits for the execution to end, as the simulation does, instead of following it as
 * the command line does. With `--json`, it prints one document, with what the yardstick of scripts/budgets took
 * between the migrations.
 */
import { parseArgs } from 'node:util';
import { ulid } from 'ulid';
import { ensureAssembly } from '../cli/assembly.ts';
import { runMigration } from '../cli/service/run.ts';
import { createDynamoLedger } from '../lambdas/adapters/dynamo-ledger.ts';
import { migrationRequest } from '../lambdas/domain/request/request.ts';
import { median, processorSeconds, yardstick } from '../scripts/budgets/yardstick.ts';
import { openSandbox } from '../sandbox/sandbox.ts';
import { Random } from '../sandbox/random.ts';
import { readScenario } from '../sandbox/build/load.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    sdk: { type: 'boolean', default: false },
    unwatched: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(positionals[0] ?? 50);
const path = values.sdk ? 'sdk' : 'direct';
const { directory: assemblyDirectory } = await ensureAssembly();
const scenario = await readScenario('sandbox/scenarios/ebs-csi-irsa.json');
const request = migrationRequest.parse({
  target: { account: '111122223333', region: 'eu-west-1', cluster: 'reliability-dev' },
  addon: 'aws-ebs-csi-driver',
});

/** Runs a migration in a separate sandbox and returns the number of its calls. */
const migrate = async (seed: number): Promise<number> => {
  const sandbox = await openSandbox({ scenario, seed, assemblyDirectory, clients: path });
  const { clock, executions, outputs, world } = sandbox;
  const clients = sandbox.clients();
  const ledger = createDynamoLedger({ client: clients.dynamodb(), tableName: outputs.tableName });
  const random = new Random(seed);
  const ids = { ulid: () => ulid(clock.now(), () => random.next()) };
  const unwatched = (): Promise<string | undefined> =>
    clock.spawn(async () => {
      const migrationId = ids.ulid();
      const execution = executions.start(
        outputs.stateMachineArn,
        JSON.stringify({ migrationId, request }),
        migrationId,
      );
      await clock.park(execution.ended);
      return (await ledger.getMigration(migrationId))?.outcome;
    });
  const watched = async (): Promise<string | undefined> =>
    (
      await runMigration(
        {
          stepFunctions: clients.stepFunctions(),
          ledger,
          clock,
          ids,
          ...outputs,
          simulated: true,
          close: () => sandbox.close(),
        },
        request,
      )
    ).outcome;
  const outcome = await (values.unwatched ? unwatched() : watched());
  await sandbox.close();
  if (outcome !== 'migrated') throw new Error(`seed ${seed} ended ${outcome}`);
  return world.log.calls.length;
};

// The first run compiles code and fills caches, so it is not measured.
await migrate(0);
const durations: number[] = [];
const yardsticks: number[] = [];
let calls = 0;
let used = 0;
for (let seed = 1; seed <= count; seed += 1) {
  if (seed % 10 === 1) yardsticks.push(yardstick());
  const before = processorSeconds();
  const startedAt = performance.now();
  calls += await migrate(seed);
  durations.push(performance.now() - startedAt);
  used += processorSeconds() - before;
}
durations.sort((a, b) => a - b);
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const processorMs = (used * 1000) / count;
const kind = `${values.sdk ? ' by the SDK' : ''}${values.unwatched ? ', unwatched' : ''}`;
console.log(
  values.json
    ? JSON.stringify({ processorMs, calls: calls / count, yardstick: median(yardsticks) })
    : `${count} migrations${kind}: ${(count / (sum(durations) / 1000)).toFixed(1)} a second, ` +
        `fastest ${(durations[0] ?? 0).toFixed(0)} ms, median ${median(durations).toFixed(0)} ms, slowest ${(durations.at(-1) ?? 0).toFixed(0)} ms, ` +
        `${processorMs.toFixed(0)} ms of processor time and ${(calls / count).toFixed(0)} calls each`,
);
