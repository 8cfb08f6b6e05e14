/** The SDKs: where they come from, in which versions, and how their workers are started. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sdk, SDK_NAMES } from '../../lambdas/domain/verification/credential-variables.ts';
import { buildPrograms, type Print } from '../build/build.ts';
import { goProgram, ROOT } from '../build/program.ts';
import { pythonEnvironment } from '../build/python.ts';
import type { Command } from './workers.ts';

const GO_MODULE = join(import.meta.dirname, 'go');
const GO_SDK = 'github.com/aws/aws-sdk-go-v2/config';
const JAVASCRIPT_SDK = '@aws-sdk/credential-provider-node';

/** Returns the version of a module that a `go.mod` requires, without "v". Throws an Error if it does not require it. */
export const requiredVersion = (goMod: string, module: string): string => {
  const line = goMod.split('\n').find((one) =>
    one
      .trim()
      .replace(/^require /, '')
      .startsWith(`${module} v`),
  );
  if (line === undefined) throw new Error(`go.mod does not require ${module}.`);
  return line.trim().split(' v')[1]?.split(' ')[0] ?? '';
};

export interface Programs {
  commands: Readonly<Record<Sdk, Command>>;
  /** By the names of the packages. */
  versions: Record<string, string>;
}

/** Installs and builds what is not there yet. Throws a `BuildError` if that is not possible. */
export async function preparePrograms(print: Print): Promise<Programs> {
  const python = await pythonEnvironment(
    { name: 'pods', requirements: join(import.meta.dirname, 'requirements.txt') },
    print,
  );
  const goVersion = requiredVersion(readFileSync(join(GO_MODULE, 'go.mod'), 'utf8'), GO_SDK);
  const worker = goProgram({
    tool: 'pods',
    name: 'go-sdk-worker',
    release: goVersion,
    module: GO_MODULE,
    package: '.',
  });
  await buildPrograms([worker], print);
  const own = JSON.parse(readFileSync(join(ROOT, 'node_modules', JAVASCRIPT_SDK, 'package.json'), 'utf8')) as {
    version: string;
  };
  const sdk = (file: string): string => join(import.meta.dirname, 'sdks', file);
  return {
    commands: {
      // Go reads these when it first needs them, and keeps them.
      go: {
        name: SDK_NAMES.go,
        program: worker.path,
        args: [],
        once: ['HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy'],
      },
      botocore: { name: SDK_NAMES.botocore, program: python.python, args: [sdk('botocore_worker.py')], once: [] },
      javascript: { name: SDK_NAMES.javascript, program: process.execPath, args: [sdk('javascript.ts')], once: [] },
    },
    versions: {
      botocore: python.versionOf('botocore'),
      [JAVASCRIPT_SDK]: own.version,
      [GO_SDK.replace('github.com/aws/', '')]: goVersion,
    },
  };
}
