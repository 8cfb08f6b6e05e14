/** EventBridge: the default buses and the application's rules. */
import type { ParsedPolicy } from '../../lambdas/domain/policy/index.ts';
import type { AssemblyFunction } from '../assembly/functions.ts';
import type { AssemblyBusPolicy } from '../assembly/buses.ts';
import type { AssemblyRule } from '../assembly/rules.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { AsyncInvocations } from '../lambda/async-invocations.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import type { Messages } from '../messaging/messages.ts';
import type { SandboxClock } from '../clock/clock.ts';
import { Later } from '../clock/later.ts';
import { Random } from '../random.ts';
import { untilTick } from '../clock/ticks.ts';
import type { World } from '../world/world.ts';
import {
  customEvent,
  type Entry,
  type Event,
  type ExecutionStatus,
  readEvent,
  scheduledEvent,
  statusChange,
} from './event.ts';
import { compile, PatternError } from './pattern.ts';
import { needsRole, Targets, type TargetsOptions } from './targets.ts';

export interface EventBusOptions {
  world: World;
  clock: SandboxClock;
  rules: AssemblyRule[];
  functions: readonly AssemblyFunction[];
  lambda: LambdaRuntime;
  messages: Messages;
  /** Evaluates the permissions of the targets' roles. */
  authorizer: Authorizer;
  startExecution: TargetsOptions['startExecution'];
  /** The buses' resource policies; default: none. */
  busPolicies?: readonly AssemblyBusPolicy[];
}

/** Every account has a default bus in every region. */
export interface BusLocation {
  account: string;
  region: string;
}

const locationOf = (arn: string): BusLocation => {
  const [, , , region = '', account = ''] = arn.split(':');
  return { account, region };
};

interface CompiledRule {
  rule: AssemblyRule;
  /** The account and region of the rule's bus. */
  location: BusLocation;
  matches: (event: Event) => boolean;
}

const compileRule = (rule: AssemblyRule): CompiledRule => {
  const location = locationOf(rule.arn);
  const withoutRole = rule.targets.find(({ arn, roleArn }) => roleArn === undefined && needsRole(arn));
  if (withoutRole)
    throw new Error(
      `The sandbox's EventBridge cannot run the rule ${rule.name}: its target ${withoutRole.id} is a state machine or a bus, for which EventBridge assumes a role. Give the target a RoleArn.`,
    );
  if (!rule.pattern) return { rule, location, matches: () => false };
  try {
    return { rule, location, matches: compile(rule.pattern) };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const operators =
      'exact values, prefix, suffix, wildcard, equals-ignore-case, anything-but, numeric, exists or $or';
    throw new Error(
      `The sandbox's EventBridge cannot run the rule ${rule.name}: its pattern has ${error.message}. Use ${operators}.`,
      { cause: error },
    );
  }
};

/** Separates the ids of put events from the world's shared random sequence. */
const OWN_STREAM = 0x65_76_65_6e;

export class EventBus {
  private readonly options: EventBusOptions;
  private readonly rules: CompiledRule[];
  private readonly targets: Targets;
  private readonly ids: Random;
  private readonly putIds: Random;
  private readonly later: Later;

  /**
   * Throws an Error for a pattern that the sandbox cannot evaluate, and for a state machine or bus target without a
   * role.
   */
  constructor(options: EventBusOptions) {
    const { world, clock, lambda, functions, messages, authorizer, startExecution } = options;
    this.options = options;
    this.rules = options.rules.map(compileRule);
    this.later = new Later(clock);
    const invocations = new AsyncInvocations({
      clock,
      lambda,
      functions,
      messages,
      after: (milliseconds, run) => this.later.after(milliseconds, run, { background: true }),
    });
    this.targets = new Targets({
      world,
      clock,
      authorizer,
      invocations,
      messages,
      startExecution,
      policiesOf: (arn) => this.policiesOf(arn),
      forward: (event, arn) => this.dispatch(event, locationOf(arn)),
    });
    this.ids = world.random.fork();
    this.putIds = new Random(world.seed ^ OWN_STREAM);
    for (const { rule } of this.rules) if (rule.everySeconds !== undefined) this.tick(rule, rule.everySeconds * 1000);
  }

  /** Step Functions reports that an execution has started or ended. */
  executionChanged(execution: ExecutionStatus): void {
    const { world, clock } = this.options;
    if (world.knobs.eventsLost) return;
    const location = locationOf(execution.arn);
    this.dispatch(statusChange(execution, { id: this.ids.uuid(), ...location, at: clock.now() }), location);
  }

  /** Puts a custom event on the default bus of that account and region. Returns its id. */
  put(entry: Entry, location: BusLocation): string {
    const { world, clock } = this.options;
    const { source, detailType, detail, resources } = entry;
    const id = this.putIds.uuid();
    world.events.push({
      at: new Date(clock.now()).toISOString(),
      id,
      source,
      detailType,
      detail,
      resources,
      ...location,
    });
    const event = customEvent(entry, { id, ...location, at: entry.time ?? clock.now() });
    this.dispatch(event, location);
    if (world.knobs.ownEventsTwice) this.dispatch(event, location, 2);
    return id;
  }

  /**
   * Delivers an AWS service's event to a bus; default: the bus where the service is deployed. Throws EventError for a
   * value that is not an event.
   */
  receive(event: unknown, location: BusLocation = this.options.world.home): void {
    this.dispatch(readEvent(event), location);
  }

  /** Returns the resource policies of that bus. */
  policiesOf(busArn: string): ParsedPolicy[] {
    return (this.options.busPolicies ?? []).flatMap((each) => (each.busArn === busArn ? each.policies : []));
  }

  /** Stops all rules. */
  close(): void {
    this.later.close();
  }

  /** `ticks` is the number of ticks so far. In virtual time, ticks become less frequent during long idle periods. */
  private tick(rule: AssemblyRule, milliseconds: number, ticks = 0): void {
    this.later.after(
      untilTick(this.options.clock, milliseconds, ticks),
      () => {
        this.fire(
          rule,
          scheduledEvent(rule.arn, { id: this.ids.uuid(), ...locationOf(rule.arn), at: this.options.clock.now() }),
        );
        this.tick(rule, milliseconds, ticks + 1);
      },
      { background: true },
    );
  }

  /** Passes the event to the rules of that bus, after `times` the event lag. */
  private dispatch(event: Event, { account, region }: BusLocation, times = 1): void {
    this.later.after(this.options.world.knobs.eventLagSeconds * 1000 * times, () => {
      for (const { rule, location, matches } of this.rules) {
        if (location.account === account && location.region === region && matches(event)) this.fire(rule, event);
      }
    });
  }

  private fire(rule: AssemblyRule, event: Event): void {
    for (const target of rule.targets)
      this.targets.deliver(target, rule, event, () => `${event.id}_${this.ids.uuid()}`);
  }
}
