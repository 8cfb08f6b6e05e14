import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { SPOKE_STACK } from '../lambdas/domain/aws/spokes.ts';
import { HubStack } from './hub-stack.ts';
import { SpokeStack } from './spokes/spoke-stack.ts';

const ROOT = join(import.meta.dirname, '..');

export interface AppOptions {
  /** Folder with one bundle for each step, as `scripts/bundle.ts` makes it. */
  lambdaDirectory: string;
  /** Folder for the cloud assembly; CDK's command line chooses it when left out. */
  outdir?: string;
  /** Goes before the context of `cdk.json`. */
  context?: Record<string, unknown>;
  /**
   * For every role of the account, whatever the context says. The sandbox plays any scenario with it; no context key
   * can ask for it, so that what is deployed to AWS names its roles.
   */
  everyRole?: boolean;
  /**
   * Folder whose configuration file counts where the context names none: that of the project, for CDK's command line
   * alone.
   */
  configFolder?: string;
  /**
   * Has the CDK check the templates against CloudFormation's rules, which takes seconds, and write the tree of
   * constructs. Only what is deployed to AWS needs that; off by default.
   */
  checked?: boolean;
}

/** What CDK's command line switches on by default: the construct's path and the asset's folder beside each resource. */
const METADATA = { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:enable-asset-metadata': true };
/** The CDK's own limit is off: its error names no setting. `scripts/synthesise.ts` has it. */
const MEASURED_LATER = { '@aws-cdk/core:stackResourceLimit': 0 };

/**
 * The CDK app: the service itself and, where it works in other accounts, the stack for those. It knows no account and
 * no region: it synthesises offline, and the same template is deployed anywhere. The context of `cdk.json` (feature
 * flags above all) is read here, so that a build without the command line gives the same template; what the command
 * line sets goes before it. Throws ConfigurationError for a configuration that is not right.
 */
export function createApp({ checked = false, ...options }: AppOptions): App {
  const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };
  const app = new App({
    outdir: options.outdir,
    context: { ...context, ...METADATA, ...MEASURED_LATER, ...options.context },
    analyticsReporting: false,
    // An error before its end would leave an assembly without resources: deployed, it would delete them all.
    autoSynth: false,
    builtinCloudFormationValidation: checked,
    treeMetadata: checked,
  });
  const { config } = new HubStack(app, 'PodIdentityMigrator', {
    description: 'Moves EKS add-ons from IRSA to EKS Pod Identity.',
    lambdaDirectory: options.lambdaDirectory,
    forEveryRole: options.everyRole ?? false,
    configFolder: options.configFolder,
  });
  // oxlint-disable-next-line eslint/no-new -- a stack adds itself to its app.
  if (config.accounts.length > 0) new SpokeStack(app, SPOKE_STACK, { config });
  return app;
}
