/** Runs the minimal clients of docs/api.md, as they are printed there, against the API on loopback. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byApi, reasonToSkip, serveHere, type ServedHere } from './served.ts';
import { scenarioWith } from './fixture.ts';
import { matching } from '../lambdas/matchers.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/api.md'), 'utf8');
const section = page.slice(page.indexOf('## Minimal client'), page.indexOf('## Plan\n'));
/** The block of that language; it waits for a moment where it would wait for seconds. */
const blockOf = (language: string, wait: string, instead: string): string => {
  const [, code = ''] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(section) ?? [];
  expect(code).toContain(wait);
  return code.replace(wait, instead);
};

/** Debian installs it with its awscli. */
const withoutBotocore = (): string | undefined => {
  const missing = reasonToSkip('python3');
  if (missing !== undefined) return missing;
  if (process.env['CI'] === 'true' || spawnSync('python3', ['-c', 'import botocore']).status === 0) return undefined;
  const reason = 'skipped: Python has no botocore (apt-get install python3-botocore)';
  process.stderr.write(`${reason}\n`);
  return reason;
};
const reason = withoutBotocore();

describe('the minimal client of docs/api.md', { timeout: 120_000 }, () => {
  let served: ServedHere;
  let folder: string;
  beforeAll(async () => {
    served = await serveHere(scenarioWith(), 1000);
    // Below the project, whose packages it uses.
    mkdirSync(join(ROOT, 'dist'), { recursive: true });
    folder = mkdtempSync(join(ROOT, 'dist/client-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await served.close();
  });
  const run = (command: string, file: string, code: string) => {
    writeFileSync(join(folder, file), code);
    return served.run(command, [join(folder, file)], byApi(served));
  };

  it('in TypeScript plans a migration, and waits for the plan', async () => {
    const code = blockOf('ts', 'seconds * 1000', '20');
    expect(await run(process.execPath, 'client.mts', code)).toEqual({
      code: 0,
      out: matching(/^migrate \d+\n$/),
      err: '',
    });
    const refused = await run(process.execPath, 'refused.mts', code.replace("'aws-ebs-csi-driver'", "''"));
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('invalid-request: body.addon: ')]);
  });

  it.skipIf(reason !== undefined)(`in Python does the same${reason === undefined ? '' : ` (${reason})`}`, async () => {
    const code = blockOf('python', 'time.sleep(seconds)', 'time.sleep(0.02)');
    expect(await run('python3', 'client.py', code)).toEqual({ code: 0, out: matching(/^migrate \d+\n$/), err: '' });
    const refused = await run('python3', 'refused.py', code.replace('"aws-ebs-csi-driver"', '""'));
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('invalid-request: body.addon: ')]);
  });
});
