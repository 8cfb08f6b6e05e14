import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { expect, test } from 'vitest';
import { parseDefinition } from '../../../sandbox/states/parse-definition.ts';

/** Without it CDK leaves `resultWriterV2` out without a warning. */
const RESULT_WRITER_V2 = '@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2';

test("CDK's output is accepted", () => {
  const stack = new Stack(
    new App({ context: { [RESULT_WRITER_V2]: true }, builtinCloudFormationValidation: false }),
    'Stack',
  );
  const bucket = new s3.Bucket(stack, 'Bucket');
  const map = sfn.DistributedMap.jsonata(stack, 'Inventory', {
    label: 'Inventory',
    mapExecutionType: sfn.StateMachineType.STANDARD,
    maxConcurrency: 20,
    toleratedFailurePercentage: 100,
    itemReader: new sfn.S3JsonItemReader({
      bucket,
      key: "{% 'sweeps/' & $states.input.sweepId & '/locations.json' %}",
    }),
    itemSelector: { location: '{% $states.context.Map.Item.Value %}' },
    itemBatcher: new sfn.ItemBatcher({ maxItemsPerBatch: 10 }),
    resultWriterV2: new sfn.ResultWriterV2({
      bucket,
      prefix: 'sweeps/results',
      writerConfig: { outputType: sfn.OutputType.JSON, transformation: sfn.Transformation.COMPACT },
    }),
  }).itemProcessor(sfn.Pass.jsonata(stack, 'Look'));
  const definitionBody = sfn.DefinitionBody.fromChainable(map);
  expect(
    new sfn.StateMachine(stack, 'Machine', { queryLanguage: sfn.QueryLanguage.JSONATA, definitionBody }),
  ).toBeDefined();
  const [machine] = Object.values(Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine')) as {
    Properties: { DefinitionString: { 'Fn::Join': [string, unknown[]] } };
  }[];
  const [, parts] = machine!.Properties.DefinitionString['Fn::Join'];
  const text = parts
    .map((part) => (typeof part === 'string' ? part : JSON.stringify(part).includes('Partition') ? 'aws' : 'a-bucket'))
    .join('');
  expect(parseDefinition('machine', JSON.parse(text) as object).States['Inventory']).toMatchObject({
    Type: 'Map',
    Label: 'Inventory',
    ToleratedFailurePercentage: 100,
    ItemReader: { Arguments: { Bucket: 'a-bucket' } },
    ResultWriter: { Arguments: { Bucket: 'a-bucket', Prefix: 'sweeps/results' } },
  });
});
