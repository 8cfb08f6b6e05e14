/** Loads what the previous release left behind (scripts/keep-definition.ts) into today's sandbox. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AttributeValue, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Assembly, AssemblyStateMachine } from '../../sandbox/assembly/assembly.ts';
import { stepOf } from '../../sandbox/lambda/source-runtime.ts';
import type { OpenWorld } from '../end-to-end/world.ts';

const textOf = (name: string): string => readFileSync(join(import.meta.dirname, 'previous', `${name}.json`), 'utf8');

export const MACHINES = ['MigrateAddon', 'Recover', 'Retire'] as const;
export type MachineName = (typeof MACHINES)[number];

/** The kept text, with placeholders such as `${step:plan}`. */
export const keptText = (name: MachineName): string => textOf(name);

export const nameOf = ({ logicalId }: AssemblyStateMachine): MachineName =>
  MACHINES.find((name) => logicalId.startsWith(`${name}StateMachine`))!;

/**
 * Returns a kept definition for what is deployed today. Throws an Error for a placeholder that nothing replaces any
 * more.
 */
function filledIn(text: string, { functions, tables }: Assembly): object {
  const versions = Object.fromEntries(functions.map((fn) => [stepOf(fn), fn.versionArns[0]]));
  const locations: Record<string, string | undefined> = {
    partition: 'aws',
    table: tables[0]!.name,
    ...Object.fromEntries(Object.entries(versions).map(([step, arn]) => [`step:${step}`, arn])),
  };
  const filled = text.replaceAll(/\$\{([\w:-]+)\}/g, (_, location: string) => {
    const value = locations[location];
    if (value === undefined)
      throw new Error(
        `The previous release's definition calls ${location}, which this one does not deploy: executions in flight would fail there. Keep it for one more release.`,
      );
    return value;
  });
  return JSON.parse(filled) as object;
}

/** For `openSandbox`: these state machines are the previous release's. `change` changes the kept text. */
export const previousOf =
  (names: readonly MachineName[], change: (text: string) => string = (text) => text) =>
  (machine: AssemblyStateMachine, assembly: Assembly): object =>
    names.includes(nameOf(machine)) ? filledIn(change(keptText(nameOf(machine))), assembly) : machine.definition;

export interface KeptLedger {
  scenario: string;
  request: { addon: string };
  migrationId: string;
  items: Record<string, AttributeValue>[];
}
export const keptLedger = (name: 'migrated' | 'rolled-back' | 'in-flight'): KeptLedger =>
  JSON.parse(textOf(`ledger-${name}`)) as KeptLedger;

/** Writes what the previous release's code wrote, in its form. */
export async function writeLedger({ backend }: OpenWorld, { items }: KeptLedger): Promise<void> {
  const { sandbox } = backend;
  const client = sandbox.clients().dynamodb();
  for (const Item of items) await client.send(new PutItemCommand({ TableName: sandbox.outputs.tableName, Item }));
}

/** Returns the inputs that handlers refused: each with the step and the invalid fields. */
export function refusedInputs({ backend }: OpenWorld): string[] {
  const { executions } = backend.sandbox;
  const { stateMachineArn, recoverStateMachineArn, retireStateMachineArn } = backend;
  const all = [stateMachineArn, recoverStateMachineArn, retireStateMachineArn!].flatMap((arn) => executions.list(arn));
  const told = all.flatMap(({ history }) =>
    history.events.flatMap(
      (event) =>
        JSON.stringify(event).match(/The input of step [^"]*? is wrong: [^"]*?(?=\. This step changed nothing)/g) ?? [],
    ),
  );
  return [...new Set(told)];
}

/** Returns the states that ran, by the name of their state machine. */
export function statesOf({ backend }: OpenWorld, machine: MachineName): Set<string> {
  const { executions } = backend.sandbox;
  const arn = {
    MigrateAddon: backend.stateMachineArn,
    Recover: backend.recoverStateMachineArn,
    Retire: backend.retireStateMachineArn!,
  }[machine];
  const entered = executions
    .list(arn)
    .flatMap(({ history }) => history.events.flatMap((event) => event['stateEnteredEventDetails']?.['name'] ?? []));
  return new Set(entered.map(String));
}
