/** The synthesised template of this project, and the definitions of its state machines as graphs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureAssembly } from '../../cli/assembly.ts';

export const { directory, lambdaDirectory } = await ensureAssembly();

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
}
export const template = JSON.parse(readFileSync(join(directory, 'PodIdentityMigrator.template.json'), 'utf8')) as {
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: unknown }>;
};
export const resourcesOf = (type: string): [logicalId: string, resource: Resource][] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

const PSEUDO: Record<string, string> = { 'AWS::Partition': 'aws', 'AWS::AccountId': '111122223333', 'AWS::Region': 'eu-west-1' };
/** An ARN that still tells the logical id, for the resources that the definition and the policies name. */
const arnOf = (logicalId: string): string => `arn:aws:lambda:eu-west-1:111122223333:function:${logicalId}`;

/** Resolves the functions that the template uses, to text where they stand for text. */
export function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve);
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Record<string, unknown>;
  if (typeof object.Ref === 'string') {
    const resource = template.Resources[object.Ref];
    return PSEUDO[object.Ref] ?? (resource?.Type === 'AWS::Lambda::Version' ? arnOf(object.Ref) : object.Ref);
  }
  if ('Fn::GetAtt' in object) {
    const [logicalId, attribute] = object['Fn::GetAtt'] as [string, string];
    return attribute === 'Name' ? logicalId : arnOf(logicalId);
  }
  if ('Fn::Join' in object) {
    const [separator, parts] = object['Fn::Join'] as [string, unknown[]];
    return parts.map(resolve).join(separator);
  }
  return Object.fromEntries(Object.entries(object).map(([key, entry]) => [key, resolve(entry)]));
}

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds: number;
  BackoffRate: number;
  MaxAttempts: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: string;
}
export interface Branch {
  Next: string;
  Assign?: Record<string, unknown>;
}
export interface State {
  Type: 'Task' | 'Choice' | 'Wait' | 'Pass' | 'Succeed' | 'Fail';
  Next?: string;
  Default?: string;
  Choices?: (Branch & { Condition: string })[];
  Catch?: (Branch & { ErrorEquals: string[] })[];
  Retry?: Retrier[];
  Assign?: Record<string, unknown>;
  Resource?: string;
  Arguments?: { FunctionName: string; Payload: Record<string, unknown> | string };
  Output?: unknown;
  Seconds?: number;
  TimeoutSeconds?: number;
  Error?: string;
  Cause?: string;
}

export interface Edge {
  from: string;
  to: string;
  onFailure: boolean;
  /** Variables that are assigned on this way out of the state. */
  assigns: string[];
}
const namesIn = (assign: Record<string, unknown> = {}): string[] => Object.keys(assign);
const edgesOf = (states: Record<string, State>): Edge[] =>
  Object.entries(states).flatMap(([from, state]) => [
    ...[state.Next, state.Default].flatMap((to) => (to ? [{ from, to, onFailure: false, assigns: namesIn(state.Assign) }] : [])),
    ...(state.Choices ?? []).map(({ Next, Assign }) => ({ from, to: Next, onFailure: false, assigns: namesIn(Assign) })),
    ...(state.Catch ?? []).map(({ Next, Assign }) => ({ from, to: Next, onFailure: true, assigns: namesIn(Assign) })),
  ]);

/** One state machine of the template. */
export class Machine {
  readonly name: string;
  readonly logicalId: string;
  readonly properties: Record<string, unknown>;
  readonly definition: { StartAt: string; TimeoutSeconds: number; QueryLanguage: string; States: Record<string, State> };
  readonly states: Record<string, State>;
  readonly edges: Edge[];
  readonly tasks: [name: string, state: State][];

  constructor(name: string) {
    const found = resourcesOf('AWS::StepFunctions::StateMachine').find(([logicalId]) => logicalId.startsWith(`${name}StateMachine`));
    if (!found) throw new Error(`The template has no state machine ${name}.`);
    this.name = name;
    this.logicalId = found[0];
    this.properties = found[1].Properties;
    this.definition = JSON.parse(resolve(this.properties.DefinitionString) as string) as Machine['definition'];
    this.states = this.definition.States;
    this.edges = edgesOf(this.states);
    this.tasks = this.ofType('Task');
  }

  ofType(type: State['Type']): [string, State][] {
    return Object.entries(this.states).filter(([, state]) => state.Type === type);
  }

  /** Every state that can come after, the one itself included. */
  reachableFrom(start: string, follow: (edge: Edge) => boolean = () => true): Set<string> {
    const found = new Set([start]);
    for (const name of found) for (const edge of this.edges) if (edge.from === name && follow(edge)) found.add(edge.to);
    return found;
  }

  isEnd(name: string): boolean {
    return this.states[name]!.Type === 'Succeed' || this.states[name]!.Type === 'Fail';
  }

  /** Where the errors of a state lead, in the order in which they are looked at. */
  catchersOf(name: string): [errors: string[], next: string][] {
    return this.states[name]!.Catch!.map(({ ErrorEquals, Next }) => [ErrorEquals, Next]);
  }
}

export const migrateAddon = new Machine('MigrateAddon');
export const recover = new Machine('Recover');
export const machines = [migrateAddon, recover];
/** Each Task of both machines, with the machine's name. */
export const allTasks = machines.flatMap(({ name: machine, tasks }) => tasks.map(([name, state]): [machine: string, name: string, state: State] => [machine, name, state]));
export const statesOfType = (type: State['Type']): [string, State][] => migrateAddon.ofType(type);

/** The function that a Task calls, by way of the version that its arguments name. */
export function functionOf(state: State): Resource {
  const version = template.Resources[state.Arguments!.FunctionName.split(':').at(-1)!];
  const name = (version?.Properties.FunctionName as { Ref: string } | undefined)?.Ref ?? '';
  return template.Resources[name]!;
}

export interface Statement {
  actions: string[];
  resources: string[];
  condition?: Record<string, Record<string, unknown>>;
}
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** The step that a Task calls. */
export const stepOf = (state: State): string => String(functionOf(state).Properties.Handler).replace('.handler', '');

/** What a role may do, by its own policies and those that are attached to it. */
export function statementsOfRole(role: string): Statement[] {
  return resourcesOf('AWS::IAM::Policy')
    .filter(([, { Properties }]) => (Properties.Roles as { Ref: string }[]).some(({ Ref }) => Ref === role))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement)
    .map((statement) => ({
      actions: asList(statement.Action) as string[],
      resources: asList(resolve(statement.Resource)) as string[],
      condition: statement.Condition as Statement['condition'],
    }));
}
/** What the role of a step's Lambda may do. */
export function statementsOf(step: string): Statement[] {
  const lambda = resourcesOf('AWS::Lambda::Function').find(([, { Properties }]) => Properties.Handler === `${step}.handler`)![1];
  return statementsOfRole((lambda.Properties.Role as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0]);
}
export const actionsOf = (step: string): string[] => statementsOf(step).flatMap(({ actions }) => actions);
