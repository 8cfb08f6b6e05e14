/** How the published package calls itself in the commands that it prints. */
import { describe, expect, it } from 'vitest';
import { programOf } from '../../cli/installed-program.ts';
import * as packedAssembly from '../../cli/assembly.packed.ts';
import * as assembly from '../../cli/assembly.ts';
import * as packedName from '../../cli/program-name.packed.ts';
import * as name from '../../cli/program-name.ts';

describe('the program', () => {
  it.each([
    ['installed', {}, 'pod-identity'],
    ['by npx', { npm_command: 'exec', npm_lifecycle_event: 'npx' }, 'npx eks-pod-identity-migrator'],
    [
      'by npx in the folder of another package',
      { npm_command: 'exec', npm_lifecycle_event: 'npx', npm_package_name: 'another' },
      'npx eks-pod-identity-migrator',
    ],
    [
      "by a script of the user's own package, whose PATH has the command",
      { npm_command: 'run', npm_lifecycle_event: 'migrate', npm_package_name: 'another' },
      'pod-identity',
    ],
    [
      'from a checkout',
      { npm_command: 'run', npm_lifecycle_event: 'pod-identity', npm_package_name: 'eks-pod-identity-migrator' },
      'npm run --silent pod-identity --',
    ],
    [
      "by a script of that name in the user's own package",
      { npm_command: 'run-script', npm_lifecycle_event: 'pod-identity', npm_package_name: 'another' },
      'pod-identity',
    ],
  ])('%s', (_how, environment, program) => expect(programOf(environment)).toBe(program));
});

describe('modules of the published package', () => {
  it.each([
    ['assembly', packedAssembly, assembly],
    ['program-name', packedName, name],
  ])('%s.packed.ts exports what %s.ts exports', (_name, packed, source) =>
    expect(Object.keys(packed).sort()).toEqual(Object.keys(source).sort()),
  );
});
