/** EventBridge: the default bus and the rules of the application. */
import type { AssemblyRule, AssemblyTarget } from '../assembly/rules.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { isFunctionArn } from '../lambda/arn.ts';
import { InvokeRefusal, type LambdaRuntime } from '../lambda/runtime.ts';
import type { SandboxClock, Timer, TimerOptions } from '../world/clock.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { type Event, type ExecutionStatus, scheduledEvent, statusChange } from './event.ts';
import { inputFor } from './input.ts';
import { compile, PatternError } from './pattern.ts';

export interface EventBusOptions {
  world: World;
  clock: SandboxClock;
  rules: AssemblyRule[];
  lambda: LambdaRuntime;
  /** Judges the roles that targets are called as. */
  authorizer: Authorizer;
  /** Starts an execution; throws what the API refuses. */
  startExecution: (stateMachineArn: string, input: string, name: string) => unknown;
}

/** Who calls a function for EventBridge. */
const EVENTS_PRINCIPAL = 'events.amazonaws.com';

/** Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation": after one minute, then after two. */
const RETRIES_MILLISECONDS = [60_000, 120_000];

const compileRule = (rule: AssemblyRule): { rule: AssemblyRule; matches: (event: Event) => boolean } => {
  const nobody = rule.targets.find(({ arn, roleArn }) => roleArn === undefined && !isFunctionArn(arn));
  if (nobody) throw new Error(`The sandbox's EventBridge can't run the rule ${rule.name}: its target ${nobody.id} is a state machine, which EventBridge starts as a role. Give the target a RoleArn.`);
  if (!rule.pattern) return { rule, matches: () => false };
  try {
    return { rule, matches: compile(rule.pattern) };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new Error(`The sandbox's EventBridge can't run the rule ${rule.name}: it has ${error.message}. Use exact values, prefix, anything-but, exists or $or.`, { cause: error });
  }
};

export class EventBus {
  private readonly options: EventBusOptions;
  private readonly rules: ReturnType<typeof compileRule>[];
  private readonly ids: Random;
  private readonly timers = new Set<Timer>();
  private isClosed = false;

  /** Throws an Error for a pattern that the sandbox can't compare, and for a state machine that no role starts. */
  constructor(options: EventBusOptions) {
    this.options = options;
    this.rules = options.rules.map(compileRule);
    this.ids = options.world.random.fork();
    for (const { rule } of this.rules) if (rule.everySeconds !== undefined) this.tick(rule, rule.everySeconds * 1000);
  }

  /** Step Functions tells that an execution has begun or ended. */
  executionChanged(execution: ExecutionStatus): void {
    const { world, clock } = this.options;
    if (world.knobs.eventsLost) return;
    const [, , , region = '', account = ''] = execution.arn.split(':');
    const event = statusChange(execution, { id: this.ids.uuid(), account, region, at: clock.now() });
    this.after(world.knobs.eventLagSeconds * 1000, () => this.deliver(event));
  }

  /** No rule fires any more. */
  close(): void {
    this.isClosed = true;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
  }

  private after(milliseconds: number, run: () => void, options?: TimerOptions): void {
    if (this.isClosed) return;
    const timer = this.options.clock.timer(milliseconds, options);
    this.timers.add(timer);
    void timer.elapsed.then(() => {
      this.timers.delete(timer);
      return this.isClosed ? undefined : run();
    });
  }

  private tick(rule: AssemblyRule, milliseconds: number): void {
    this.after(
      milliseconds,
      () => {
        const [, , , region = '', account = ''] = rule.arn.split(':');
        this.fire(rule, scheduledEvent(rule.arn, { id: this.ids.uuid(), account, region, at: this.options.clock.now() }));
        this.tick(rule, milliseconds);
      },
      { background: true },
    );
  }

  private deliver(event: Event): void {
    for (const { rule, matches } of this.rules) if (matches(event)) this.fire(rule, event);
  }

  private fire(rule: AssemblyRule, event: Event): void {
    for (const target of rule.targets) {
      const input = inputFor(target, rule, event);
      if (isFunctionArn(target.arn)) this.invoke(target, rule, JSON.parse(input), 0);
      else this.start(target, input, `${event.id}_${this.ids.uuid()}`);
    }
  }

  /**
   * As Lambda's queue of asynchronous invocations does it. What Lambda refuses does not come that far, and EventBridge
   * does not try again without a right or without a function (EventBridge User Guide, "Using dead-letter queues to process
   * undelivered events"): the event goes to the dead-letter queue, which is not played.
   */
  private invoke(target: AssemblyTarget, rule: AssemblyRule, payload: unknown, attempt: number): void {
    const { clock, lambda } = this.options;
    void clock.spawn(() =>
      clock.park(lambda.invoke(target.arn, payload, { caller: EVENTS_PRINCIPAL, sourceArn: rule.arn })).then(
        () => undefined,
        (error: unknown) => {
          const pause = error instanceof InvokeRefusal ? undefined : RETRIES_MILLISECONDS[attempt];
          if (pause !== undefined) this.after(pause, () => this.invoke(target, rule, payload, attempt + 1), { background: true });
        },
      ),
    );
  }

  /** The call log has it, as it has every call of a service. What is refused is not tried again, see `invoke`. */
  private start({ arn, roleArn = '' }: AssemblyTarget, input: string, name: string): void {
    const { world, clock, authorizer, startExecution } = this.options;
    const [, , , region = '', account = ''] = arn.split(':');
    const call = { at: new Date(clock.now()).toISOString(), service: 'states', operation: 'StartExecution', mutating: true, caller: roleArn, account, region, input: { stateMachineArn: arn, name } };
    const asRole = { accessKeyId: '', principalArn: roleArn, account: roleArn.split(':')[4] ?? '' };
    const denial = authorizer.authorize(asRole, { action: 'states:StartExecution', resource: arn }, region);
    if (denial) {
      world.log.add({ ...call, status: 400, error: 'AccessDeniedException', denied: denial.action });
      return;
    }
    try {
      startExecution(arn, input, name);
      world.log.add({ ...call, status: 200 });
    } catch (error) {
      world.log.add({ ...call, status: 400, error: error instanceof Error ? error.name : String(error) });
    }
  }
}
