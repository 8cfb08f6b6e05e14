/** The script that writes a release, and the script in it, with a command `aws` that only notes its arguments. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'release-script-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const outdir = join(scratch, 'release');

const script = (...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'scripts/release-template.ts'), ...args], { cwd: scratch, encoding: 'utf8' });

describe('scripts/release-template.ts', () => {
  it('writes a release, and prints how to deploy it', () => {
    const { status, stdout, stderr } = script('--out', 'release');
    expect(stderr).toBe('');
    expect(stdout).toBe('Wrote the release to release. Deploy it with: bash release/deploy.sh BUCKET\n');
    expect(status).toBe(0);
  });

  it.each([
    [[], 'The folder of the release is missing. Usage: '],
    [['--out', 'other', '--config', 'none.yaml'], 'The configuration file none.yaml does not exist.'],
    [['--outdir', 'other'], "Unknown option '--outdir'"],
  ])('refuses %j, and says what is wrong', (args, message) => {
    const { status, stderr } = script(...args);
    expect(stderr.replaceAll(`${scratch}/`, '')).toContain(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(status).toBe(2);
    expect(readdirSync(scratch)).not.toContain('other');
  });
});

describe('deploy.sh', () => {
  const bin = join(scratch, 'bin');
  const log = join(scratch, 'calls');
  const deploy = (...args: string[]) =>
    spawnSync('bash', [join(outdir, 'deploy.sh'), ...args], {
      cwd: scratch,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` },
    });
  beforeAll(() => {
    mkdirSync(bin);
    writeFileSync(join(bin, 'aws'), `#!/bin/sh\necho "$*" >> '${log}'\n`);
    chmodSync(join(bin, 'aws'), 0o755);
    writeFileSync(log, '');
  });

  it.each(['', 'BUCKET', 'releases more'])('asks for a bucket, and calls nothing with "%s"', (given) => {
    expect(deploy(...given.split(' ').filter(Boolean))).toMatchObject({
      stderr: 'Name a bucket in the region of the stack: bash deploy.sh BUCKET\n',
      status: 2,
    });
    expect(readFileSync(log, 'utf8')).toBe('');
  });

  it('uploads every asset to where the template takes it from, then deploys', () => {
    expect(deploy('releases').status).toBe(0);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const prefix = `eks-pod-identity-migrator/${version}/`;
    const assets = readdirSync(outdir).filter((name) => name.endsWith('.zip'));
    expect(readFileSync(log, 'utf8').trimEnd().split('\n')).toEqual([
      ...assets.map((name) => `s3 cp ${name} s3://releases/${prefix}${name}`),
      `cloudformation deploy --stack-name PodIdentityMigrator --template-file template.json --s3-bucket releases --s3-prefix ${prefix}templates --parameter-overrides AssetBucket=releases AssetPrefix=${prefix} --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset`,
      'cloudformation update-termination-protection --stack-name PodIdentityMigrator --enable-termination-protection',
      'cloudformation describe-stacks --stack-name PodIdentityMigrator --query Stacks[0].Outputs --output table',
    ]);
  });
});
