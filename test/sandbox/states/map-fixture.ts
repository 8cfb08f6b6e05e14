/** A state machine whose only state is a distributed Map, with a bucket. */
import type { Execution } from '../../../sandbox/states/executions.ts';
import type { RoleState } from '../../../sandbox/world/world.ts';
import { bucketOf } from '../s3/fixture.ts';
import {
  allow,
  type Bench,
  type BenchOptions,
  functionArn,
  invoke,
  MACHINE,
  openBench,
  openService,
  ROLE,
  roleOf,
} from './fixture.ts';

export const BUCKET = 'results-of-dev';
const OBJECTS = `arn:aws:s3:::${BUCKET}/*`;

export const MAP_RUN = /^arn:aws:states:eu-west-1:111122223333:mapRun:machine\/Each:[0-9a-f-]{36}$/;

export const PERMISSIONS = [
  allow('lambda:InvokeFunction', functionArn('*')),
  allow('states:StartExecution', MACHINE),
  allow('s3:GetObject', OBJECTS),
  allow('s3:PutObject', OBJECTS),
  allow('s3:ListBucket', `arn:aws:s3:::${BUCKET}`),
];

/** Reads the items from the object whose key is in the input. */
export const reader = (config: object = {}) => ({
  Items: undefined,
  ItemReader: {
    Resource: 'arn:aws:states:::s3:getObject',
    Arguments: { Bucket: BUCKET, Key: '{% $states.input.key %}' },
    ReaderConfig: { InputType: 'JSON', ...config },
  },
});

export const rolesWith = (...statements: object[]): RoleState[] => [roleOf(ROLE, ...statements)];

export interface MapOptions extends BenchOptions {
  /** The state that each child runs. */
  states?: Record<string, unknown>;
  type?: 'STANDARD' | 'EXPRESS';
}

const processor = ({ states, type = 'STANDARD' }: MapOptions) => ({
  ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: type },
  StartAt: 'Work',
  States: states ?? { Work: invoke('work', { End: true }) },
});

export const definitionOf = (map: Record<string, unknown>, options: MapOptions): Record<string, unknown> => ({
  StartAt: 'Map',
  States: {
    Map: {
      Type: 'Map',
      Label: 'Each',
      Items: '{% $states.input.items %}',
      ItemProcessor: processor(options),
      Next: 'After',
      ...map,
    },
    After: { Type: 'Pass', End: true },
    Caught: { Type: 'Pass', End: true },
  },
});

const optionsOf = (options: MapOptions): BenchOptions => ({
  roles: rolesWith(...PERMISSIONS),
  buckets: [bucketOf({ name: BUCKET })],
  ...options,
});

export const openMap = (map: Record<string, unknown> = {}, options: MapOptions = {}): Bench =>
  openBench(definitionOf(map, options), optionsOf(options));
export const openMapService = (map: Record<string, unknown> = {}, options: MapOptions = {}) =>
  openService(definitionOf(map, options), optionsOf(options));

export const runOf = (bench: Bench, execution: Execution) => {
  const [run] = bench.executions.mapRuns.of(execution.arn);
  if (!run)
    throw new Error(`There is no Map Run: it ended ${execution.status}: ${execution.error}: ${execution.cause}`);
  return run;
};

export const keep = (bench: Bench, key: string, text: string): void => {
  bench.world.buckets
    .get(BUCKET)!
    .objects.set(key, { body: Buffer.from(text), contentType: 'application/json', etag: '', modifiedAt: 0 });
};

export const kept = (bench: Bench): Record<string, unknown> =>
  Object.fromEntries(
    [...bench.world.buckets.get(BUCKET)!.objects].map(([key, { body }]) => [
      key.replace(/[0-9a-f-]{36}/, 'ID'),
      JSON.parse(Buffer.from(body).toString()) as unknown,
    ]),
  );

export const itemsUpTo = (count: number) => ({ items: Array.from({ length: count }, (_, index) => index) });
