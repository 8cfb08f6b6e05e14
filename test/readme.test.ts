/** The README shows real output: what the commands print today. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../cli/program.ts';
import { scenarioWith, trustOf, SCENARIO } from './end-to-end/fixture.ts';

const readme = readFileSync('README.md', 'utf8');
/** Fenced blocks, without the fences. */
const blocks = [...readme.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block.trimEnd());

const run = async (scenario: string): Promise<string> => {
  let output = '';
  const io = { stdout: { write: (text: string) => void (output += text) }, stderr: { write: () => undefined } };
  await main(['migrate', '--cluster', 'reliability-dev', '--addon', 'aws-ebs-csi-driver', '--sandbox', scenario], io);
  return output.trimEnd();
};

describe('README', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'readme-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('shows what a migration prints', async () => {
    expect(blocks[0]).toBe(await run(SCENARIO));
  });

  it('shows what a blocked migration prints first', async () => {
    const scenario = scenarioWith((changed) => {
      trustOf(changed).Statement.find(({ Sid }) => Sid === 'PodIdentity')!.Action = 'sts:AssumeRole';
    });
    const file = join(folder, 'without-tag-session.json');
    writeFileSync(file, JSON.stringify(scenario));
    const printed = await run(file);
    expect(blocks[1]!.length).toBeGreaterThan(200);
    expect(printed.slice(0, blocks[1]!.length)).toBe(blocks[1]);
  });

  it('names existing scripts', () => {
    const scripts = Object.keys((JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object }).scripts);
    const named = [...readme.matchAll(/npm run (?:--silent )?([\w-]+)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(1);
    expect(scripts).toEqual(expect.arrayContaining(named));
  });
});
