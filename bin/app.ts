/**
 * The app that CDK's command line runs (see cdk.json): bundles the Lambdas, then describes what is deployed, and has
 * cdk-nag's rules look at it: a finding that is not acknowledged fails the synthesis.
 */
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { createApp } from '../lib/app.ts';
import { bundle } from '../scripts/bundle.ts';

// Not the build's own folder, which another process may be reading.
const lambdaDirectory = join(import.meta.dirname, '../dist/synth-lambda');
bundle(lambdaDirectory);
const app = createApp({ lambdaDirectory });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
app.synth();
