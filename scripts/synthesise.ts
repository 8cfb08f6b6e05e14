/** Synthesises the app. Writes the assembly only if it exceeds no limit of AWS. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type App, Validations } from 'aws-cdk-lib';
import { type AppOptions, createApp } from '../lib/app.ts';
import { HubStack } from '../lib/hub-stack.ts';
import { SETTINGS_FOLDER } from '../lib/settings-layer.ts';
import { tooLarge } from '../lib/too-large.ts';
import { excessesOfAssembly } from '../sandbox/assembly/limits.ts';

export interface SynthesisOptions extends Omit<AppOptions, 'outdir'> {
  /** Extends the app before it is synthesised. */
  prepare?: (app: App) => void;
}

/** The CDK's own warnings about limits, which are replaced by errors with a remedy. */
const MEASURED_HERE = [
  'Annotation::@aws-cdk/aws-iam:rolePolicyLarge',
  'Annotation::@aws-cdk/aws-iam:rolePolicyTooLarge',
  'Annotation::@aws-cdk/core:Stack.templateSize',
];

/** Silences the CDK's warnings about limits that the synthesis measures itself. */
export const acknowledgeMeasured = (app: App): void =>
  Validations.of(app).acknowledge(
    ...MEASURED_HERE.map((id) => ({ id, reason: 'The synthesis measures this itself.' })),
  );

const MANIFEST = 'manifest.json';

/** Moves the files of an assembly to `outdir`; the manifest, which readers open first, comes last. */
function publish(folder: string, outdir: string): void {
  mkdirSync(outdir, { recursive: true });
  const names = readdirSync(folder).filter((name) => name !== SETTINGS_FOLDER && name !== MANIFEST);
  for (const name of [...names, MANIFEST]) {
    rmSync(join(outdir, name), { recursive: true, force: true });
    renameSync(join(folder, name), join(outdir, name));
  }
}

/**
 * Writes the cloud assembly to `outdir`, in addition to the files that exist there. Throws `ConfigurationError` for a
 * configuration that is invalid or exceeds limits of AWS, and the CDK's own errors. Then `outdir` is unchanged, because
 * an incomplete assembly could be deployed, and would delete the missing resources. If the CDK rejects the templates,
 * by an error or only by the exit code, the assembly stays next to `outdir`, with the report that the CDK names.
 */
export function synthesise(outdir: string, { prepare, ...options }: SynthesisOptions): void {
  const to = resolve(outdir);
  mkdirSync(dirname(to), { recursive: true });
  const folder = mkdtempSync(join(dirname(to), `.${basename(to)}-`));
  let keep = false;
  try {
    const app = createApp({ ...options, outdir: folder });
    acknowledgeMeasured(app);
    prepare?.(app);
    const before = process.exitCode;
    keep = true;
    app.synth();
    if (process.exitCode !== before && Number(process.exitCode) > 0) return;
    keep = false;
    const hub = app.node.children.find((child) => child instanceof HubStack);
    const error = hub && tooLarge(excessesOfAssembly(folder), hub.migrator.config);
    if (error) throw error;
    publish(folder, to);
  } finally {
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}
