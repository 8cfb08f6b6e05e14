import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { STEPFUNCTIONS_USE_DISTRIBUTED_MAP_RESULT_WRITER_V2 } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import { OF_A_LOCATION } from '../migration/errors.ts';
import { expression, failureText } from '../migration/expressions.ts';
import { failWith } from '../migration/records.ts';
import { catchFailures, sparsePayload, type StepFunctions, stepTask } from '../migration/task.ts';
import { statementOf } from '../permissions/grant.ts';
import { mapReads, mapWrites } from '../permissions/bucket.ts';
import { LOCATIONS_LABEL } from '../permissions/sweep.ts';

/** Replaces CDK's reader and writer, which would allow the state machine to read and write the whole bucket. */
class LocationsReader extends sfn.S3JsonItemReader {
  override providePolicyStatements(): iam.PolicyStatement[] {
    return [statementOf(mapReads(this.bucket.bucketArn))];
  }
}
class ResultsWriter extends sfn.ResultWriterV2 {
  override providePolicyStatements(): iam.PolicyStatement[] {
    return this.bucket ? [statementOf(mapWrites(this.bucket.bucketArn))] : [];
  }
}

/**
 * Maximum number of concurrent child executions. Each inspects a single location at the pace of the request, so that
 * more of them do not increase the rate of calls in any account. Lambda allows 1,000 concurrent invocations per
 * location.
 */
const AT_ONCE = 50;

/**
 * Name of the failure's variable in a child. Step Functions refuses a Map that assigns a variable of an outer scope.
 */
const FAILURE = 'locationFailure';

const INPUT = '$states.context.Execution.Input';

/** Creates the states that inspect a location in a separate execution, whose input is an item of the list. */
function inspectOne(scope: Construct, functions: StepFunctions): sfn.IChainable {
  const failed = failWith(
    scope,
    'LocationFailed',
    `'The inventory of region ' & ${INPUT}.region & ' in account ' & ${INPUT}.account & ' did not finish. ' & ${failureText(FAILURE)}`,
  );
  const look = stepTask(scope, 'take-inventory', {
    functions,
    // The execution's input is the item. The state's input is the item too, or the answer of the previous call.
    payload: sparsePayload<'take-inventory'>({
      sweepId: `${INPUT}.sweepId`,
      account: `${INPUT}.account`,
      region: `${INPUT}.region`,
      after: '$states.input.after',
      tooShortFor: '$states.input.tooShortFor',
    }),
  });
  catchFailures(look, OF_A_LOCATION, { LocationFailed: failed }, { variable: FAILURE });
  return look.next(
    sfn.Choice.jsonata(scope, 'AreAllInspected')
      .when(sfn.Condition.jsonata(expression('$states.input.done = false')), look)
      .otherwise(sfn.Succeed.jsonata(scope, 'LocationInspected')),
  );
}

/**
 * Inspects each location of the list that BeginSweep stored in the bucket (variables `sweepId`, `locationsKey`,
 * `mapPrefix`). A location that cannot be inspected does not make it fail. The results are in the bucket, not in its
 * output.
 */
export function inspectLocations(
  scope: Construct,
  { functions, bucket }: { functions: StepFunctions; bucket: s3.IBucket },
): sfn.DistributedMap {
  const child = new Construct(scope, 'Place');
  // Without this flag CDK has only the older writer, whose rights cannot be set.
  child.node.setContext(STEPFUNCTIONS_USE_DISTRIBUTED_MAP_RESULT_WRITER_V2, true);
  return sfn.DistributedMap.jsonata(child, 'InspectLocations', {
    label: LOCATIONS_LABEL,
    maxConcurrency: AT_ONCE,
    toleratedFailurePercentage: 100,
    mapExecutionType: sfn.StateMachineType.STANDARD,
    itemReader: new LocationsReader({ bucket, key: expression('$locationsKey') }),
    itemSelector: {
      sweepId: expression('$sweepId'),
      account: expression('$states.context.Map.Item.Value.account'),
      region: expression('$states.context.Map.Item.Value.region'),
    },
    resultWriterV2: new ResultsWriter({ bucket, prefix: expression('$mapPrefix') }),
  }).itemProcessor(inspectOne(child, functions));
}
