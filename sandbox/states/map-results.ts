/**
 * Results of a distributed Map's children. Source: Step Functions Developer Guide, "ResultWriter (Map)"; the contents
 * of the files are as in sigpwned.com ("AWS Step Functions Distributed Map ResultWriter Example") and
 * localstack/localstack#11381. Whether an execution can be redriven is left out: the sandbox does not support redrive.
 */
import type { RoleObjects } from '../s3/as-role.ts';
import type { ResultWriter } from './definition.ts';
import type { ChildExecution } from './child-execution.ts';
import type { MapRun } from './map-run.ts';

type Transformation = NonNullable<ResultWriter['WriterConfig']>['Transformation'];

const time = (at: number): string => new Date(at).toISOString();

/** Returns the complete record of a child, for the transformation `NONE`. */
const recordOf = ({
  arn,
  name,
  machine,
  input,
  output,
  error,
  cause,
  status,
  startedAt,
  stoppedAt,
}: ChildExecution): Record<string, unknown> => ({
  ExecutionArn: arn,
  Input: input,
  InputDetails: { Included: true },
  Name: name,
  ...(output === undefined ? {} : { Output: output, OutputDetails: { Included: true } }),
  ...(error === undefined ? {} : { Error: error }),
  ...(cause === undefined ? {} : { Cause: cause }),
  RedriveCount: 0,
  StartDate: time(startedAt),
  StateMachineArn: machine.arn,
  Status: status,
  ...(stoppedAt === undefined ? {} : { StopDate: time(stoppedAt) }),
});

/**
 * "If a child workflow execution fails, Step Functions returns its execution result unchanged", as with the
 * transformation NONE.
 */
const resultsOf = (children: readonly ChildExecution[], transformation: Transformation): unknown[] =>
  children.flatMap((child): unknown[] => {
    if (child.status !== 'SUCCEEDED' || transformation === 'NONE') return [recordOf(child)];
    const output = JSON.parse(child.output ?? 'null') as unknown;
    return transformation === 'FLATTEN' && Array.isArray(output) ? (output as unknown[]) : [output];
  });

/** Returns the state's result if nothing is exported, in the order of the items. */
export const resultOf = (children: readonly ChildExecution[], writer: ResultWriter | undefined): unknown[] =>
  resultsOf(children, writer?.WriterConfig?.Transformation ?? 'COMPACT');

export interface Destination {
  bucket: string;
  /** Omitted: the bucket's root. */
  prefix?: string | undefined;
}

const keyIn = ({ prefix }: Destination, run: MapRun, name: string): string =>
  [...(prefix === undefined || prefix === '' ? [] : [prefix.replace(/\/$/, '')]), run.id, name].join('/');

const JSON_TYPE = 'application/json';

interface ResultFile {
  Key: string;
  Size: number;
}

const manifestOf = (
  destination: Destination,
  run: MapRun,
  files: Record<'FAILED' | 'PENDING' | 'SUCCEEDED', ResultFile[]>,
): string => JSON.stringify({ DestinationBucket: destination.bucket, MapRunArn: run.arn, ResultFiles: files });

/** Checks that the role may write to the destination before anything runs. Throws S3Error. */
export const testDestination = (objects: RoleObjects, destination: Destination, run: MapRun): void => {
  objects.put(
    destination.bucket,
    keyIn(destination, run, 'manifest.json'),
    manifestOf(destination, run, { FAILED: [], PENDING: [], SUCCEEDED: [] }),
    JSON_TYPE,
  );
};

export interface Exported {
  children: readonly ChildExecution[];
  /** JSON texts of the children that did not start. */
  pending: readonly string[];
  writer: ResultWriter;
}

/** Writes the files and the manifest, and returns the state's result. Throws S3Error. */
export const exportResults = (
  objects: RoleObjects,
  destination: Destination,
  run: MapRun,
  { children, pending, writer }: Exported,
): object => {
  const { Transformation: transformation = 'NONE', OutputType: type = 'JSON' } = writer.WriterConfig ?? {};
  const write = (name: string, results: readonly unknown[]): ResultFile[] => {
    if (results.length === 0) return [];
    const key = keyIn(destination, run, `${name}_0.json`);
    const text = type === 'JSON' ? JSON.stringify(results) : results.map((each) => JSON.stringify(each)).join('\n');
    return [{ Key: key, Size: objects.put(destination.bucket, key, text, JSON_TYPE) }];
  };
  const succeeded = children.filter(({ status }) => status === 'SUCCEEDED');
  const files = {
    // "All failed, timed out, and aborted child workflow executions."
    FAILED: write('FAILED', children.filter(({ status }) => status !== 'SUCCEEDED').map(recordOf)),
    PENDING: write(
      'PENDING',
      pending.map((input) => ({ Input: input, InputDetails: { Included: true }, Status: 'PENDING' })),
    ),
    SUCCEEDED: write('SUCCEEDED', resultsOf(succeeded, transformation)),
  };
  const key = keyIn(destination, run, 'manifest.json');
  objects.put(destination.bucket, key, manifestOf(destination, run, files), JSON_TYPE);
  return { MapRunArn: run.arn, ResultWriterDetails: { Bucket: destination.bucket, Key: key } };
};
