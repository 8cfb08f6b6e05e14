/**
 * What holds in any configuration: the rules of cdk-nag and of CloudFormation find nothing, all limits of AWS are kept, and
 * the policies are as the Service Authorization Reference has them. The CDK takes seconds to check CloudFormation's rules,
 * so it does so where something is deployed to AWS, and here. Each configuration is synthesised once.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, CfnResource } from 'aws-cdk-lib';
import { beforeAll, describe, expect, it } from 'vitest';
import { measuresOfAssembly } from '../../sandbox/assembly/limits.ts';
import { acknowledgeMeasured } from '../../scripts/synthesise.ts';
import { policiesIn } from '../permissions/policies.ts';
import { EXCEPTIONS } from '../permissions/reference-exceptions.ts';
import { findingsIn, withExceptions } from '../permissions/reference.ts';
import { CONFIGURATIONS, DEFAULT } from './configurations.ts';
import { tooMuchIn } from './measured.ts';
import { nagFindingsOf } from './nag.ts';
import { type Configuration, withApp } from './synthesised.ts';

/**
 * Synthesises an app as for a deployment, and passes it to `use` with the folder of its assembly. The CDK throws where a
 * finding is an error. `change`: made to the app first.
 */
const withChecked = <Result>(
  configuration: Configuration,
  use: (outdir: string) => Result,
  change: (app: App) => void = () => undefined,
): Result =>
  withApp(
    configuration,
    (app, outdir) => {
      change(app);
      acknowledgeMeasured(app);
      app.synth();
      return use(outdir);
    },
    true,
  );

/** What the CDK reports. */
const findingsOfRules = (outdir: string): unknown[] => {
  const text = readFileSync(join(outdir, 'validation-report.json'), 'utf8');
  const { pluginReports } = JSON.parse(text) as { pluginReports: { violations: unknown[] }[] };
  return pluginReports.filter(({ violations }) => violations.length > 0);
};

const checked = (name: string, configuration: Configuration) => {
  let nag: string[] | undefined;
  return withChecked(
    configuration,
    (outdir) => ({
      nag,
      rules: findingsOfRules(outdir),
      tooMuch: tooMuchIn(measuresOfAssembly(outdir)),
      policies: policiesIn(outdir, name),
    }),
    (app) => (nag = nagFindingsOf(app)),
  );
};

describe.each(Object.entries(CONFIGURATIONS))('in a deployment with %s', (name, configuration) => {
  let found: ReturnType<typeof checked>;
  beforeAll(() => void (found = checked(name, configuration)));

  it('cdk-nag finds nothing', () => expect(found.nag).toEqual([]));

  it("CloudFormation's rules find nothing", () => expect(found.rules).toEqual([]));

  it('all limits are kept', () => expect(found.tooMuch).toEqual([]));

  it('the policies are as the reference has them', async () => {
    expect(found.policies.length).toBeGreaterThan(50);
    expect(withExceptions(await findingsIn(found.policies), EXCEPTIONS).left).toEqual([]);
  });
});

it("CloudFormation's rules find a value of the wrong type, and stop the synthesis", () => {
  const wrong = { type: 'AWS::SQS::Queue', properties: { VisibilityTimeout: 'soon' } };
  expect(() =>
    withChecked(DEFAULT, findingsOfRules, (app) => {
      expect(new CfnResource(app.node.findChild('PodIdentityMigrator'), 'Wrong', wrong).ref).toBeTypeOf('string');
    }),
  ).toThrow("VisibilityTimeout: 'soon' is not of type 'integer'");
});
