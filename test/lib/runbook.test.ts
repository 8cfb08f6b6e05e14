/** The SSM Automation document: valid by its schema, whole in itself, and in step with the request's schemas. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { itemOf } from '../../lambdas/adapters/dynamo-table.ts';
import {
  accountId,
  addonName,
  clusterName,
  namespaceName,
  reason,
  regionName,
  serviceAccountName,
} from '../../lambdas/domain/text/names.ts';
import { kindsOf } from '../../lambdas/domain/acceptance/kinds.ts';
import { migrationRequestFields } from '../../lambdas/domain/request/request.ts';
import {
  automationDocument,
  type AutomationDocument,
  PREDEFINED,
  referencesIn,
  type Step,
  waysOf,
} from './automation-document.ts';
import { EVERYTHING } from './configurations.ts';
import { deployed, Deployment, migrateAddon, recover } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';
import { matching } from '../lambdas/matchers.ts';

const documentOf = (deployment: Deployment): { content: AutomationDocument; properties: Record<string, unknown> } => {
  const { Properties: own } = deployment.resourcesOf('AWS::SSM::Document')[0]![1];
  return { content: automationDocument.parse(deployment.resolve(own.Content)), properties: own };
};
const { content, properties } = documentOf(deployed);
const { parameters, mainSteps } = content;
const stepOf = (name: string): Step => mainSteps.find((step) => step.name === name)!;
const outputsOf = (step: Step): string[] =>
  [...PREDEFINED[step.action], ...(step.outputs ?? []).map(({ Name }) => Name)].map((name) => `${step.name}.${name}`);

const roleOf = (deployment: Deployment): string =>
  deployment
    .resourcesOf('AWS::IAM::Role')
    .find(([, { Properties }]) => JSON.stringify(Properties).includes('ssm.amazonaws.com'))![0];

describe('the document', () => {
  it('is an Automation document, whose name stays when its content changes', () => {
    expect(properties).toMatchObject({
      DocumentType: 'Automation',
      DocumentFormat: 'YAML',
      UpdateMethod: 'NewVersion',
    });
    expect(properties).not.toHaveProperty('Name');
    const [[name]] = deployed.resourcesOf('AWS::SSM::Document') as [[string, unknown]];
    expect(deployed.template.Outputs.RunbookName!.Value).toEqual({ Ref: name });
  });

  it('has steps that lead to others, each by its own name, and to an end', () => {
    const names = mainSteps.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(mainSteps.flatMap(waysOf).filter((name) => !names.includes(name))).toEqual([]);
    expect(mainSteps.filter((step) => (step.isEnd === true) === waysOf(step).length > 0)).toEqual([]);
    expect(names).toEqual(['prepare', 'check', 'decide', 'run', 'report', 'conclude']);
  });

  it('refers to parameters, and to what steps before have put out, whichever way leads there', () => {
    const known = new Set([...Object.keys(parameters), 'automation:EXECUTION_ID']);
    for (const step of mainSteps) {
      expect(
        referencesIn(step.inputs).filter((reference) => !known.has(reference)),
        `of ${step.name}`,
      ).toEqual([]);
      // What fails, or is cancelled, puts nothing out.
      if (step.name !== 'run') for (const output of outputsOf(step)) known.add(output);
    }
    expect(content.outputs.filter((output) => !known.has(output))).toEqual([]);
  });

  it('uses every parameter', () =>
    expect(new Set(referencesIn(stepOf('prepare').inputs))).toEqual(
      new Set([...Object.keys(parameters), 'automation:EXECUTION_ID']),
    ));

  it('starts nothing but where no other migration has the lock, and reports it then too', () => {
    expect(mainSteps.filter((step) => waysOf(step).includes('run')).map(({ name }) => name)).toEqual(['decide']);
    expect(stepOf('decide').inputs).toEqual({
      Choices: [{ NextStep: 'run', Variable: '{{ check.state }}', StringEquals: 'free' }],
      Default: 'report',
    });
    // What can't be looked at is no reason to start.
    expect(stepOf('check')).toMatchObject({ nextStep: 'decide', onFailure: 'Abort', maxAttempts: 3 });
  });

  it('reports whatever becomes of the run, and lets the outcome alone decide', () => {
    expect(stepOf('run')).toMatchObject({
      nextStep: 'report',
      onFailure: 'step:report',
      onCancel: 'step:report',
      isCritical: false,
    });
    expect(stepOf('report')).toMatchObject({ nextStep: 'conclude', onFailure: 'Abort' });
    expect(stepOf('conclude')).toMatchObject({
      isCritical: true,
      isEnd: true,
      inputs: { InputPayload: { good: ['migrated', 'already-migrated', 'planned'] } },
    });
  });

  it('runs MigrateAddon under the name of the migration, and waits as long as it can take once it has begun', () => {
    const { inputs, timeoutSeconds } = stepOf('run');
    expect(inputs).toEqual({
      stateMachineArn: migrateAddon.logicalId,
      name: '{{ prepare.migrationId }}',
      input: '{{ prepare.input }}',
    });
    // Of which waiting for approvals and windows takes 37 days at most; an action takes 30.
    expect(timeoutSeconds).toBeGreaterThanOrEqual(migrateAddon.definition.TimeoutSeconds - 37 * 24 * 3600);
    expect(timeoutSeconds).toBeLessThanOrEqual(2_592_000);
  });

  it('reads the record where the ledger has it', () => {
    const [[table]] = deployed.resourcesOf('AWS::DynamoDB::Table') as [[string, unknown]];
    expect(stepOf('report').inputs).toMatchObject({
      InputPayload: { key: itemOf('{{ prepare.migrationId }}', 'RECORD'), tableName: table },
    });
  });

  it('can go through CloudFormation, which may make text of numbers and truths', () => {
    expect(
      Object.values(parameters).filter((one) => Object.values(one).some((value) => typeof value === 'boolean')),
    ).toEqual([]);
    // Documents have at most 64 KB.
    expect(JSON.stringify(content).length).toBeLessThan(32_768);
    expect(JSON.stringify(content)).toMatch(/^[\x20-\x7e]*$/);
  });
});

const SAMPLES = [
  '',
  'a',
  'A',
  '0',
  '-',
  '_',
  '.',
  'a-b',
  'a.b',
  'a..b',
  'a_b',
  '-a',
  'a-',
  '.a',
  'reliability-dev',
  'aws-ebs-csi-driver',
  'payments',
  'kube-system',
  'ebs-csi-controller-sa',
  '111122223333',
  '11112222333',
  'eu-west-1',
  'us-gov-west-1',
  'eu_west_1',
  'eu-west-12',
  'two words',
  'a\nb',
  'a\n',
  '\na',
  '\u001b[31m',
  'a\u202eb',
  '"quoted"',
  '{"a": 1}',
  '{{ Cluster }}',
  '$(id)',
  'größer',
  '\ud83d\ude80',
  'a/b',
  "it's",
  ...[32, 33, 63, 64, 100, 101, 253, 254, 1024, 1025].map((length) => 'a'.repeat(length)),
  `eu-${'a'.repeat(28)}-1`,
  `eu-${'a'.repeat(27)}-1`,
];

describe('parameters', () => {
  const fields = migrationRequestFields.shape;
  const allowedBy =
    ({ allowedPattern, maxChars = 1e6 }: AutomationDocument['parameters'][string]) =>
    (text: string): boolean =>
      new RegExp(allowedPattern!, 'u').test(text) && text.length <= maxChars;

  it.each([
    ['Cluster', clusterName],
    ['Addon', addonName],
    ['Namespace', namespaceName],
    ['ServiceAccount', serviceAccountName],
    ['Account', accountId],
    ['Region', regionName],
    ['Reason', reason],
  ] as const)('%s takes what the request takes, and nothing else', (name, schema) => {
    const isAllowed = allowedBy(parameters[name]!);
    const mayBeEmpty = parameters[name]!.default === '';
    const samples = SAMPLES.filter((text) => text !== '');
    expect(samples.filter((text) => isAllowed(text) !== schema.safeParse(text).success)).toEqual([]);
    expect(samples.some(isAllowed)).toBe(true);
    expect(isAllowed('')).toBe(mayBeEmpty);
  });

  it.each([
    ['Strategy', fields.strategy.unwrap(), []],
    ['MaxDisruption', fields.maxDisruption.unwrap(), ['by-strategy']],
    ['Trust', fields.trust.unwrap(), []],
    ['Verification', fields.verification.unwrap(), []],
    ['Annotation', fields.annotation.unwrap(), []],
    ['Agent', fields.agent.unwrap(), []],
  ] as const)('%s offers what the request offers', (name, schema, more) => {
    expect(parameters[name]!.allowedValues).toEqual([...more, ...schema.options]);
    expect(parameters[name]!.allowedValues).toContain(parameters[name]!.default);
  });

  it('Accept takes entries of each kind that a migration accepts, with a space between them', () => {
    const isAllowed = allowedBy(parameters['Accept']!);
    const examples = kindsOf('add-on').map(([, { example }]) => example);
    expect(['', ...examples, examples.join(' ')].filter((text) => !isAllowed(text))).toEqual([]);
    expect(['image', 'images:a', 'credential-gap', 'image:a b', 'image:a\n'].filter(isAllowed)).toEqual([]);
  });

  it('default to what the request defaults to, but for the dry run, and ask for the cluster alone', () => {
    const defaults = z.object(fields).parse({ target: { account: '111122223333', region: 'eu-west-1', cluster: 'c' } });
    expect(parameters).toMatchObject({
      DryRun: { default: 'true', allowedValues: ['true', 'false'] },
      Strategy: { default: defaults.strategy },
      Trust: { default: defaults.trust },
      Verification: { default: defaults.verification },
      Annotation: { default: defaults.annotation },
      Agent: { default: defaults.agent },
      Account: { default: '111122223333' },
      Region: { default: 'eu-west-1' },
    });
    expect(
      Object.entries(parameters)
        .filter(([, one]) => one.default === undefined)
        .map(([name]) => name),
    ).toEqual(['Cluster']);
  });
});

describe('the role', () => {
  const statements = deployed.statementsOfRole(roleOf(deployed));

  it('is the one that the document takes, for automations of this account alone', () => {
    expect(content.assumeRole).toMatch(new RegExp(`:${roleOf(deployed)}$`));
    const { AssumeRolePolicyDocument: trust } = deployed.template.Resources[roleOf(deployed)]!.Properties;
    expect(deployed.resolve(trust)).toMatchObject({
      Statement: [
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Principal: { Service: 'ssm.amazonaws.com' },
          Condition: {
            StringEquals: { 'aws:SourceAccount': '111122223333' },
            ArnLike: { 'aws:SourceArn': 'arn:aws:ssm:eu-west-1:111122223333:automation-execution/*' },
          },
        },
      ],
    });
  });

  it('may run MigrateAddon and nothing else, read the ledger, and see whether what holds a lock is running', () => {
    const [[table]] = deployed.resourcesOf('AWS::DynamoDB::Table') as [[string, unknown]];
    const rights = statements.flatMap(({ actions, resources }) =>
      actions.flatMap((action) => resources.map((resource) => `${action} ${resource.split(':').slice(-2).join(':')}`)),
    );
    expect(rights.sort()).toEqual([
      `dynamodb:GetItem function:${table}`,
      `states:DescribeExecution ${migrateAddon.logicalId}:*`,
      `states:DescribeExecution ${recover.logicalId}:*`,
      matching(/^states:DescribeExecution Retire.*:\*$/),
      `states:StartExecution ${migrateAddon.logicalId}`,
      `states:StopExecution ${migrateAddon.logicalId}:*`,
    ]);
    expect(statements.flatMap(({ condition }) => (condition ? [condition] : []))).toEqual([]);
  });

  it("opens the ledger and executions with a customer's key, through their services", () => {
    const sealed = synthesiseWith(EVERYTHING.context, EVERYTHING.settings);
    const ofKey = sealed
      .statementsOfRole(roleOf(sealed))
      .filter(({ actions }) => actions.some((action) => action.startsWith('kms:')));
    expect(ofKey.map(({ actions, condition }) => ({ actions, keys: Object.keys(condition!.StringEquals!) }))).toEqual([
      { actions: ['kms:Decrypt'], keys: ['kms:ViaService', 'kms:EncryptionContext:aws:dynamodb:tableName'] },
      { actions: ['kms:Decrypt'], keys: ['kms:ViaService', 'kms:EncryptionContext:aws:states:stateMachineArn'] },
    ]);
    expect(documentOf(sealed).content.mainSteps).toHaveLength(mainSteps.length);
  });
});
