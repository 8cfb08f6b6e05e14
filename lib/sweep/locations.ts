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

/** CDK's own would let the state machine read and write all of the bucket. */
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
 * Child executions at once: each looks at one region of one account, at the pace that the request allows there, so that
 * more of them don't call any account more often. Lambda allows 1,000 invocations at once in a region of an account.
 */
const AT_ONCE = 50;

/** Keeps what failed in one place. Step Functions refuses to create a Map that assigns a variable of an outer scope. */
const FAILURE = 'locationFailure';

const INPUT = '$states.context.Execution.Input';

/** What looks at one region of one account: an execution of its own, whose input is one item of the list. */
function inspectOne(scope: Construct, functions: StepFunctions): sfn.IChainable {
  const failed = failWith(
    scope,
    'LocationFailed',
    `'The look at region ' & ${INPUT}.region & ' of account ' & ${INPUT}.account & ' did not end. ' & ${failureText(FAILURE)}`,
  );
  const look = stepTask(scope, 'take-inventory', {
    functions,
    // The execution's own input is the item; what the state is given is that, or the answer of the call before.
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
      .otherwise(sfn.Succeed.jsonata(scope, 'PlaceLookedAt')),
  );
}

/**
 * Looks at each region of each account of the list that BeginSweep has put into the bucket (variables `sweepId`,
 * `locationsKey`, `mapPrefix`). It never fails by one that can't be looked at. What was found is in the bucket: its answer
 * says nothing of it.
 */
export function inspectLocations(
  scope: Construct,
  { functions, bucket }: { functions: StepFunctions; bucket: s3.IBucket },
): sfn.DistributedMap {
  const child = new Construct(scope, 'Place');
  // Without it CDK knows the older writer alone, whose rights can't be told.
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
