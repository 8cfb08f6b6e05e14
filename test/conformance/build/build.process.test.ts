/** Builds with a program "go" that plays Go: what is built when, and what an interrupted or failed build leaves. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildPrograms, isBuilt } from '../../../conformance/build/build.ts';
import type { Program } from '../../../conformance/build/program.ts';
import { eventually } from '../../eventually.ts';

const BUILD = join(import.meta.dirname, '../../../conformance/build/build.ts');

/** Notes its arguments, prints what Go prints, and writes the output or does what a file "behavior" says. */
const GO = `#!/bin/sh
root=$(dirname "$0")
echo "$*" >> "$root/calls"
if [ "$1" = env ]; then cat "$root/version"; exit; fi
echo "go: downloading example.com/m v1.0.0" >&2
echo "example.com/m" >&2
while [ "$1" != -o ]; do shift; done
case $(cat "$root/behavior") in
  fail) echo "m.go:1:1: undefined: x" >&2; exit 1 ;;
  wait) echo half > "$2"; exec sleep 600 ;;
  *) echo "built $3" > "$2" ;;
esac
`;

let root: string;
let programs: Program[];
const write = (name: string, text: string): void => writeFileSync(join(root, name), text);
const calls = () =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'build-test-'));
  write('go', GO);
  chmodSync(join(root, 'go'), 0o755);
  write('version', 'go1.26.1\n');
  write('behavior', 'build');
  mkdirSync(join(root, 'module'));
  write('module/go.mod', 'module m\n\ngo 1.26\n');
  write('module/go.sum', 'the checksums\n');
  programs = ['first', 'second'].map((name) => ({
    name,
    release: '1.2.3',
    module: join(root, 'module'),
    package: `example.com/${name}`,
    variables: {},
    path: join(root, 'built', name),
  }));
  vi.stubEnv('PATH', `${root}:${process.env['PATH']}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const build = async (): Promise<string[]> => {
  const lines: string[] = [];
  await buildPrograms(programs, (line, transient = false) => {
    if (!transient) lines.push(line);
  });
  return lines;
};

describe('a build', () => {
  it('builds each program once, and says so', async () => {
    expect((await build()).map((line) => line.replace(/in \d.*/, 'in …'))).toEqual([
      expect.stringMatching(/^Building first, second from source\./),
      '1 of 2: building first 1.2.3',
      '1 of 2: built first 1.2.3 in …',
      '2 of 2: building second 1.2.3',
      '2 of 2: built second 1.2.3 in …',
    ]);
    expect(programs.map(({ path }) => readFileSync(path, 'utf8'))).toEqual([
      'built example.com/first\n',
      'built example.com/second\n',
    ]);
    const count = calls().length;
    expect(await build()).toEqual([]);
    expect(calls()).toHaveLength(count);
  });

  it('builds a program again whose module has changed', async () => {
    await build();
    write('module/go.sum', 'other checksums\n');
    expect(programs.map(isBuilt)).toEqual([false, false]);
    await build();
    expect(programs.map(isBuilt)).toEqual([true, true]);
  });

  it('does nothing with a Go that is too old', async () => {
    write('version', 'go1.25.3\n');
    await expect(build()).rejects.toThrow('"go" in PATH is 1.25.3');
    expect([calls(), existsSync(join(root, 'built'))]).toEqual([['env GOVERSION'], false]);
  });

  it('that fails explains the failure, and leaves what was built', async () => {
    await build();
    rmSync(`${programs[1]!.path}.key`);
    write('behavior', 'fail');
    await expect(build()).rejects.toThrow(
      /^Building second 1\.2\.3 failed: go build ended with exit code 1\.\nm\.go:1:1: undefined: x\n/,
    );
    expect(programs.map(isBuilt)).toEqual([true, false]);
  });

  it('that is interrupted leaves nothing that counts as built, and the next one cleans up', async () => {
    write('behavior', 'wait');
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { buildPrograms } = await import(process.argv[1]); await buildPrograms(JSON.parse(process.argv[2]), () => {});`,
        BUILD,
        JSON.stringify(programs),
      ],
      { stdio: 'inherit', detached: true },
    );
    const left = (): string[] => (existsSync(join(root, 'built')) ? readdirSync(join(root, 'built')) : []);
    await eventually(() => expect(left()).toEqual([`first.building-${child.pid}`]));
    const ended = new Promise((resolve) => child.on('exit', resolve));
    // As Ctrl-C does, which reaches Go as well.
    process.kill(-child.pid!, 'SIGINT');
    await ended;
    expect(programs.map(isBuilt)).toEqual([false, false]);
    write('behavior', 'build');
    await build();
    expect(left().toSorted()).toEqual(['first', 'first.key', 'second', 'second.key']);
  });
});
