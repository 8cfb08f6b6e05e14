/** EventBridge Scheduler: the application's schedules, in the sandbox's time. */
import type { AssemblyFunction } from '../assembly/functions.ts';
import type { AssemblySchedule } from '../assembly/schedules.ts';
import { type StartOptions, startAs } from '../messaging/start-execution.ts';
import { isJson } from '../json.ts';
import { isFunctionArn } from '../function-arn.ts';
import { AsyncInvocations } from '../lambda/async-invocations.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import type { Messages, DeliveryFailure } from '../messaging/messages.ts';
import type { SandboxClock } from '../clock/clock.ts';
import { Later } from '../clock/later.ts';
import { Random } from '../random.ts';
import { parseExpression, type Timing } from '../assembly/schedule-expression.ts';

export interface SchedulerOptions extends StartOptions {
  clock: SandboxClock;
  schedules: readonly AssemblySchedule[];
  functions: readonly AssemblyFunction[];
  lambda: LambdaRuntime;
  messages: Messages;
}

/** Separates the scheduler's ids from the world's shared random sequence. */
const OWN_STREAM = 0x73_63_68_64;
const HEX = '0123456789abcdef';

/** Formats a time in whole seconds, as in the User Guide. */
const stamp = (time: number): string => new Date(time).toISOString().replace(/\.\d{3}/, '');

/** "EventBridge Scheduler ignores" StartDate and EndDate "for one-time schedules" (API Reference, GetSchedule). */
const isOnce = ({ expression }: AssemblySchedule): boolean => expression.startsWith('at(');

/** Scheduler delivers "at least once" (EventBridge Scheduler User Guide, "What is Amazon EventBridge Scheduler?"). */
export class Scheduler {
  private readonly options: SchedulerOptions;
  private readonly invocations: AsyncInvocations;
  private readonly ids: Random;
  private readonly later: Later;

  constructor(options: SchedulerOptions) {
    const { world, clock, lambda, functions, messages, schedules } = options;
    this.options = options;
    this.ids = new Random(world.seed ^ OWN_STREAM);
    this.later = new Later(clock);
    this.invocations = new AsyncInvocations({
      clock,
      lambda,
      functions,
      messages,
      after: (milliseconds, run) => this.later.after(milliseconds, run, { background: true }),
    });
    for (const schedule of schedules) {
      const timing = parseExpression(schedule.expression, schedule.timeZone);
      if (!timing)
        throw new Error(
          `The sandbox's Scheduler cannot run the schedule ${schedule.name}: ${schedule.expression} is not a Scheduler expression.`,
        );
      // "If you do not provide a StartDate for a rate-based schedule, your schedule starts invoking the target
      // immediately" (EventBridge Scheduler User Guide, "Schedule types").
      const since = isOnce(schedule) ? clock.now() : (schedule.startAt ?? clock.now());
      this.tick(schedule, timing, since, Math.max(since, clock.now()));
    }
  }

  /** Stops all schedules. */
  close(): void {
    this.later.close();
  }

  private tick(schedule: AssemblySchedule, timing: Timing, since: number, from: number): void {
    const at = timing.next(from, since);
    const { endAt = Infinity } = isOnce(schedule) ? {} : schedule;
    if (at === undefined || at > endAt) return;
    const { world, clock } = this.options;
    const run = (): void => {
      this.deliver(schedule, at);
      if (world.knobs.schedulesTwice)
        this.later.after(world.knobs.eventLagSeconds * 1000, () => this.deliver(schedule, at));
      this.tick(schedule, timing, since, at + 1);
    };
    this.later.after(at - clock.now(), run, { background: true });
  }

  /** `at` is the scheduled time, which is the same for repeated deliveries. */
  private deliver(schedule: AssemblySchedule, at: number): void {
    const { target, arn } = schedule;
    const executionId = this.ids.string(16, HEX);
    const input = this.inputOf(schedule, at, executionId);
    const undelivered = (failure: DeliveryFailure | undefined): void => this.undelivered(schedule, input, failure);
    if (!isJson(input))
      return undelivered({ code: 'INVALID_JSON', message: `The input of the schedule ${arn} is not JSON: ${input}` });
    if (!isFunctionArn(target.arn))
      return undelivered(startAs(this.options, target.roleArn, { arn: target.arn, input, name: executionId }));
    return this.invocations.invoke({
      functionArn: target.arn,
      payload: JSON.parse(input),
      caller: { caller: target.roleArn },
      refused: ({ status, failureCause }) =>
        undelivered({ code: status === 403 ? 'NO_PERMISSIONS' : 'NO_RESOURCE', message: failureCause }),
    });
  }

  /**
   * Source: EventBridge Scheduler User Guide, "Adding context attributes". The default input of a target is as users
   * report it; its `detail` is a string.
   */
  private inputOf({ arn, target }: AssemblySchedule, at: number, executionId: string): string {
    const [, , , region = '', account = ''] = arn.split(':');
    if (target.input === undefined) {
      return JSON.stringify({
        version: '0',
        id: executionId,
        'detail-type': 'Scheduled Event',
        source: 'aws.scheduler',
        account,
        time: stamp(at),
        region,
        resources: [arn],
        detail: '{}',
      });
    }
    const values: Record<string, string> = {
      'schedule-arn': arn,
      'scheduled-time': stamp(at),
      'execution-id': executionId,
      'attempt-number': '1',
    };
    return target.input.replaceAll(/<aws\.scheduler\.([\w-]+)>/g, (whole, name: string) => values[name] ?? whole);
  }

  /**
   * Scheduler sends dead letters as the schedule's role (EventBridge Scheduler User Guide, "Configuring a schedule's
   * dead-letter queue").
   */
  private undelivered(
    { target: { deadLetterArn, roleArn } }: AssemblySchedule,
    input: string,
    failure: DeliveryFailure | undefined,
  ): void {
    if (!failure || deadLetterArn === undefined) return;
    this.options.messages.keep(
      deadLetterArn,
      { event: isJson(input) ? (JSON.parse(input) as unknown) : input, why: `${failure.code}: ${failure.message}` },
      { caller: roleArn },
    );
  }
}
