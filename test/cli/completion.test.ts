import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchDirectory } from '../scratch.ts';
import { runProgram } from './run-program.ts';
import { expectExit, printing } from '../lambdas/matchers.ts';

/** Sources the script in bash, and prints what it proposes for the last word of each line. */
const COMPLETE = `
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_pod_identity_completion
printf '%s\\n' "\${COMPREPLY[@]}"
`;

describe('completion', () => {
  const folder = scratchDirectory();
  let script = '';
  beforeAll(async () => {
    script = join(folder, 'completion.bash');
    writeFileSync(script, (await runProgram('completion', 'bash')).out);
    writeFileSync(join(folder, 'world one.json'), '{}');
  });

  const complete = (...words: string[]): string[] => {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', COMPLETE, 'bash', script, 'pod-identity', ...words], {
      encoding: 'utf8',
      cwd: folder,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout.split('\n').filter((line) => line !== '');
  };

  it.each([
    [['migr'], ['migrate', 'migrate-workload', 'migrations']],
    [['sweep', 'st'], ['stop']],
    [['hand-off', 'p'], ['patch']],
    [['hand-off', 'check', '--terra'], ['--terraform']],
    [['trust', 'check', '--cl'], ['--cluster-arn']],
    [['migrate', '--con'], ['--context']],
    [['migrate', '--cluster', 'demo', '--sand'], ['--sandbox']],
    [['sweep', '--mode', 'plan', '--can'], ['--canary']],
  ])('of %j proposes %j', (words, expected) => expect(complete(...words)).toEqual(expected));

  it('proposes files for options with a file, also with blanks, and nothing for other values', () => {
    expect(complete('migrate', '--sandbox', 'wor')).toEqual(['world one.json']);
    expect(complete('show', '--state', 'wor')).toEqual(['world one.json']);
    expect(complete('hand-off', 'patch', '--terraform', 'wor')).toEqual(['world one.json']);
    expect(complete('migrate', '--cluster', '')).toEqual([]);
  });

  it('is printed for zsh, and refused for another shell', async () => {
    expect(await runProgram('completion', 'zsh')).toMatchObject(printing(0, /bashcompinit/));
    await expectExit(runProgram('completion', 'fish'), 2, 'Use bash or zsh');
  });
});
