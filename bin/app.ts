/**
 * The app that the CDK command line runs (see cdk.json): checks the settings, bundles the Lambdas, synthesises the stacks
 * and checks them with the rules of cdk-nag. A finding that is not acknowledged fails the synthesis.
 */
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { checkSettings } from '../lib/app.ts';
import { ConfigurationError } from '../lib/config-error.ts';
import { bundle } from '../scripts/bundle.ts';
import { synthesise } from '../scripts/synthesise.ts';

const ROOT = join(import.meta.dirname, '..');
// Not the folder of the build, which another process may be reading.
const lambdaDirectory = join(ROOT, 'dist/synth-lambda');
try {
  // Bundling takes longer than finding out that a setting is wrong.
  checkSettings({ configFolder: ROOT });
  await bundle(lambdaDirectory);
  synthesise(process.env['CDK_OUTDIR'] ?? join(ROOT, 'dist/cdk.out'), {
    lambdaDirectory,
    configFolder: ROOT,
    checked: true,
    prepare: (app) => Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app)),
  });
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  // The message is complete; a stack trace would not help.
  console.error(error.message);
  process.exitCode = 1;
}
