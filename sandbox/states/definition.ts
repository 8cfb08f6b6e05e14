/**
 * The Amazon States Language, as far as the sandbox supports it: JSONata only.
 * Sources: states-language.net (the specification), Step Functions Developer Guide.
 */
import { z } from 'zod';

/** Strings of the form `{% ... %}` are expressions; all other strings are literal. */
const template = z.unknown();
const assign = z.record(z.string(), template);
const seconds = z.union([z.number().int().min(0).max(99_999_999), z.string()]);
/** A number, or an expression that returns one. */
const numberOr = (schema: z.ZodNumber) =>
  z.union([schema, z.string().regex(/^\{%[^]*%\}$/, 'must be a number or an expression')]);
const errorNames = z.array(z.string().min(1)).min(1);

const common = { Comment: z.string().optional(), QueryLanguage: z.literal('JSONata').optional() };
const results = { Output: template.optional(), Assign: assign.optional() };
const transition = { Next: z.string().optional(), End: z.boolean().optional() };

const retrier = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorNames,
  IntervalSeconds: z.number().int().min(1).max(99_999_999).default(1),
  BackoffRate: z.number().min(1).default(2),
  MaxAttempts: z.number().int().min(0).max(99_999_999).default(3),
  MaxDelaySeconds: z.number().int().min(1).max(31_622_400).optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
});
export type Retrier = z.infer<typeof retrier>;

const catcher = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorNames,
  Next: z.string(),
  ...results,
});
export type Catcher = z.infer<typeof catcher>;

const recovery = { Retry: z.array(retrier).optional(), Catch: z.array(catcher).optional() };

/** Returns whether a Task waits until its token is sent back. */
export const waitsForToken = ({ Resource }: { Resource: string }): boolean => Resource.endsWith('.waitForTaskToken');

const pass = z.strictObject({ Type: z.literal('Pass'), ...common, ...results, ...transition });
const task = z
  .strictObject({
    Type: z.literal('Task'),
    ...common,
    ...results,
    ...transition,
    ...recovery,
    Resource: z.string(),
    Arguments: template.optional(),
    TimeoutSeconds: seconds.optional(),
    HeartbeatSeconds: seconds.optional(),
  })
  // Other tasks have no token to send a heartbeat with: how AWS treats the field there is not known.
  .refine((state) => state.HeartbeatSeconds === undefined || waitsForToken(state), {
    path: ['HeartbeatSeconds'],
    message: 'the sandbox supports "HeartbeatSeconds" only in tasks with .waitForTaskToken',
  })
  .refine(
    ({ HeartbeatSeconds: beat, TimeoutSeconds: all }) =>
      typeof beat !== 'number' || typeof all !== 'number' || beat < all,
    {
      path: ['HeartbeatSeconds'],
      message: 'must be smaller than TimeoutSeconds',
    },
  );
const choice = z.strictObject({
  Type: z.literal('Choice'),
  ...common,
  ...results,
  Choices: z
    .array(
      z.strictObject({
        Comment: z.string().optional(),
        Condition: z.union([z.string(), z.boolean()]),
        Next: z.string(),
        ...results,
      }),
    )
    .min(1),
  Default: z.string().optional(),
});
const wait = z
  .strictObject({
    Type: z.literal('Wait'),
    ...common,
    ...results,
    ...transition,
    Seconds: seconds.optional(),
    Timestamp: z.string().optional(),
  })
  .refine(
    (state) => (state.Seconds === undefined) !== (state.Timestamp === undefined),
    'must have either Seconds or Timestamp',
  );
const succeed = z.strictObject({ Type: z.literal('Succeed'), ...common, Output: template.optional() });
const fail = z.strictObject({
  Type: z.literal('Fail'),
  ...common,
  Error: z.string().optional(),
  Cause: z.string().optional(),
});

const parallelFields = {
  Type: z.literal('Parallel'),
  ...common,
  ...results,
  ...transition,
  ...recovery,
  Arguments: template.optional(),
};
const mapFields = {
  Type: z.literal('Map'),
  ...common,
  ...results,
  ...transition,
  ...recovery,
  Items: z.union([z.string(), z.array(z.unknown())]).optional(),
  ItemSelector: template.optional(),
  MaxConcurrency: numberOr(z.number().int().min(0)).optional(),
};

const itemReader = z.strictObject({
  Resource: z
    .string()
    .regex(
      /^arn:aws[\w-]*:states:::s3:getObject$/,
      "must be arn:aws:states:::s3:getObject: the sandbox's Map supports no other reader",
    ),
  Arguments: template,
  ReaderConfig: z.strictObject({
    InputType: z.literal('JSON', "must be JSON: the sandbox's Map supports no other type"),
    MaxItems: numberOr(z.number().int().min(0).max(100_000_000)).optional(),
  }),
});
export type ItemReader = z.infer<typeof itemReader>;

const itemBatcher = z
  .strictObject({
    BatchInput: template.optional(),
    MaxItemsPerBatch: numberOr(z.number().int().min(1)).optional(),
    MaxInputBytesPerBatch: numberOr(z.number().int().min(1).max(262_144)).optional(),
  })
  .refine(
    (batcher) => batcher.MaxItemsPerBatch !== undefined || batcher.MaxInputBytesPerBatch !== undefined,
    'must have MaxItemsPerBatch or MaxInputBytesPerBatch',
  );
export type ItemBatcher = z.infer<typeof itemBatcher>;

const resultWriter = z
  .strictObject({
    Resource: z
      .string()
      .regex(/^arn:aws[\w-]*:states:::s3:putObject$/, 'must be arn:aws:states:::s3:putObject')
      .optional(),
    Arguments: template.optional(),
    WriterConfig: z
      .strictObject({ Transformation: z.enum(['NONE', 'COMPACT', 'FLATTEN']), OutputType: z.enum(['JSON', 'JSONL']) })
      .optional(),
  })
  .refine(
    (writer) => (writer.Resource === undefined) === (writer.Arguments === undefined),
    'must have both Resource and Arguments, or neither',
  )
  .refine(
    (writer) => writer.Resource !== undefined || writer.WriterConfig !== undefined,
    'must have Resource and Arguments, WriterConfig, or all of them',
  );
export type ResultWriter = z.infer<typeof resultWriter>;

const distributedFields = {
  ItemReader: itemReader.optional(),
  ItemBatcher: itemBatcher.optional(),
  ResultWriter: resultWriter.optional(),
  ToleratedFailurePercentage: numberOr(z.number().min(0).max(100)).optional(),
  ToleratedFailureCount: numberOr(z.number().int().min(0)).optional(),
  Label: z
    .string()
    .min(1)
    .max(40)
    .regex(/^[^\s?*<>{}[\]:;,\\|^~$#%&`"\p{Cc}]+$/u, 'must have no white space, brackets or special characters')
    .optional(),
};

const processorConfig = z.discriminatedUnion('Mode', [
  z.strictObject({ Mode: z.literal('INLINE') }),
  z.strictObject({ Mode: z.literal('DISTRIBUTED'), ExecutionType: z.enum(['STANDARD', 'EXPRESS']) }),
]);
export type ProcessorConfig = z.infer<typeof processorConfig>;

export type PassState = z.infer<typeof pass>;
export type TaskState = z.infer<typeof task>;
export type ChoiceState = z.infer<typeof choice>;
export type WaitState = z.infer<typeof wait>;
export type SucceedState = z.infer<typeof succeed>;
export type FailState = z.infer<typeof fail>;
export type ParallelState = z.infer<z.ZodObject<typeof parallelFields>> & { Branches: StateSet[] };
export type MapState = z.infer<z.ZodObject<typeof mapFields & typeof distributedFields>> & {
  ItemProcessor: StateSet & { ProcessorConfig?: ProcessorConfig | undefined };
};
export type State =
  | PassState
  | TaskState
  | ChoiceState
  | WaitState
  | SucceedState
  | FailState
  | ParallelState
  | MapState;
/** The result fields that every state except Succeed and Fail may have. */
export type StateResults = Pick<PassState, 'Output' | 'Assign'>;

/** The states of a machine, of a Map's iteration or of a Parallel's branch. */
export interface StateSet {
  StartAt: string;
  States: Record<string, State>;
}

const state: z.ZodType<State> = z.lazy(() =>
  z.discriminatedUnion('Type', [pass, task, choice, wait, succeed, fail, parallel, map]),
);
const stateSet = {
  Comment: z.string().optional(),
  StartAt: z.string(),
  States: z.record(z.string().min(1).max(80), state),
};
const parallel = z.strictObject({ ...parallelFields, Branches: z.array(z.strictObject(stateSet)).min(1) });

export const isDistributed = ({
  ItemProcessor: { ProcessorConfig: config },
}: Pick<MapState, 'ItemProcessor'>): boolean => config?.Mode === 'DISTRIBUTED';

const map = z
  .strictObject({
    ...mapFields,
    ...distributedFields,
    ItemProcessor: z.strictObject({ ...stateSet, ProcessorConfig: processorConfig.optional() }),
  })
  .refine(
    (each) => isDistributed(each) || !Object.keys(distributedFields).some((name) => Object.hasOwn(each, name)),
    `has a field of distributed Maps (${Object.keys(distributedFields).join(', ')}) without ProcessorConfig's Mode DISTRIBUTED`,
  )
  .refine(
    (each) => each.ItemReader === undefined || each.Items === undefined,
    'must have ItemReader or Items, not both',
  );

export const definition = z.strictObject({
  ...stateSet,
  QueryLanguage: z.literal('JSONata', 'must be JSONata: the sandbox does not support JSONPath'),
  Version: z.string().optional(),
  TimeoutSeconds: z.number().int().min(1).max(99_999_999).optional(),
});
export type Definition = z.infer<typeof definition>;

/** What an execution runs: a state machine's definition, or the item processor of a distributed Map. */
export type Runnable = StateSet & Pick<Definition, 'TimeoutSeconds'>;
