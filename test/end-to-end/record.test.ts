/** `record` with the caller's own credentials, in a sandbox that another process serves as AWS. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../cli/program.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseScenario } from '../../sandbox/world/load.ts';
import { ADDON, TARGET } from './fixture.ts';
import { serve, type Served } from './served.ts';

describe('record of a cluster in AWS', () => {
  let served: Served;
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'record-'));
    served = await serve();
  });
  afterAll(async () => {
    await served?.stop();
    rmSync(directory, { recursive: true });
  });

  it("reads with the caller's credentials, changes nothing, and writes a twin to rehearse on", async () => {
    const { code, out, err } = await served.run(
      process.execPath,
      ['bin/pod-identity.ts', 'record', '--cluster', TARGET.cluster, '--region', TARGET.region],
      {},
    );
    expect(err).toMatch(/^Reading account 111122223333 in eu-west-1 as \S+, at http\S+\. Nothing is changed\./m);
    expect(code).toBe(0);
    const { accounts } = parseScenario(out, 'stdout');
    expect(accounts[0]!.clusters[0]).toMatchObject({ name: TARGET.cluster, addons: expect.arrayContaining([]) });
    const file = join(directory, 'twin.json');
    writeFileSync(file, out);
    let report = '';
    const io = { stdout: { write: (text: string) => void (report += text) }, stderr: { write: () => undefined } };
    const migrated = await main(
      ['migrate', '--cluster', TARGET.cluster, '--addon', ADDON, '--sandbox', file, '--json'],
      io,
    );
    expect(migrated).toBe(0);
    expect(JSON.parse(report)).toMatchObject({ outcome: 'migrated' });
  });
});
