/** A bus with two state machines and a function, in virtual time. */
import type { AssemblyFunction, AssemblyPermission } from '../../../sandbox/assembly/functions.ts';
import type { AssemblyBusPolicy } from '../../../sandbox/assembly/buses.ts';
import type { AssemblyQueue, AssemblyTopic } from '../../../sandbox/assembly/messaging.ts';
import type { AssemblyRule } from '../../../sandbox/assembly/rules.ts';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { EventBus } from '../../../sandbox/events/bus.ts';
import type { Event } from '../../../sandbox/events/event.ts';
import { SourceRuntime } from '../../../sandbox/lambda/source-runtime.ts';
import { Messages } from '../../../sandbox/messaging/messages.ts';
import { Executions } from '../../../sandbox/states/executions.ts';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import { knobs } from '../../../sandbox/scenario/scenario.ts';
import { parsePolicy } from '../../../lambdas/domain/policy/index.ts';
import { allow, functionArn, functionOf, MACHINE, ROLE, roleOf, START, worldOf } from '../states/fixture.ts';

export const OTHER = MACHINE.replace(':machine', ':recover');
export const EVENTS_ROLE = 'arn:aws:iam::111122223333:role/events';
export const rule = (more: Partial<AssemblyRule>): AssemblyRule => ({
  logicalId: 'Rule',
  name: 'rule',
  arn: 'arn:aws:events:eu-west-1:111122223333:rule/rule',
  targets: [],
  ...more,
});
/** Matches only executions of the first machine: a rule that matched its own target would start it endlessly. */
export const ended = rule({
  pattern: {
    source: ['aws.states'],
    detail: { stateMachineArn: [MACHINE], status: ['ABORTED', 'TIMED_OUT', 'FAILED'] },
  },
  targets: [
    {
      id: 'Recover',
      arn: OTHER,
      roleArn: EVENTS_ROLE,
      inputTransformer: { paths: { name: '$.detail.name' }, template: '{"migrationId":<name>}' },
    },
  ],
});
export const VERSION = `${functionArn('find')}:1`;
export const scheduled = rule({ everySeconds: 300, targets: [{ id: 'Find', arn: VERSION }] });
export const permission = (more: Partial<AssemblyPermission> = {}): AssemblyPermission => ({
  functionArn: VERSION,
  action: 'lambda:InvokeFunction',
  service: 'events.amazonaws.com',
  sourceArn: scheduled.arn,
  ...more,
});

export interface Options {
  rules?: AssemblyRule[];
  /** Permissions of the function. */
  permissions?: AssemblyPermission[];
  /** Statements of the role that starts executions. */
  events?: object[];
  find?: (event: Event, attempt: number) => unknown;
  knobs?: object;
  seed?: number;
  topics?: AssemblyTopic[];
  queues?: AssemblyQueue[];
  /** Settings of the function, in addition to its permissions. */
  fn?: Partial<AssemblyFunction>;
  /** Statements of the function's own role. */
  functionRole?: object[];
  busPolicies?: AssemblyBusPolicy[];
}

const arnOf = (service: string, name: string): string => `arn:aws:${service}:eu-west-1:111122223333:${name}`;
/** A resource policy whose statements have no resource. */
export const policiesOf = (statements: object[]) =>
  statements.length === 0 ? [] : [parsePolicy({ Version: '2012-10-17', Statement: statements }, 'resource')];
export const allowEventBridge = (action: string, condition?: object): object => ({
  Effect: 'Allow',
  Principal: { Service: 'events.amazonaws.com' },
  Action: action,
  ...(condition ? { Condition: condition } : {}),
});

export const topicOf = (name: string, ...statements: object[]): AssemblyTopic => ({
  logicalId: name,
  name,
  arn: arnOf('sns', name),
  policies: policiesOf(statements),
  subscriptions: [],
});
export const queueOf = (name: string, ...statements: object[]): AssemblyQueue => ({
  logicalId: name,
  name,
  arn: arnOf('sqs', name),
  policies: policiesOf(statements),
});

export const open = (options: Options = {}) => {
  const {
    permissions = [permission(), permission({ functionArn: functionArn('find') })],
    events = [allow('states:StartExecution', MACHINE, OTHER, `${MACHINE}-gone`)],
  } = options;
  const fn = functionOf('find', { permissions, ...options.fn });
  const world = Object.assign(
    worldOf(options.seed, [roleOf(EVENTS_ROLE, ...events), roleOf(fn.roleArn, ...(options.functionRole ?? []))]),
    { knobs: knobs.parse(options.knobs ?? {}) },
  );
  const authorizer = new Authorizer(world);
  const clock = new VirtualClock(START);
  const seconds = (): number => (clock.now() - START) / 1000;
  const invocations: { at: number; event: Event }[] = [];
  const createInvoker = () => async (payload: unknown) => {
    const event = payload as Event;
    invocations.push({ at: seconds(), event });
    return options.find?.(event, invocations.length);
  };
  const lambda = new SourceRuntime({ world, clock, functions: [fn], steps: { find: {} }, createInvoker, authorizer });
  const definition = {
    QueryLanguage: 'JSONata',
    StartAt: 'Wait',
    States: { Wait: { Type: 'Wait', Seconds: 10, Next: 'Fail' }, Fail: { Type: 'Fail', Error: 'Unexpected' } },
  };
  const recover = { QueryLanguage: 'JSONata', StartAt: 'Done', States: { Done: { Type: 'Pass', End: true } } };
  const executions = new Executions({
    world,
    clock,
    lambda,
    stateMachines: [
      { logicalId: 'M', name: 'machine', arn: MACHINE, definition, roleArn: ROLE },
      { logicalId: 'R', name: 'recover', arn: OTHER, definition: recover, roleArn: ROLE },
    ],
    onStatus: (execution) => bus.executionChanged(execution),
  });
  const messages = new Messages({
    world,
    clock,
    authorizer,
    topics: options.topics ?? [],
    queues: options.queues ?? [],
  });
  const bus = new EventBus({
    world,
    clock,
    lambda,
    authorizer,
    messages,
    functions: [fn],
    rules: options.rules ?? [ended, scheduled],
    busPolicies: options.busPolicies ?? [],
    startExecution: (...given) => executions.start(...given),
  });
  const wait = (milliseconds: number): Promise<void> => clock.spawn(() => clock.sleep(milliseconds));
  return { world, clock, authorizer, bus, executions, invocations, wait, recovered: () => executions.list(OTHER) };
};
