/**
 * The rules of cdk-nag and of CloudFormation find nothing in any configuration. The CDK takes seconds to check the
 * latter, so it does so where something is deployed to AWS, and here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, CfnResource } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { acknowledgeMeasured } from '../../scripts/synthesise.ts';
import { CONFIGURATIONS, EVERYTHING } from './configurations.ts';
import { nagFindingsOf } from './nag.ts';
import { type Configuration, withApp } from './synthesised.ts';

/** What the CDK reports; it throws where a finding is an error. `change`: made to the app first. */
const findingsOf = (configuration: Configuration, change: (app: App) => void = () => undefined): unknown[] =>
  withApp(
    configuration,
    (app, outdir) => {
      acknowledgeMeasured(app);
      change(app);
      app.synth();
      const text = readFileSync(join(outdir, 'validation-report.json'), 'utf8');
      const { pluginReports } = JSON.parse(text) as { pluginReports: { violations: unknown[] }[] };
      return pluginReports.filter(({ violations }) => violations.length > 0);
    },
    true,
  );

it.each(Object.entries(CONFIGURATIONS))('cdk-nag finds nothing in a deployment with %s', (_, configuration) =>
  expect(withApp(configuration, nagFindingsOf)).toEqual([]),
);

describe("CloudFormation's rules", () => {
  it.each(Object.entries(CONFIGURATIONS))('find nothing in a deployment with %s', (_, configuration) =>
    expect(findingsOf(configuration)).toEqual([]),
  );

  it('find a value of the wrong type, and stop the synthesis', () => {
    const wrong = { type: 'AWS::SQS::Queue', properties: { VisibilityTimeout: 'soon' } };
    expect(() =>
      findingsOf(EVERYTHING, (app) => {
        expect(new CfnResource(app.node.findChild('PodIdentityMigrator'), 'Wrong', wrong).ref).toBeTypeOf('string');
      }),
    ).toThrow("VisibilityTimeout: 'soon' is not of type 'integer'");
  });
});
