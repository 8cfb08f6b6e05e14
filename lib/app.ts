import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { SPOKE_STACK } from '../lambdas/domain/access/spokes.ts';
import { EVERY_ROLE } from './every-role.ts';
import { HubStack } from './hub-stack.ts';
import { readSettings } from './read-settings.ts';
import { SpokeStack } from './spokes/spoke-stack.ts';

const ROOT = join(import.meta.dirname, '..');

export interface AppOptions {
  /** Folder with a bundle for each step, which `scripts/bundle.ts` creates. */
  lambdaDirectory: string;
  /** Folder for the cloud assembly. If absent, CDK's command line chooses it. */
  outdir?: string;
  /** Context that overrides that of `cdk.json`. */
  context?: Record<string, unknown>;
  /**
   * Whether to synthesise for every role of the account, regardless of the context, so that the sandbox can run any
   * scenario. There is no context key for this, so that a deployment to AWS must name its roles.
   */
  everyRole?: boolean;
  /**
   * Folder whose configuration file is used if the context names none. Only CDK's command line sets it, to the
   * project's folder.
   */
  configFolder?: string;
  /**
   * Whether the CDK checks the templates against CloudFormation's rules, which takes seconds, and writes the construct
   * tree. Only a deployment to AWS needs that. Default: false.
   */
  checked?: boolean;
}

/**
 * Context that CDK's command line sets by default: metadata with the construct path and the asset folder of resources.
 */
const METADATA = { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:enable-asset-metadata': true };
/** Disables the CDK's own limit, whose error names no setting. `scripts/synthesise.ts` checks the limit instead. */
const MEASURED_LATER = { '@aws-cdk/core:stackResourceLimit': 0 };

/** Creates an app without stacks. It reads the context of `cdk.json`, which the command line's context overrides. */
function emptyApp({ checked = false, outdir, context: more }: Omit<AppOptions, 'lambdaDirectory'>): App {
  const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };
  return new App({
    outdir,
    context: { ...context, ...METADATA, ...MEASURED_LATER, ...more },
    analyticsReporting: false,
    // An error during the synthesis would leave an assembly without resources. Deploying it would delete all of them.
    autoSynth: false,
    builtinCloudFormationValidation: checked,
    treeMetadata: checked,
  });
}

/** Throws the `ConfigurationError` of `createApp` for invalid settings, before anything is bundled. */
export function checkSettings(options: Pick<AppOptions, 'configFolder' | 'context'>): void {
  // An app creates the folder of its assembly at once.
  const outdir = mkdtempSync(join(tmpdir(), 'settings-'));
  try {
    readSettings(emptyApp({ ...options, outdir }).node, { configFolder: options.configFolder });
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/**
 * Creates the CDK app: the service and, if it serves other accounts, the stack for those. The app has no account or
 * region, so it synthesises offline, and the same template can be deployed anywhere. It reads the context of
 * `cdk.json`, mainly feature flags, so that a build without CDK's command line results in the same template; the
 * command line's context overrides it. Throws `ConfigurationError` for an invalid configuration.
 */
export function createApp(options: AppOptions): App {
  const app = emptyApp(options);
  const forEveryRole = options.everyRole ?? false;
  const settings = readSettings(app.node, { forEveryRole, configFolder: options.configFolder });
  const { migrator } = new HubStack(app, 'PodIdentityMigrator', {
    description: 'Moves EKS add-ons from IRSA to EKS Pod Identity.',
    migrator: { ...settings, lambdaDirectory: options.lambdaDirectory, [EVERY_ROLE]: forEveryRole },
  });
  if (migrator.config.accounts.length > 0)
    // oxlint-disable-next-line eslint/no-new -- a stack adds itself to its app.
    new SpokeStack(app, SPOKE_STACK, { migrator: { ...settings, [EVERY_ROLE]: forEveryRole } });
  return app;
}
