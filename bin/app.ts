/** The app that CDK's command line runs (see cdk.json): bundles the Lambdas, then describes what is deployed. */
import { join } from 'node:path';
import { createApp } from '../lib/app.ts';
import { bundle } from '../scripts/bundle.ts';

// Not the build's own folder, which another process may be reading.
const lambdaDirectory = join(import.meta.dirname, '../dist/synth-lambda');
bundle(lambdaDirectory);
createApp({ lambdaDirectory }).synth();
