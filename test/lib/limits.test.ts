/** Everything of each deployment that AWS limits, with all names as long as AWS makes them, in hub and spoke. */
import { describe, expect, it } from 'vitest';
import { SPOKE_STACK } from '../../lambdas/domain/access/spokes.ts';
import { CONFIGURATIONS, DEFAULT, EVERYTHING, LIST_MAXIMA } from './configurations.ts';
import { type Measured, measuredOf, tooMuchIn } from './measured.ts';
import { type Configuration, synthesised } from './synthesised.ts';

const known = new Map<Configuration, Measured>();
const measured = (configuration: Configuration): Measured => {
  const made = known.get(configuration) ?? measuredOf(configuration);
  known.set(configuration, made);
  return made;
};

describe('what AWS limits', () => {
  // The others are in configurations.grid.test.ts.
  const sample = Object.entries(CONFIGURATIONS).filter(([, one]) => [DEFAULT, EVERYTHING, LIST_MAXIMA].includes(one));

  it.each(sample)('is kept by a deployment with %s', (_, configuration) => {
    const { measures } = measured(configuration);
    expect(measures.length).toBeGreaterThan(100);
    expect(tooMuchIn(measures)).toEqual([]);
  });

  it('is measured in both stacks, of every function, every role and every managed policy', () => {
    const { measures, texts } = measured(LIST_MAXIMA);
    const subjects = new Set(measures.map(({ subject }) => subject));
    for (const stack of ['PodIdentityMigrator', SPOKE_STACK]) {
      expect(subjects).toContain(`the template ${stack}.template.json`);
      const { Resources } = JSON.parse(texts[`${stack}.template.json`]!) as {
        Resources: Record<string, { Type: string }>;
      };
      const idsOf = (type: string) => Object.keys(Resources).filter((logicalId) => Resources[logicalId]!.Type === type);
      for (const logicalId of idsOf('AWS::Lambda::Function'))
        expect(subjects).toContain(`the environment of the function ${logicalId}`);
      for (const logicalId of idsOf('AWS::IAM::Role'))
        expect([...subjects].filter((one) => one.endsWith(` of the role ${logicalId}`))).toEqual(
          ['inline policies', 'managed policies', 'trust policy'].map((kind) => `the ${kind} of the role ${logicalId}`),
        );
      for (const logicalId of idsOf('AWS::IAM::ManagedPolicy'))
        expect(
          [...subjects].filter((one) => one.startsWith('the managed policy') && one.includes(logicalId)),
        ).toHaveLength(1);
    }
  });
});

it('a template has no white space between its values', () => {
  const templates = [DEFAULT, LIST_MAXIMA].flatMap((configuration) => {
    const { texts } = measured(configuration);
    return Object.keys(texts).flatMap((name) => (name.endsWith('.template.json') ? [texts[name]!] : []));
  });
  expect(templates).toHaveLength(3);
  expect(templates.map((text) => JSON.stringify(JSON.parse(text)))).toEqual(templates);
});

it('the environment of a function does not grow with the configuration', () => {
  const environmentsOf = (configuration: Configuration): unknown[] =>
    measured(configuration)
      .measures.filter(({ unit, service }) => unit === 'bytes' && service === 'Lambda')
      .map(({ subject, measured: size }) => [subject.replace(/[0-9A-F]{8}$/, ''), size]);
  const few: Configuration = {
    context: { ...LIST_MAXIMA.context, passableRoleArns: 'role/x', repairableRoleArns: 'role/x' },
    settings: { ...LIST_MAXIMA.settings, accounts: [], regions: undefined, changeWindow: undefined },
  };
  expect(environmentsOf(LIST_MAXIMA)).toEqual(environmentsOf(few));
  expect(synthesised(LIST_MAXIMA.context, LIST_MAXIMA.settings).settings).toMatchObject({
    accounts: expect.objectContaining({ length: 100 }) as unknown,
    passableRoleArns: expect.objectContaining({ length: 100 }) as unknown,
  });
});
