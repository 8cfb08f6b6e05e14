/**
 * `node scripts/release-template.ts [--config FILE] --out FOLDER` writes a release that `aws cloudformation deploy`
 * deploys without the CDK: `template.json`, its assets as .zip files that are named by their content, `deploy.sh` and a
 * README, and `template-spoke.json` if the configuration has other accounts. The same sources and configuration result
 * in the same bytes.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SPOKE_STACK } from '../lambdas/domain/access/spokes.ts';
import { ConfigurationError } from '../lib/config-error.ts';
import { readConfigFile } from '../lib/config-file.ts';
import { isObject, type Json } from '../sandbox/json.ts';
import { build } from './build.ts';
import { deployScript, releaseReadme } from './release/texts.ts';
import { releaseSpoke, releaseTemplate } from './release/template.ts';
import { zipOf } from './release/zip.ts';
import { LAMBDAS } from './stamp.ts';
import { synthesise } from './synthesise.ts';

const ROOT = join(import.meta.dirname, '..');
/** Role patterns of a release without a configuration: those of the examples in the documents. */
export const DEFAULT_ROLES = ['role/eks-addons/*'];

const readJson = (file: string): Json => {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isObject(value)) throw new Error(`${file} is not an object.`);
  return value;
};

/** Returns the folders of the assembly's assets by their key. The templates themselves are no assets here. */
function assetsIn(assembly: string): Map<string, string> {
  const { files } = readJson(join(assembly, 'PodIdentityMigrator.assets.json')) as {
    files: Record<string, { source: { path: string; packaging: string } }>;
  };
  return new Map(
    Object.entries(files).flatMap(([hash, { source }]): [string, string][] =>
      source.packaging === 'zip' ? [[`${hash}.zip`, join(assembly, source.path)]] : [],
    ),
  );
}

export interface ReleaseOptions {
  /** Configuration file. Default: none, with `DEFAULT_ROLES`. */
  config?: string | undefined;
  outdir: string;
}

/**
 * Writes a release into a folder that does not exist or is empty. Throws `ConfigurationError` for a configuration that
 * is invalid or exceeds limits of AWS; then nothing is written.
 */
export async function writeRelease({ config, outdir }: ReleaseOptions): Promise<void> {
  if (existsSync(outdir) && readdirSync(outdir).length > 0)
    throw new ConfigurationError(`The folder ${outdir} is not empty. Name a new one: --out FOLDER`);
  const given = config === undefined ? { passableRoleArns: DEFAULT_ROLES } : readConfigFile(resolve(config));
  await build();
  const assembly = mkdtempSync(join(tmpdir(), 'release-'));
  try {
    const context = config === undefined ? { passableRoleArns: DEFAULT_ROLES } : { config: resolve(config) };
    synthesise(assembly, { lambdaDirectory: LAMBDAS, context });
    const { version } = readJson(join(ROOT, 'package.json')) as { version: string };
    const spoke = join(assembly, `${SPOKE_STACK}.template.json`);
    const hasSpoke = existsSync(spoke);
    const { passableRoleArns } = given as { passableRoleArns: string[] };

    mkdirSync(outdir, { recursive: true });
    const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(outdir, name), content);
    const template = releaseTemplate(readJson(join(assembly, 'PodIdentityMigrator.template.json')));
    write('template.json', `${JSON.stringify(template)}\n`);
    for (const [key, folder] of assetsIn(assembly)) write(key, zipOf(folder));
    if (hasSpoke) write('template-spoke.json', `${JSON.stringify(releaseSpoke(readJson(spoke)))}\n`);
    write('README.md', releaseReadme({ version, passableRoleArns, hasSpoke }));
    write('deploy.sh', deployScript(version));
    chmodSync(join(outdir, 'deploy.sh'), 0o755);
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}

const USAGE = 'Usage: node scripts/release-template.ts [--config FILE] --out FOLDER';

async function main(): Promise<void> {
  const { config, out } = parseArgs({ options: { config: { type: 'string' }, out: { type: 'string' } } }).values;
  if (out === undefined) throw new ConfigurationError(`The folder of the release is missing. ${USAGE}`);
  await writeRelease({ config, outdir: out });
  console.log(`Wrote the release to ${out}. Deploy it with: bash ${join(out, 'deploy.sh')} BUCKET`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!(error instanceof ConfigurationError) && !code.startsWith('ERR_PARSE_ARGS')) throw error;
    console.error(error instanceof ConfigurationError ? error.message : `${(error as Error).message}\n${USAGE}`);
    process.exitCode = 2;
  }
}
