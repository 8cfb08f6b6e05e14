/** Deploys EventBridge and EventBridge Scheduler with the topics and queues that they use. */
import type { Assembly } from '../assembly/assembly.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import { Messages } from '../messaging/messages.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { SandboxClock } from '../clock/clock.ts';
import { EventBus } from './bus.ts';
import type { StartOptions } from '../messaging/start-execution.ts';

export interface EventsOptions extends StartOptions {
  clock: SandboxClock;
  assembly: Assembly;
  /** The rules of the stacks in other accounts. */
  spokeRules: Assembly['rules'];
  lambda: LambdaRuntime;
}

/** Returns the bus, and `close`, which stops all rules and schedules. */
export const deployEvents = ({
  assembly,
  spokeRules,
  ...options
}: EventsOptions): { bus: EventBus; close: () => void } => {
  const { topics, queues, rules, functions, schedules = [], busPolicies = [] } = assembly;
  const messages = new Messages({ ...options, topics, queues });
  const bus = new EventBus({ ...options, rules: [...rules, ...spokeRules], functions, busPolicies, messages });
  const scheduler = new Scheduler({ ...options, schedules, functions, messages });
  return {
    bus,
    close: () => {
      scheduler.close();
      bus.close();
    },
  };
};
