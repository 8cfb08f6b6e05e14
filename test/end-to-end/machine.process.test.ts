/** This machine's AWS settings must not reach into the sandbox, nor the sandbox out of it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADDON, SCENARIO, TARGET } from './fixture.ts';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'machine-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (calls: string, environment: Record<string, string>): unknown => {
  const words = [
    'bin/pod-identity.ts',
    'migrate',
    '--sandbox',
    SCENARIO,
    '--cluster',
    TARGET.cluster,
    '--addon',
    ADDON,
    '--json',
    '--calls',
    calls,
  ];
  return JSON.parse(
    execFileSync(process.execPath, words, {
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
};

it('produces the same run and the same call log for every environment and ~/.aws', () => {
  const home = join(folder, 'home');
  mkdirSync(join(home, '.aws'), { recursive: true });
  // Nothing listens there: a call that left the sandbox would fail.
  writeFileSync(
    join(home, '.aws', 'config'),
    '[default]\nregion = us-west-2\nendpoint_url = http://127.0.0.1:9\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\nretry_mode = adaptive\n',
  );
  const plain = join(folder, 'plain.jsonl');
  const odd = join(folder, 'odd.jsonl');
  const report = run(plain, { HOME: folder });
  expect(report).toMatchObject({ outcome: 'migrated' });
  expect(
    run(odd, {
      HOME: home,
      AWS_REGION: 'us-west-1',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_ACCESS_KEY_ID: 'AKIAOTHER',
      AWS_SECRET_ACCESS_KEY: 'other',
      AWS_USE_FIPS_ENDPOINT: 'true',
    }),
  ).toEqual(report);
  expect(readFileSync(odd, 'utf8')).toBe(readFileSync(plain, 'utf8'));
});
