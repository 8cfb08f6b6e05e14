/** Synthesises the app: into its folder comes an assembly that AWS takes, or nothing. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type App, Validations } from 'aws-cdk-lib';
import { type AppOptions, createApp } from '../lib/app.ts';
import { HubStack } from '../lib/hub-stack.ts';
import { SETTINGS_FOLDER } from '../lib/settings-layer.ts';
import { tooLarge } from '../lib/too-large.ts';
import { excessesOfAssembly } from '../sandbox/assembly/limits.ts';

export interface SynthesisOptions extends Omit<AppOptions, 'outdir'> {
  /** Adds to the app before it is synthesised. */
  prepare?: (app: App) => void;
}

/** The CDK's own warnings about limits: here they are errors, which say what to do. */
const MEASURED_HERE = [
  'Annotation::@aws-cdk/aws-iam:rolePolicyLarge',
  'Annotation::@aws-cdk/aws-iam:rolePolicyTooLarge',
  'Annotation::@aws-cdk/core:Stack.templateSize',
];

const MANIFEST = 'manifest.json';

/** Puts the files of an assembly over those in `outdir`; the manifest, by which it is read, comes last. */
function publish(folder: string, outdir: string): void {
  mkdirSync(outdir, { recursive: true });
  const names = readdirSync(folder).filter((name) => name !== SETTINGS_FOLDER && name !== MANIFEST);
  for (const name of [...names, MANIFEST]) {
    rmSync(join(outdir, name), { recursive: true, force: true });
    renameSync(join(folder, name), join(outdir, name));
  }
}

/**
 * Writes the cloud assembly to `outdir`, beside what else is there. Throws ConfigurationError for a configuration that
 * is not right or comes to more than AWS takes, and whatever the CDK has to say; nothing is written then, and `outdir`
 * stays as it was: a half-written assembly could be deployed, and one without resources would delete them all. Where
 * the CDK finds fault with the templates, by an error or by the exit code alone, the assembly stays beside `outdir`,
 * with the report that the CDK names.
 */
export function synthesise(outdir: string, { prepare, ...options }: SynthesisOptions): void {
  const to = resolve(outdir);
  mkdirSync(dirname(to), { recursive: true });
  const folder = mkdtempSync(join(dirname(to), `.${basename(to)}-`));
  let keep = false;
  try {
    const app = createApp({ ...options, outdir: folder });
    Validations.of(app).acknowledge(
      ...MEASURED_HERE.map((id) => ({ id, reason: 'The synthesis measures this itself.' })),
    );
    prepare?.(app);
    const before = process.exitCode;
    keep = true;
    app.synth();
    if (process.exitCode !== before && Number(process.exitCode) > 0) return;
    keep = false;
    const hub = app.node.children.find((child) => child instanceof HubStack);
    const error = hub && tooLarge(excessesOfAssembly(folder), hub.config);
    if (error) throw error;
    publish(folder, to);
  } finally {
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}
