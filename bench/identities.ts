/**
 * Measures the time and memory of `identities` on a cluster: `node bench/identities.ts [pods ...]` (default 300 3000
 * 12000). A sandbox in a separate process serves each cluster, and another process reads it over HTTPS, as in AWS. The
 * output is that of the reader. The last column would show memory that grows with the number of pods.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../cli/program.ts';

const ACCOUNT = '111122223333';
const CLUSTER = ['--cluster', 'large', '--region', 'eu-west-1'];
/** Heap of the reader in MiB. With more, garbage collection would run late, and the peak would be meaningless. */
const HEAP = ['--max-old-space-size=96', '--max-semi-space-size=8'];
/** Number of pods of a workload. */
const REPLICAS = 300;

const role = {
  arn: `arn:aws:iam::${ACCOUNT}:role/app`,
  trustPolicy: {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'pods.eks.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession'],
      },
    ],
  },
};

/** A third of the workloads each use Pod Identity, IRSA and the node's role. */
const scenarioOf = (pods: number): unknown => {
  const workloads = Array.from({ length: Math.ceil(pods / REPLICAS) }, (_, index) => ({
    kind: 'Deployment',
    namespace: `team-${index % 20}`,
    name: `app-${index}`,
    serviceAccount: `app-${index}`,
    replicas: Math.min(REPLICAS, pods - index * REPLICAS),
    createdAt: '2025-06-01T08:00:00.000Z',
    ...(index % 3 === 1 ? { serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': role.arn } } : {}),
  }));
  const associations = workloads
    .filter((_, index) => index % 3 === 0)
    .map(({ namespace, serviceAccount }) => ({
      namespace,
      serviceAccount,
      roleArn: role.arn,
      createdAt: '2025-01-01T00:00:00.000Z',
    }));
  return {
    accounts: [
      {
        id: ACCOUNT,
        roles: [role],
        clusters: [{ name: 'large', region: 'eu-west-1', version: '1.31', nodes: 100, associations, workloads }],
      },
    ],
  };
};

/** Reads in a separate process, whose peak is only that of the command. */
const readAndReport = async (): Promise<void> => {
  let characters = 0;
  const startedAt = performance.now();
  const code = await main(['identities', ...CLUSTER, '--deployed', '--json'], {
    stdout: { write: (text) => (characters += text.length) },
    stderr: process.stderr,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) throw new Error(`identities ended with ${code}`);
  console.log(
    `${seconds.toFixed(2).padStart(8)} s  ${String(Math.round(characters / 1024)).padStart(6)} KiB of JSON  ${String(Math.round(process.resourceUsage().maxRSS / 1024)).padStart(5)} MiB peak`,
  );
};

const measure = async (pods: number, directory: string): Promise<void> => {
  const file = join(directory, `${pods}.json`);
  writeFileSync(file, JSON.stringify(scenarioOf(pods)));
  const sandbox = spawn(process.execPath, ['bin/pod-identity.ts', 'sandbox', '--scenario', file, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  sandbox.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  const serving = new Promise<void>((resolve, reject) => {
    sandbox.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString('utf8');
      if (err.includes('Ctrl-C stops it.')) resolve();
    });
    sandbox.on('close', () => reject(new Error(`The sandbox did not start: ${err}`)));
  });
  try {
    await serving;
    const { environment } = JSON.parse(out) as { environment: Record<string, string> };
    process.stdout.write(`${String(pods).padStart(6)} pods`);
    const reader = spawn(process.execPath, [...HEAP, import.meta.filename, '--read'], {
      env: { ...process.env, ...environment },
      stdio: 'inherit',
    });
    await once(reader, 'close');
  } finally {
    sandbox.kill('SIGTERM');
  }
};

if (process.argv[2] === '--read') await readAndReport();
else {
  const directory = mkdtempSync(join(tmpdir(), 'bench-identities-'));
  try {
    const sizes = process.argv.slice(2).map(Number);
    for (const pods of sizes.length > 0 ? sizes : [300, 3000, 12_000]) await measure(pods, directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
