/** S3 with the aws command line. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../../cli/assembly.ts';
import { openSandbox } from '../../../sandbox/sandbox.ts';
import { readScenario } from '../../../sandbox/build/load.ts';
import { reasonToSkip } from '../../end-to-end/served.ts';
import { useWarmAws } from '../../warm-aws/index.ts';
import { BUCKET, listen, open } from './fixture.ts';
import { containing } from '../../lambdas/matchers.ts';

const reason = reasonToSkip('aws');

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const newDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 's3-'));
  closing.push(() => rmSync(directory, { recursive: true }));
  return directory;
};

/** Runs aws with the environment variables that a sandbox announced. */
const awsAt = (url: string, announced: Record<string, string>) => {
  const none = join(newDirectory(), 'none');
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))),
    AWS_CONFIG_FILE: none,
    AWS_SHARED_CREDENTIALS_FILE: none,
    NO_PROXY: '127.0.0.1',
    no_proxy: '127.0.0.1',
    ...announced,
    AWS_ENDPOINT_URL: url,
  };
  return (...args: string[]) => promisify(execFile)('aws', args, { env });
};

describe.skipIf(reason !== undefined)(`the aws command line${reason === undefined ? '' : ` (${reason})`}`, () => {
  useWarmAws();

  it('uploads, downloads and lists files', async () => {
    const bench = open();
    const loopback = await listen(bench, closing);
    const { AWS_ENDPOINT_URL: url = '', ...environment } = loopback.environment();
    const aws = awsAt(url, environment);
    const directory = newDirectory();
    const [from, to] = [join(directory, 'from file.json'), join(directory, 'to.json')];
    const text = '{"ü":1}\n'.repeat(2000);
    writeFileSync(from, text);

    await aws('s3', 'cp', from, `s3://${BUCKET}/sweeps/1/a b.json`);
    expect(Buffer.from(bench.objects().get('sweeps/1/a b.json')!.body).toString()).toBe(text);
    expect(bench.objects().get('sweeps/1/a b.json')).toMatchObject({ contentType: 'application/json' });
    await aws('s3', 'cp', `s3://${BUCKET}/sweeps/1/a b.json`, to);
    expect(readFileSync(to, 'utf8')).toBe(text);
    expect((await aws('s3', 'ls', `s3://${BUCKET}/sweeps/1/`)).stdout).toMatch(
      /^2026-01-15 \d\d:\d\d:\d\d +18000 a b\.json\n$/,
    );
    expect((await aws('s3', 'ls', `s3://${BUCKET}/`)).stdout).toMatch(/^ +PRE sweeps\/\n$/);
    await aws('s3', 'rm', `s3://${BUCKET}/sweeps/1/a b.json`);
    expect(bench.objects().size).toBe(0);
    await expect(aws('s3', 'cp', `s3://${BUCKET}/gone`, to)).rejects.toMatchObject({ stderr: containing('(404)') });
    await expect(aws('s3', 'ls', 's3://missing-bucket/')).rejects.toMatchObject({
      stderr: containing('(NoSuchBucket)'),
    });
  });

  it('uploads to the bucket of a served sandbox, and lists it', async () => {
    const { directory: assemblyDirectory } = await ensureAssembly();
    const scenario = await readScenario('sandbox/scenarios/ebs-csi-irsa.json');
    const sandbox = await openSandbox({ scenario, assemblyDirectory, listen: {} });
    closing.push(() => sandbox.close());
    const [bucket = ''] = sandbox.world.buckets.keys();
    const aws = awsAt(sandbox.url!, sandbox.environment!());
    const file = join(newDirectory(), 'locations.json');
    writeFileSync(file, '[]');
    await aws('s3', 'cp', file, `s3://${bucket}/sweeps/one/locations.json`);
    expect((await aws('s3', 'ls', `s3://${bucket}/sweeps/one/`)).stdout).toMatch(/ 2 locations\.json\n$/);
  });
});
