/** How the published package calls itself in the commands that it prints. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { programOf } from '../../cli/installed-program.ts';
import * as packedAssembly from '../../cli/assembly.packed.ts';
import * as assembly from '../../cli/assembly.ts';
import * as packedName from '../../cli/program-name.packed.ts';
import * as name from '../../cli/program-name.ts';
import { scratchDirectory } from '../scratch.ts';

const scratch = scratchDirectory();

const BY_NPX = { npm_command: 'exec', npm_lifecycle_event: 'npx' };
const BIN = 'node_modules/.bin/pod-identity';

describe('the program', () => {
  it.each([
    ['installed', {}, 'pod-identity'],
    [
      "by a script of the user's own package, whose PATH has the command",
      { npm_command: 'run', npm_lifecycle_event: 'migrate', npm_package_name: 'another' },
      'pod-identity',
    ],
    [
      'from a checkout',
      { npm_command: 'run', npm_lifecycle_event: 'pod-identity', npm_package_name: manifest.name },
      'npm run --silent pod-identity --',
    ],
    [
      "by a script of that name in the user's own package",
      { npm_command: 'run-script', npm_lifecycle_event: 'pod-identity', npm_package_name: 'another' },
      'pod-identity',
    ],
    ['by npx in a project that has it', BY_NPX, '/p/node_modules/.bin/pod-identity'],
    ['by npx in another package', { ...BY_NPX, npm_package_name: 'another' }, '/p/node_modules/.bin/pod-identity'],
  ])('%s', (_how, environment, program) => expect(programOf(environment, join('/p', BIN))).toBe(program));

  /** The project in npm's cache, as `npx` writes it, with what it has installed the package from. */
  const startedFrom = (how: string, from: string): { started: string; folder: string } => {
    const project = join(scratch, how, '_npx/cd4621b5fc8b2e3c');
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, 'package.json'), JSON.stringify({ dependencies: { [manifest.name]: from } }));
    writeFileSync(join(scratch, how, "it's.tgz"), '');
    return { started: join(project, BIN), folder: join(scratch, how) };
  };

  it('by npx from an archive, which its commands name', () => {
    const { started, folder } = startedFrom('archive', "file:../../it's.tgz");
    const quoted = `'--package=${folder}/it'\\''s.tgz'`;
    expect(programOf(BY_NPX, started)).toBe(`npx --yes ${quoted} pod-identity`);
  });

  it.each([
    ['the registry', '^0.1.0'],
    ['a repository', 'git+ssh://git@example.com/x.git#1'],
    ['an archive that is gone', 'file:../../gone.tgz'],
  ])('by npx from %s, of which its commands name the program that runs, and nothing to look up', (what, from) => {
    const { started } = startedFrom(what.replaceAll(' ', '-'), from);
    expect(programOf(BY_NPX, started)).toBe(started);
  });
});

it.each([
  ['assembly', packedAssembly, assembly],
  ['program-name', packedName, name],
])('modules of the published package %s.packed.ts exports what %s.ts exports', (_name, packed, source) =>
  expect(Object.keys(packed).sort()).toEqual(Object.keys(source).sort()),
);
