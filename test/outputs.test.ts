/** The documents show real output: what their commands print today. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { argumentsOf, wordsOf } from '../scripts/documents/command.ts';
import { commandsIn, documentsWithOutputs, shownOf, withOutputs } from '../scripts/outputs.ts';

const DOCUMENTS = documentsWithOutputs().map((name) => ({ name, text: readFileSync(name, 'utf8') }));

describe('documents', () => {
  it.for(DOCUMENTS.filter(({ text }) => commandsIn(text).length > 0))(
    'show what their commands print; `node scripts/outputs.ts` writes it: $name',
    async ({ text }) => expect(text).toBe(await withOutputs(text)),
  );

  it('show a migration, a blocked plan, a workload, a trust policy and the identities of a cluster', () => {
    const commands = DOCUMENTS.flatMap(({ text }) => commandsIn(text)).map((line) => argumentsOf(line)?.[0]);
    expect(commands).toEqual(expect.arrayContaining(['migrate', 'plan', 'migrate-workload', 'trust', 'identities']));
    expect(DOCUMENTS.find(({ name }) => name === 'docs/one-addon.md')?.text).toMatch(/✖ blocked[^]*do: [^]*✔ migrated/);
  });

  it('name scripts that exist', () => {
    const scripts = Object.keys((JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object }).scripts);
    // `--prefix` runs a script of another package.
    const named = DOCUMENTS.flatMap(({ text }) => [
      ...text.matchAll(/npm run (?:--silent )?([\w:-]+)(?! --prefix)\b/g),
    ]).map(([, name]) => name);
    expect(named.length).toBeGreaterThan(1);
    expect(scripts).toEqual(expect.arrayContaining(named));
  });
});

const block = (output: string): string =>
  `Before.\n\n\`\`\`sh\npod-identity --version\n\`\`\`\n\n\`\`\`text\n${output}\`\`\`\n\nAfter.\n`;

describe('an output', () => {
  it('replaces the one in the document, and nothing else', async () => {
    const after = await withOutputs(block('stale\n'));
    expect(after).toMatch(/^Before\.[^]*```text\n\d+\.\d+\.\d+\n```\n\nAfter\.\n$/);
    expect(await withOutputs(after)).toBe(after);
    expect(await withOutputs(block(''))).toBe(after);
  });

  it('can come from elsewhere: the quick start shows each of its commands with one', async () => {
    const page = readFileSync('docs/quick-start.md', 'utf8');
    const run: string[] = [];
    const after = await withOutputs(page, (command) => {
      run.push(command);
      return Promise.resolve(`output ${run.length}`);
    });
    expect(run.map((command) => argumentsOf(command)?.[0])).toEqual(['doctor', 'plan', 'record', 'migrate']);
    expect([...after.matchAll(/^```text\n(.*)\n(?:…\n)?```$/gm)].map(([, shown]) => shown)).toEqual([
      'output 1',
      'output 2',
      'output 3',
      'output 4',
    ]);
  });

  it('is shortened where the document shows its beginning', () => {
    expect([shownOf('1\n2\n3\n', 'a\nb\n…\n'), shownOf('1\n2\n3\n', '…\n')]).toEqual(['1\n2\n…\n', '1\n2\n3\n…\n']);
    expect(shownOf('1\n2\n3\n', 'a\n')).toBe('1\n2\n3\n');
  });

  it('is not invented for a command that prints none, or that is of another program', async () => {
    await expect(withOutputs(block('').replace('--version', 'no-such-command'))).rejects.toThrow('printed nothing');
    await expect(withOutputs(block('').replace('pod-identity --version', 'aws --version'))).rejects.toThrow(
      'Not a command of this program: aws --version',
    );
  });
});

describe('a command line', () => {
  it.each([
    ['pod-identity sweep --cluster \'dev *\' --x="a b"', ['sweep', '--cluster', 'dev *', '--x=a b']],
    ['npm run --silent pod-identity -- plan \\\n  --addon a', ['plan', '--addon', 'a']],
    ['aws eks list-clusters', undefined],
  ])('%j has the arguments %j', (line, expected) => expect(argumentsOf(line)).toEqual(expected));

  it('has the words that a shell would pass', () =>
    expect(wordsOf("a 'b c' d'e f'g \"\" h")).toEqual(['a', 'b c', 'de fg', '', 'h']));
});
