/**
 * The Step Functions API over the executions: AWS JSON 1.0. Shapes and errors: Step Functions API Reference.
 */
import { z } from 'zod';
import { type CallContext, ContentResponse, type HttpRequest, type HttpResponse, type Service } from '../http.ts';
import { isJson, type Json } from '../json.ts';
import { sessionOf } from '../authorization/sessions.ts';
import type { World } from '../world/world.ts';
import { unsupportedOperation } from '../unsupported.ts';
import { requiredPermission, isElsewhere, type OperationName } from './authorization.ts';
import type { ChildExecution, StateMachine } from './child-execution.ts';
import { StatesError } from './error.ts';
import type { Executions } from './executions.ts';
import { StateFailure } from './failure.ts';
import { toWire } from './history-wire.ts';
import { pageOf } from './pages.ts';
import { MAX_PAYLOAD_BYTES } from './limits.ts';
import type { MapRun } from './map-run.ts';
import type { WaitingTask } from './task-tokens.ts';

const arn = z.string().min(1).max(256);
const longArn = z.string().min(1).max(2000);
const taskToken = z.string().min(1).max(2048);
const reason = { error: z.string().max(256).optional(), cause: z.string().max(32_768).optional() };
const page = { maxResults: z.number().int().min(0).max(1000).optional(), nextToken: z.string().max(1024).optional() };

const seconds = (milliseconds: number): number => milliseconds / 1000;

const summaryOf = (execution: ChildExecution): Record<string, unknown> => ({
  executionArn: execution.arn,
  stateMachineArn: execution.machine.arn,
  name: execution.name,
  status: execution.status,
  startDate: seconds(execution.startedAt),
  ...(execution.stoppedAt === undefined ? {} : { stopDate: seconds(execution.stoppedAt) }),
  redriveCount: 0,
});

/**
 * `stopDate` is absent while the run is in progress (floci-io/floci#2694, measured on AWS). A bound that the definition
 * leaves out is 0.
 */
const mapRunOf = (run: MapRun): Record<string, unknown> => ({
  mapRunArn: run.arn,
  executionArn: run.executionArn,
  status: run.status,
  startDate: seconds(run.startedAt),
  ...(run.stoppedAt === undefined ? {} : { stopDate: seconds(run.stoppedAt) }),
  maxConcurrency: run.maxConcurrency,
  toleratedFailurePercentage: run.tolerance.percentage ?? 0,
  toleratedFailureCount: run.tolerance.count ?? 0,
  itemCounts: run.itemCounts,
  executionCounts: run.executionCounts,
  redriveCount: 0,
});

const mapRunSummaryOf = (run: MapRun): Record<string, unknown> => ({
  executionArn: run.executionArn,
  mapRunArn: run.arn,
  stateMachineArn: run.stateMachineArn,
  startDate: seconds(run.startedAt),
  ...(run.stoppedAt === undefined ? {} : { stopDate: seconds(run.stoppedAt) }),
});

/** Returns the children of a Map Run, oldest first; Express children are not visible. */
const childrenOf = (executions: Executions, mapRunArn: string, status: string | undefined): Record<string, unknown>[] =>
  executions
    .mapRun(mapRunArn)
    .children.filter(
      ({ execution }) => execution.arn.includes(':execution:') && (status === undefined || execution.status === status),
    )
    .map(({ execution, items }) => ({ ...summaryOf(execution), mapRunArn, itemCount: items }));

const machineSummaryOf = (machine: StateMachine): Record<string, unknown> => ({
  stateMachineArn: machine.arn,
  name: machine.name,
  type: 'STANDARD',
  creationDate: seconds(machine.createdAt),
});

/**
 * Uses a token. The token of a task that no longer waits, for any reason, is refused with AWS's text. AWS's
 * TaskDoesNotExist concerns activities ("The activity does not exist."), which the sandbox does not support.
 */
const use = (executions: Executions, token: string, by: (task: WaitingTask) => boolean): Record<string, unknown> => {
  const task = executions.tokens.find(token);
  if (!task || !by(task))
    throw new StatesError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  return {};
};

interface Operation {
  input: z.ZodType;
  run(input: never, executions: Executions): Record<string, unknown>;
}
const operation = <Input extends z.ZodType>(
  input: Input,
  run: (input: z.output<Input>, executions: Executions) => Record<string, unknown>,
): Operation => ({ input, run });

const OPERATIONS: Record<OperationName, Operation> = {
  StartExecution: operation(
    z.object({
      stateMachineArn: arn,
      name: z.string().optional(),
      input: z.string().optional(),
      traceHeader: z.string().optional(),
    }),
    ({ stateMachineArn, input, name }, executions) => {
      const execution = executions.start(stateMachineArn, input, name);
      return { executionArn: execution.arn, startDate: seconds(execution.startedAt) };
    },
  ),
  DescribeExecution: operation(
    z.object({ executionArn: arn, includedData: z.enum(['ALL_DATA', 'METADATA_ONLY']).default('ALL_DATA') }),
    (input, executions) => {
      const execution = executions.execution(input.executionArn);
      const included = input.includedData === 'ALL_DATA';
      return {
        ...summaryOf(execution),
        ...(execution.mapRunArn === undefined ? {} : { mapRunArn: execution.mapRunArn }),
        ...(included ? { input: execution.input } : {}),
        inputDetails: { included },
        ...(execution.output === undefined
          ? {}
          : { ...(included ? { output: execution.output } : {}), outputDetails: { included } }),
        ...(execution.error === undefined ? {} : { error: execution.error }),
        ...(execution.cause === undefined ? {} : { cause: execution.cause }),
      };
    },
  ),
  GetExecutionHistory: operation(
    z.object({
      executionArn: arn,
      reverseOrder: z.boolean().default(false),
      includeExecutionData: z.boolean().default(true),
      ...page,
    }),
    (input, executions) => {
      const { events } = executions.execution(input.executionArn).history;
      const { items, nextToken } = pageOf(events, input, input.reverseOrder);
      return { events: items.map((event) => toWire(event, input.includeExecutionData)), nextToken };
    },
  ),
  ListExecutions: operation(
    z
      .object({
        stateMachineArn: arn.optional(),
        mapRunArn: longArn.optional(),
        statusFilter: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE']).optional(),
        ...page,
      })
      .refine(
        (input) => (input.stateMachineArn === undefined) !== (input.mapRunArn === undefined),
        'Must provide either stateMachineArn or mapRunArn, not both',
      ),
    ({ stateMachineArn, mapRunArn, ...input }, executions) => {
      // Oldest first, so that a token stays valid when new executions start: pages are taken from the end.
      const all =
        mapRunArn === undefined
          ? executions
              .list(stateMachineArn ?? '', input.statusFilter)
              .toReversed()
              .map(summaryOf)
          : childrenOf(executions, mapRunArn, input.statusFilter);
      const { items, nextToken } = pageOf(all, input, true);
      return { executions: items, nextToken };
    },
  ),
  DescribeMapRun: operation(z.object({ mapRunArn: longArn }), (input, executions) =>
    mapRunOf(executions.mapRun(input.mapRunArn)),
  ),
  ListMapRuns: operation(z.object({ executionArn: arn, ...page }), (input, executions) => {
    const { items, nextToken } = pageOf(
      executions.mapRuns.of(executions.execution(input.executionArn).arn),
      input,
      true,
    );
    return { mapRuns: items.map(mapRunSummaryOf), nextToken };
  }),
  StopExecution: operation(z.object({ executionArn: arn, ...reason }), (input, executions) => {
    const execution = executions.execution(input.executionArn);
    execution.stop(input.error, input.cause);
    return { stopDate: seconds(execution.stoppedAt ?? execution.startedAt) };
  }),
  DescribeStateMachine: operation(z.object({ stateMachineArn: arn }), (input, executions) => {
    const machine = executions.stateMachine(input.stateMachineArn);
    return {
      ...machineSummaryOf(machine),
      status: 'ACTIVE',
      definition: JSON.stringify(machine.definition),
      roleArn: machine.roleArn,
    };
  }),
  ListStateMachines: operation(z.object(page), (input, executions) => {
    const { items, nextToken } = pageOf(executions.stateMachines(), input);
    return { stateMachines: items.map(machineSummaryOf), nextToken };
  }),
  SendTaskSuccess: operation(
    z.object({
      taskToken,
      output: z
        .string()
        .refine(
          (text) => Buffer.byteLength(text) <= MAX_PAYLOAD_BYTES,
          `Member must have length less than or equal to ${MAX_PAYLOAD_BYTES}`,
        ),
    }),
    (input, executions) => {
      // AWS's text is not known. The output is left out, since it may be secret.
      if (!isJson(input.output))
        throw new StatesError('InvalidOutput', "Invalid Output: 'The output is not valid JSON'");
      return use(executions, input.taskToken, (task) =>
        task.decide({ kind: 'succeeded', output: JSON.parse(input.output) as unknown }),
      );
    },
  ),
  SendTaskFailure: operation(z.object({ taskToken, ...reason }), (input, executions) =>
    use(executions, input.taskToken, (task) =>
      task.decide({ kind: 'failed', failure: new StateFailure(input.error, input.cause) }),
    ),
  ),
  SendTaskHeartbeat: operation(z.object({ taskToken }), (input, executions) =>
    use(executions, input.taskToken, (task) => task.heartbeat()),
  ),
};

const isSupported = (name: string): name is OperationName => Object.hasOwn(OPERATIONS, name);

const CONTENT_TYPE = 'application/x-amz-json-1.0';

const parseInput = (name: string, schema: z.ZodType, { content, body }: HttpRequest): unknown => {
  let json: unknown = content;
  try {
    json ??= JSON.parse(Buffer.from(body).toString('utf8') || '{}');
  } catch {
    throw new StatesError('SerializationException', `The body of ${name} is not JSON.`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `Value at '${issue.path.join('.')}' failed to satisfy constraint: ${issue.message}`,
  );
  throw new StatesError(
    'ValidationException',
    `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected: ${problems.join('; ')}`,
  );
};

/**
 * Returns what the call log shows: identifiers, but neither execution data nor tokens, with which anyone could complete
 * a task.
 */
export const summarise = (input: unknown): unknown => {
  const {
    input: _input,
    output: _output,
    cause: _cause,
    taskToken: _taskToken,
    ...shown
  } = input as Record<string, unknown>;
  return shown;
};

/**
 * Returns the denial of a call. For a resource in another account AWS's text is not known: this is IAM's text for that
 * case (IAM User Guide, "Troubleshoot access denied error messages").
 */
const refusalOf = (
  world: World,
  executions: Executions,
  name: OperationName,
  input: unknown,
  context: CallContext,
): string | undefined => {
  const { caller, region } = context;
  const permission = requiredPermission(name, input, {
    caller,
    region,
    machineOf: (token) => executions.tokens.find(token)?.machineArn,
  });
  const denial = context.authorize(permission);
  if (denial || !isElsewhere(permission, caller)) return denial?.message;
  const { action, resource } = permission;
  return `User: ${sessionOf(world, caller)} is not authorized to perform: ${action} on resource: ${resource} because no resource-based policy allows the ${action} action`;
};

/** Creates the service for the sandbox's gateway. It serves all regions: an ARN determines which. */
export const createStatesService = (world: World, executions: Executions): Service => {
  const ids = world.random.fork();

  return (request, context) => {
    const headers = { 'content-type': CONTENT_TYPE, 'x-amzn-requestid': ids.uuid() };
    const answer = (status: number, content: Json): Promise<HttpResponse> =>
      Promise.resolve(new ContentResponse(status, headers, content));
    const name = (request.headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
    if (!isSupported(name)) {
      context.describe(name, {});
      return answer(501, {
        __type: 'NotImplemented',
        message: unsupportedOperation('Step Functions', name, Object.keys(OPERATIONS)),
      });
    }
    try {
      context.describe(name, {});
      const supported = OPERATIONS[name];
      const input = parseInput(name, supported.input, request);
      context.describe(name, summarise(input));
      const refusal = refusalOf(world, executions, name, input, context);
      // In DynamoDB's form, since both use the same framework: no source shows this error on the wire.
      if (refusal !== undefined)
        return answer(400, { __type: 'com.amazon.coral.service#AccessDeniedException', Message: refusal });
      return answer(200, supported.run(input as never, executions));
    } catch (error) {
      if (!(error instanceof StatesError))
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      return answer(400, { __type: error.name, message: error.message });
    }
  };
};
