/** The manifest of the published package, and the files around it, without a build. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { EXIT_CODES } from '../cli/exit-codes.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
interface Manifest {
  name: string;
  version: string;
  engines: { node: string };
  bin: Record<string, string>;
  exports: Record<string, unknown>;
  files: string[];
  scripts: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
  [field: string]: unknown;
}
const manifest = JSON.parse(read('package.json')) as Manifest;

describe('the manifest', () => {
  it('brings no package with it', () => {
    expect([manifest['dependencies'], manifest['optionalDependencies'], manifest['bundleDependencies']]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(Object.keys(manifest.peerDependencies));
    expect(Object.values(manifest.peerDependenciesMeta).every(({ optional }) => optional)).toBe(true);
  });

  it('runs nothing on the machine of its users', () => {
    const atInstall = ['preinstall', 'install', 'postinstall'].filter((script) =>
      Object.hasOwn(manifest.scripts, script),
    );
    expect(atInstall).toEqual([]);
  });

  it('has one command, which npx runs because the name ends with it', () => {
    expect(manifest.name).toMatch(/^@eks-pod-identity-migrator\/pod-identity$/);
    expect(Object.keys(manifest.bin)).toEqual(['pod-identity']);
  });

  it('contains what is built and documents, and exports nothing else', () => {
    const texts = manifest.files.filter((file) => file !== 'dist/package');
    expect(manifest.files).toContain('dist/package');
    expect(texts.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    const targets = JSON.stringify(manifest.exports).match(/"\.\/[^"]*\.(?:mjs|d\.ts|json)"(?!:)/g) ?? [];
    expect(targets.length).toBeGreaterThan(4);
    expect(targets.filter((target) => !/^"\.\/(dist\/package\/|package\.json)/.test(target))).toEqual([]);
  });

  it('states the oldest Node that tests use and the bundles are made for', () => {
    const oldest = manifest.engines.node.replace('>=', '');
    const { optionalDependencies: nodes } = JSON.parse(read('tools/oldest-node/package.json')) as {
      optionalDependencies: Record<string, string>;
    };
    expect(Object.values(nodes)).toEqual([oldest, oldest]);
    expect(read('scripts/package/bundle.ts')).toContain(`const TARGET = 'node${oldest.replace(/\.0$/, '')}';`);
    expect(read('docs/package.md')).toContain(`Node ${oldest.replace(/\.0$/, '')} or newer`);
  });
});

describe('what is made of the package', () => {
  const action = parse(read('action.yml')) as {
    inputs: Record<string, { default?: string }>;
    runs: { using: string; steps: { run: string; env?: Record<string, string> }[] };
  };

  it('is an action of its own checkout, which puts no text of its inputs into a shell', () => {
    const runs = action.runs.steps.map(({ run }) => run);
    expect(runs[0]).toBe('npm --prefix "$GITHUB_ACTION_PATH" ci --ignore-scripts --no-audit --no-fund');
    expect(runs[1]).toContain('\nnode "$GITHUB_ACTION_PATH/bin/pod-identity.mjs" plan ');
    expect([action.runs.using, runs.filter((run) => run.includes('${{'))]).toEqual(['composite', []]);
    const inputs = Object.keys(action.inputs).map((name) => `\${{ inputs.${name} }}`);
    expect(action.runs.steps.flatMap(({ env = {} }) => Object.values(env)).sort()).toEqual(inputs.sort());
    expect(runs[1]).toContain(`if [[ $code -eq ${EXIT_CODES.blocked} && $FAIL_ON_BLOCKED != true ]]`);
  });

  it('is an image of images by digest, without root and shell, which starts the command', () => {
    const stages = read('Dockerfile').split(/^FROM /m);
    expect(stages.slice(1).map((stage) => stage.replace(/\n[^]*/, ''))).toEqual([
      'node:24-bookworm-slim@${NODE_DIGEST} AS install',
      'gcr.io/distroless/nodejs24-debian12:nonroot@${DISTROLESS_DIGEST}',
    ]);
    // Without a default, so that a build names the digests that its owner has reviewed.
    expect(stages[0]?.match(/^ARG .*/gm)).toEqual(['ARG NODE_DIGEST', 'ARG DISTROLESS_DIGEST']);
    expect(stages.at(-1)).toContain(`/node_modules/${manifest.name} `);
    expect(stages.at(-1)).toContain(manifest.bin['pod-identity']);
    expect(stages.at(-1)).not.toMatch(/^RUN /m);
  });
});
