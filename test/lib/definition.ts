/** The synthesised template of this project, and the definition of MigrateAddon in it as a graph. */
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
  if ('Fn::GetAtt' in object) return arnOf((object['Fn::GetAtt'] as string[])[0]!);
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
  Type: 'Task' | 'Choice' | 'Wait' | 'Succeed' | 'Fail';
  Next?: string;
  Default?: string;
  Choices?: (Branch & { Condition: string })[];
  Catch?: (Branch & { ErrorEquals: string[] })[];
  Retry?: Retrier[];
  Assign?: Record<string, unknown>;
  Arguments?: { FunctionName: string; Payload: Record<string, unknown> };
  Output?: unknown;
  Seconds?: number;
  TimeoutSeconds?: number;
  Error?: string;
  Cause?: string;
}

const [machine] = resourcesOf('AWS::StepFunctions::StateMachine');
if (!machine) throw new Error('The template has no state machine.');
export const stateMachine = machine[1].Properties;
export const definition = JSON.parse(resolve(stateMachine.DefinitionString) as string) as {
  StartAt: string;
  TimeoutSeconds: number;
  QueryLanguage: string;
  States: Record<string, State>;
};
export const states = definition.States;
export const statesOfType = (type: State['Type']): [string, State][] => Object.entries(states).filter(([, state]) => state.Type === type);

export interface Edge {
  from: string;
  to: string;
  onFailure: boolean;
  /** Variables that are assigned on this way out of the state. */
  assigns: string[];
}
const namesIn = (assign: Record<string, unknown> = {}): string[] => Object.keys(assign);
export const edges: Edge[] = Object.entries(states).flatMap(([from, state]) => [
  ...[state.Next, state.Default].flatMap((to) => (to ? [{ from, to, onFailure: false, assigns: namesIn(state.Assign) }] : [])),
  ...(state.Choices ?? []).map(({ Next, Assign }) => ({ from, to: Next, onFailure: false, assigns: namesIn(Assign) })),
  ...(state.Catch ?? []).map(({ Next, Assign }) => ({ from, to: Next, onFailure: true, assigns: namesIn(Assign) })),
]);

/** Every state that can come after, the one itself included. */
export function reachableFrom(start: string, follow: (edge: Edge) => boolean = () => true): Set<string> {
  const found = new Set([start]);
  for (const name of found) for (const edge of edges) if (edge.from === name && follow(edge)) found.add(edge.to);
  return found;
}

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

/** What the role of a step's Lambda may do. */
export function statementsOf(step: string): Statement[] {
  const lambda = resourcesOf('AWS::Lambda::Function').find(([, { Properties }]) => Properties.Handler === `${step}.handler`)![1];
  const role = (lambda.Properties.Role as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0];
  return resourcesOf('AWS::IAM::Policy')
    .filter(([, { Properties }]) => (Properties.Roles as { Ref: string }[]).some(({ Ref }) => Ref === role))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement)
    .map((statement) => ({
      actions: asList(statement.Action) as string[],
      resources: asList(resolve(statement.Resource)) as string[],
      condition: statement.Condition as Statement['condition'],
    }));
}
export const actionsOf = (step: string): string[] => statementsOf(step).flatMap(({ actions }) => actions);
