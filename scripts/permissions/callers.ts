/** Finds the callers of the Lambdas: state machines, rules, EventBridge Scheduler and API Gateway. */
import { z } from 'zod';
import type { Assembly, AssemblyStateMachine } from '../../sandbox/assembly/assembly.ts';
import type { Caller } from './model.ts';
import { byText, machineName, SCHEDULER, withoutHash } from './names.ts';
import { OF_PREVIOUS_RELEASE } from '../../lib/migration/state-machine.ts';
import { rightsOf } from './rights.ts';
import { isTrusted } from './trust.ts';

export interface Call {
  /** Name of the Task state. */
  readonly state: string;
  /** ARN of the function, with or without a version. */
  readonly functionArn: string;
  /** True if only executions in flight at an upgrade make the call, with the versions that they started with. */
  readonly isPrevious?: true;
}
const task = z.looseObject({
  Type: z.literal('Task'),
  Resource: z.string(),
  Arguments: z.looseObject({ FunctionName: z.string() }).optional(),
});

/** Returns the calls of a definition at any depth. A Task that calls anything other than a Lambda is a problem. */
const callsOf = (
  { definition }: Pick<AssemblyStateMachine, 'definition'>,
  name: string,
): { calls: Call[]; problems: string[] } => {
  const calls: Call[] = [];
  const problems: string[] = [];
  const visit = (value: unknown, key: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { success, data } = task.safeParse(value);
    if (success && /:states:::lambda:invoke(\.waitForTaskToken)?$/.test(data.Resource) && data.Arguments !== undefined)
      calls.push({ state: key, functionArn: data.Arguments.FunctionName });
    else if (success)
      problems.push(
        `the state ${key} of ${name} calls ${data.Resource} by itself, which this document does not show: teach scripts/permissions/callers.ts`,
      );
    for (const [inner, part] of Object.entries(value)) visit(part, inner);
  };
  visit(definition, '');
  return { calls, problems };
};

/** A state machine with the calls of its states. */
export interface CallingMachine {
  machine: AssemblyStateMachine;
  name: string;
  calls: Call[];
  problems: string[];
}

/** Returns the calls of executions in flight at an upgrade, which continue with the previous release's definition. */
const callsOfPrevious = (name: string, { functions }: Assembly): Call[] =>
  name !== 'MigrateAddon'
    ? []
    : OF_PREVIOUS_RELEASE.flatMap((step) =>
        functions
          .filter(({ handler }) => handler === `${step}.handler`)
          .map(({ arn }) => ({
            state: 'executions that the previous release has begun',
            functionArn: arn,
            isPrevious: true,
          })),
      );

export const callingMachines = (assembly: Assembly): CallingMachine[] =>
  assembly.stateMachines.map((machine) => {
    const name = machineName(machine);
    const { calls, problems } = callsOf(machine, name);
    return { machine, name, calls: [...calls, ...callsOfPrevious(name, assembly)], problems };
  });

/** Returns the functions that Scheduler's role may call, with their versions. */
const scheduledIn = ({ roles }: Assembly): string[] =>
  roles
    .filter((role) => isTrusted(role, 'scheduler.amazonaws.com'))
    .flatMap((role) =>
      rightsOf(role, SCHEDULER).rights.flatMap(({ action, resource }) =>
        action === 'lambda:InvokeFunction' ? [resource] : [],
      ),
    );

/** Matches the function itself or one of its versions. */
export const isCalled = ({ arn }: { arn: string }, called: string): boolean =>
  called === arn || called.startsWith(`${arn}:`);

export const callersOf = (
  one: Assembly['functions'][number],
  assembly: Assembly,
  machines: readonly CallingMachine[],
): Caller[] =>
  [
    ...machines
      .map(({ name, calls }) => ({
        by: name,
        states: calls
          .filter(({ functionArn }) => isCalled(one, functionArn))
          .map(({ state }) => state)
          .sort(byText),
      }))
      .filter(({ states }) => states.length > 0),
    ...assembly.rules
      .filter(({ targets }) => targets.some(({ arn }) => isCalled(one, arn)))
      .map(({ logicalId, everySeconds }) => ({
        by: `the rule ${withoutHash(logicalId)}${everySeconds === undefined ? '' : `, every ${everySeconds === 60 ? 'minute' : `${everySeconds / 60} minutes`}`}`,
        states: [],
      })),
    ...(scheduledIn(assembly).some((arn) => isCalled(one, arn)) ? [{ by: SCHEDULER, states: [] }] : []),
    ...((one.permissions ?? []).some(({ service }) => service === 'apigateway.amazonaws.com')
      ? [{ by: 'API Gateway', states: [] }]
      : []),
  ].sort((a, b) => byText(a.by, b.by));
