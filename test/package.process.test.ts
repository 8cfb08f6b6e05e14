/**
 * The published package, as its users get it: packed, installed in an empty folder without a registry, and run with the
 * oldest Node that it supports.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archive, installAlone, pack, PACKAGE_NAME, type Ran, run, succeed, withoutNpm } from './packed.ts';
import { matching } from './lambdas/matchers.ts';
import { words } from './words.ts';

const ROOT = join(import.meta.dirname, '..');
const MOST_BYTES = 8_000_000;
const scratch = mkdtempSync(join(tmpdir(), 'package-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Manifest {
  version: string;
  engines: { node: string };
  bin: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
  [field: string]: unknown;
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

interface Report {
  outcome: string;
  migrationId: string;
}

const NODE_FOLDER = join(ROOT, 'tools/oldest-node');
/** Installs the oldest Node, as its lockfile has it. Other systems than Linux have no such package and use their own. */
const installOldestNode = (): string => {
  if (process.platform !== 'linux') return process.execPath;
  const node = join(NODE_FOLDER, 'node_modules/.bin/node');
  if (!existsSync(node)) succeed('npm', ['ci', '--no-audit', '--no-fund'], NODE_FOLDER);
  return node;
};

const empty = join(scratch, 'empty');
const installed = join(empty, 'node_modules', PACKAGE_NAME);
let oldest: string;

beforeAll(() => {
  oldest = installOldestNode();
  installAlone(empty);
});

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

describe('the archive', () => {
  it('has at most 8 MB, and the same bytes each time', () => {
    expect(statSync(archive()).size).toBeLessThan(MOST_BYTES);
    rmSync(join(ROOT, 'dist/package-stamp'), { force: true });
    expect(readFileSync(pack(join(scratch, 'second'))).equals(readFileSync(archive()))).toBe(true);
  });

  it('has the built files, and no source, package or test', () => {
    const files = filesIn(installed);
    expect(files.filter((file) => !file.startsWith('dist/package/'))).toEqual(words`
      CHANGELOG.md LICENSE README.md package.json
    `);
    const kinds = new Set(files.map((file) => /\.[a-z.]*$/.exec(file.replace(/^.*\//, ''))?.[0]));
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([]);
    expect(files.filter((file) => /node_modules|(^|\/)test\//.test(file))).toEqual([]);
    expect([...kinds].filter((kind) => kind === '.map' || kind === '.node')).toEqual([]);
    expect(files.filter((file) => file.endsWith('plan.mjs'))).toEqual(['dist/package/lambda/plan.mjs']);
    expect(files.filter((file) => file.endsWith('.wasm'))).toEqual([
      'dist/package/cli/tree-sitter-terraform.wasm',
      'dist/package/cli/web-tree-sitter.wasm',
    ]);
  });

  it('has what every field of the manifest names', () => {
    const named = [
      ...Object.values(manifest.bin),
      ...Object.values(manifest.exports).flatMap((target) =>
        typeof target === 'string' ? [target] : Object.values(target),
      ),
    ];
    expect(named.length).toBeGreaterThan(6);
    expect(named.filter((file) => !existsSync(join(installed, file)))).toEqual([]);
  });

  it('has no path, user or host of the machine that built it, and no part of the CDK', () => {
    const forbidden = [ROOT, homedir(), hostname(), tmpdir()].filter((text) => text.length > 4);
    const found = filesIn(installed).flatMap((file) => {
      const text = readFileSync(join(installed, file), 'utf8');
      const built = file.startsWith('dist/package/cli/') || file.startsWith('dist/package/trust/');
      const wrong = [...forbidden, ...(built ? ['aws-cdk-lib', 'classic-level'] : [])];
      return wrong.filter((one) => text.includes(one)).map((one) => `${file}: ${one}`);
    });
    expect(found).toEqual([]);
  });

  it('has the licence of everything that it contains', () => {
    const notices = readFileSync(join(installed, 'dist/package/THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of words`
      commander dynalite zod @aws-sdk/client-eks @middy/core jsonata web-tree-sitter
      @tree-sitter-grammars/tree-sitter-hcl
    `)
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
    expect(notices).not.toMatch(/^(vitest|typescript|aws-cdk-lib) /m);
  });

  it('installs nothing else', () =>
    expect(readdirSync(join(empty, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      PACKAGE_NAME.replace(/\/.*/, ''),
    ]));
});

describe('with the oldest supported Node', () => {
  const cli = (...args: string[]): Ran => run(oldest, [join(empty, 'node_modules/.bin/pod-identity'), ...args], empty);
  const report = (...args: string[]): Report => {
    const { status, stdout, stderr } = cli(...args, '--json');
    if (status !== 0) throw new Error(`${args.join(' ')} exited with ${status}:\n${stderr}\n${stdout}`);
    return JSON.parse(stdout) as Report;
  };
  const target = ['--cluster', 'reliability-dev', '--addon', 'aws-ebs-csi-driver'];
  const sandbox = ['--sandbox', 'ebs-csi-irsa'];
  /** The migration of the test that migrates, and a copy of its world from before the rollback. */
  let migrated: string;
  const handedOff = join(scratch, 'handed-off.json');

  it('is the one that the manifest names', () => {
    const named = process.platform === 'linux' ? manifest.engines.node : `>=${process.versions.node}`;
    expect(`>=${succeed(oldest, ['--version'], empty).trim().slice(1)}`).toBe(named);
  });

  it('prints version and help, and nothing else', () => {
    expect(cli('--version')).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
    expect(cli('--help').stdout).toContain('pod-identity plan    --cluster reliability-dev');
  });

  it('plans, migrates and rolls back in the sandbox', () => {
    expect(report('plan', ...target, ...sandbox).outcome).toBe('planned');
    const state = ['--state', join(scratch, 'world.json')];
    const { outcome, migrationId } = report('migrate', ...target, ...sandbox, ...state);
    expect(outcome).toBe('migrated');
    migrated = migrationId;
    copyFileSync(join(scratch, 'world.json'), handedOff);
    expect(report('rollback', migrationId, ...state).outcome).toBe('rolled-back');
    expect(cli('rollback', migrationId, ...state).stderr).not.toMatch(/^ +at /m);
  });

  it('patches and checks Terraform code: it has the parser that it needs', () => {
    const code = join(scratch, 'code');
    cpSync(join(ROOT, 'examples/terraform'), code, { recursive: true });
    const handOff = (command: string, ...more: string[]): Ran =>
      cli('hand-off', command, '--terraform', code, migrated, '--state', handedOff, ...more);
    expect(handOff('check').status).toBe(3);
    const { status, stdout, stderr } = handOff('patch', '--write');
    expect({ status, warned: /warning/i.test(stderr) }).toEqual({ status: 0, warned: false });
    expect(stdout).toContain('+  pod_identity_association {\n');
    expect(handOff('check')).toEqual({ status: 0, stdout: '✔ matches: the code contains what it must.\n', stderr: '' });
  });

  it('runs the deployed functions in processes of their own', () =>
    expect(report('migrate', ...target, ...sandbox, '--clock', 'scaled=500').outcome).toBe('migrated'));

  it('prints commands that can be pasted', () => {
    expect(cli('plan', ...target, ...sandbox).stdout).toMatch(
      /\n {2}pod-identity migrate --cluster reliability-dev .*--sandbox ebs-csi-irsa\n/,
    );
    const env = { ...withoutNpm, npm_config_cache: join(scratch, 'npm'), npm_config_offline: 'true' };
    const byNpx = (cwd: string, ...from: string[]): string =>
      succeed('npx', [...from, 'plan', ...target, ...sandbox], cwd, env);
    const migrate = ' migrate --cluster reliability-dev ';
    expect(byNpx(empty, 'pod-identity')).toContain(`\n  ${join(empty, 'node_modules/.bin/pod-identity')}${migrate}`);
    const started = `npx --yes --package=${archive()} pod-identity`;
    expect(byNpx(scratch, '--yes', `--package=${archive()}`, 'pod-identity')).toContain(`\n  ${started}${migrate}`);
  });

  it('shows the demo, without a warning', () => {
    const { status, stdout, stderr } = cli('demo');
    expect({ status, warned: /warning/i.test(stderr) }).toEqual({ status: 0, warned: false });
    expect(stdout).toContain('is ACTIVE and on EKS Pod Identity');
  });

  it('evaluates a trust policy as a library', () => {
    const module = join(empty, 'trust.mjs');
    writeFileSync(
      module,
      `import { evaluateTrust, parsePolicy } from '${PACKAGE_NAME}/trust';
       import schema from '${PACKAGE_NAME}/scenario.schema.json' with { type: 'json' };
       const policy = parsePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow',
         Principal: { Service: 'pods.eks.amazonaws.com' }, Action: ['sts:AssumeRole', 'sts:TagSession'] } }, 'trust');
       const use = { clusterArn: 'arn:aws:eks:eu-west-1:111122223333:cluster/reliability-dev', namespace: 'kube-system',
         serviceAccount: 'ebs-csi-controller-sa', oidcIssuer: 'oidc.eks.eu-west-1.amazonaws.com/id/ABC' };
       const { podIdentity, irsa } = evaluateTrust(policy, use);
       console.log(JSON.stringify([podIdentity.verdict, irsa.verdict, typeof schema.properties]));`,
    );
    expect(JSON.parse(succeed(oldest, ['--no-warnings', module], empty))).toEqual(['allowed', 'denied', 'object']);
  });

  it('gives the compiler the types of that library, and of the HTTP API', () => {
    writeFileSync(
      join(empty, 'use.ts'),
      `import { evaluate, parsePolicy, type Verdict } from '${PACKAGE_NAME}/trust';
       export const verdictOf = (document: string, request: Parameters<typeof evaluate>[1]): Verdict =>
         evaluate(parsePolicy(document, 'trust'), request).verdict;
       // @ts-expect-error The evaluator takes a policy, not a number.
       evaluate(1, {});
       import type { components, operations, paths } from '${PACKAGE_NAME}/api';
       export const planned: paths['/v1/plans']['post'] extends operations['createPlan'] ? string : never =
         ({ migrationId: 'x' } as components['schemas']['Accepted']).migrationId;
       // @ts-expect-error The API has no such path.
       export type Unknown = paths['/v1/unknown'];`,
    );
    const options = { module: 'nodenext', strict: true, noEmit: true, types: [], skipLibCheck: false };
    writeFileSync(join(empty, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['use.ts'] }));
    expect(run(process.execPath, [join(ROOT, 'node_modules/.bin/tsc'), '-p', empty], empty)).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('a checkout', () => {
  /** Its sources without anything that was built. */
  const SOURCES = words`
    bin cli lambdas lib sandbox scripts cdk.json docs/configuration.schema.json docs/openapi.json package.json
    package-lock.json tsconfig.json
  `;
  const checkout = join(scratch, 'checkout');

  it('compiles itself for the oldest Node, and runs the demo', () => {
    for (const source of SOURCES) cpSync(join(ROOT, source), join(checkout, source), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
    const first = run(oldest, ['bin/pod-identity.mjs', 'demo'], checkout);
    expect(first.stdout).toContain('is ACTIVE and on EKS Pod Identity');
    expect(first).toMatchObject({ status: 0, stderr: matching(/^Compiling the sources/) });
    expect(run(oldest, ['bin/pod-identity.mjs', '--version'], checkout)).toEqual({
      status: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    });
  });

  it('names the command to run if its packages are not installed', () => {
    rmSync(join(checkout, 'node_modules'));
    expect(run(oldest, ['bin/pod-identity.mjs', 'demo'], checkout)).toEqual({
      status: 1,
      stdout: '',
      stderr: 'The sources must be compiled, and the packages that do it are not installed.\nRun: npm ci\n',
    });
  });

  it('runs its sources with the Node of the project, and compiles nothing', () => {
    rmSync(join(checkout, 'dist'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
    expect(run(process.execPath, ['scripts/prepare.mjs'], checkout)).toMatchObject({ status: 0, stderr: '' });
    expect(run(process.execPath, ['bin/pod-identity.mjs', '--version'], checkout).stdout).toBe(`${manifest.version}\n`);
    expect(existsSync(join(checkout, 'dist'))).toBe(false);
  });
});
