/** How fast whole migrations run in virtual time: `node bench/migrations.ts [count]`. Prints runs a second and the slowest. */
import { openSandboxBackend } from '../cli/backend.ts';
import { runMigration } from '../cli/run.ts';
import { migrationRequest } from '../lambdas/domain/model.ts';
import { readScenario } from '../sandbox/world/load.ts';

const count = Number(process.argv[2] ?? 50);
const scenario = await readScenario('sandbox/scenarios/ebs-csi-irsa.json');
const request = migrationRequest.parse({
  target: { account: '111122223333', region: 'eu-west-1', cluster: 'reliability-dev' },
  addon: 'aws-ebs-csi-driver',
});
const durations: number[] = [];
let calls = 0;
for (let seed = 0; seed <= count; seed += 1) {
  const startedAt = performance.now();
  const backend = await openSandboxBackend(scenario, { seed });
  const report = await runMigration(backend, request);
  await backend.close();
  if (report.outcome !== 'migrated') throw new Error(`seed ${seed} ended ${report.outcome}`);
  // The first run compiles and fills caches.
  if (seed === 0) continue;
  durations.push(performance.now() - startedAt);
  calls += backend.sandbox.world.log.calls.length;
}
durations.sort((a, b) => a - b);
const total = durations.reduce((sum, one) => sum + one, 0);
const median = durations[Math.floor(durations.length / 2)] ?? 0;
console.log(`${count} migrations: ${(count / (total / 1000)).toFixed(1)} a second, median ${median.toFixed(0)} ms, slowest ${(durations.at(-1) ?? 0).toFixed(0)} ms, ${(calls / count).toFixed(0)} calls each`);
