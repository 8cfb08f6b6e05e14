/**
 * `node conformance/kubernetes/build/new-version.ts 1.36.0`: writes the module that builds this release of Kubernetes, or
 * updates that of its minor version. Downloads modules; `tools.ts` names the releases that are used.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BUILD_ENVIRONMENT } from '../../build/go.ts';
import { goModFor } from './kubernetes-module.ts';
import { ROOT } from '../../build/program.ts';

const TOOLS = join(import.meta.dirname, '..', 'tools');

const go = (cwd: string, ...words: string[]): string =>
  execFileSync('go', words, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...BUILD_ENVIRONMENT },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** Returns what Go reported: as JSON in its output, or else it has been printed, and the command is the reason. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const output = 'stdout' in error && typeof error.stdout === 'string' ? error.stdout : '';
  return /"Error": "([^"\\]*)/.exec(output)?.[1] ?? error.message.split('\n')[0] ?? '';
};

const [release = '', ...others] = process.argv.slice(2);
if (others.length > 0 || !/^1\.\d{1,3}\.\d{1,3}$/.test(release)) {
  console.error(
    `A release of Kubernetes is needed, such as 1.36.0, not ${JSON.stringify([release, ...others].join(' '))}.\nRun: node conformance/kubernetes/build/new-version.ts 1.36.0`,
  );
  process.exitCode = 2;
} else
  try {
    const { GoMod: path } = JSON.parse(go(ROOT, 'mod', 'download', '-json', `k8s.io/kubernetes@v${release}`)) as {
      GoMod: string;
    };
    const folder = join(TOOLS, `kubernetes-${release.split('.').slice(0, 2).join('.')}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'go.mod'), goModFor(release, readFileSync(path, 'utf8')));
    go(folder, 'mod', 'tidy');
    console.log(
      `${relative(ROOT, folder)} builds Kubernetes ${release}. Name the release in conformance/kubernetes/build/tools.ts.\nRun: node conformance/kubernetes/build/main.ts`,
    );
  } catch (error) {
    console.error(
      `The module of Kubernetes ${release} was not written: ${reasonOf(error)}.\nCheck the release, and that this machine reaches the proxy that go env GOPROXY prints.`,
    );
    process.exitCode = 1;
  }
