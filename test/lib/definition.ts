/**
 * The synthesised template of this project, and the definitions of its state machines as graphs. What is exported is of
 * the sandbox's deployment, which has all that can be switched on; `synthesised.ts` makes others.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureAssembly } from '../../cli/assembly.ts';
import { SETTINGS_FILE_NAME } from '../../lambdas/domain/settings/deployment.ts';
import { words } from '../words.ts';

export const { directory, lambdaDirectory } = await ensureAssembly();

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
}
export interface Template {
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: unknown }>;
}

/** What ships with the functions of a cloud assembly, in the layer's file. */
export const settingsIn = (assembly: string): unknown => {
  const [layer] = readdirSync(assembly).filter((name) => existsSync(join(assembly, name, SETTINGS_FILE_NAME)));
  return JSON.parse(readFileSync(join(assembly, layer ?? '', SETTINGS_FILE_NAME), 'utf8')) as unknown;
};

const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': '111122223333',
  'AWS::Region': 'eu-west-1',
  'AWS::URLSuffix': 'amazonaws.com',
};
/** An ARN that still tells the logical id, for the resources that the definition and the policies name. */
const arnOf = (logicalId: string): string => `arn:aws:lambda:eu-west-1:111122223333:function:${logicalId}`;

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
  Type: 'Task' | 'Choice' | 'Wait' | 'Pass' | 'Succeed' | 'Fail' | 'Map';
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
  /** Of a Map: what each of its executions is. */
  ItemProcessor?: Processor;
  /** Of a distributed one: in the ARNs of these executions. */
  Label?: string;
}
export interface Processor {
  StartAt: string;
  States: Record<string, State>;
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
    ...[state.Next, state.Default].flatMap((to) =>
      to ? [{ from, to, onFailure: false, assigns: namesIn(state.Assign) }] : [],
    ),
    ...(state.Choices ?? []).map(({ Next, Assign }) => ({
      from,
      to: Next,
      onFailure: false,
      assigns: namesIn(Assign),
    })),
    ...(state.Catch ?? []).map(({ Next, Assign }) => ({ from, to: Next, onFailure: true, assigns: namesIn(Assign) })),
  ]);

/** The states of a pause, each of which `pauses.test.ts` looks at. */
export const PAUSE_STATES: ReadonlySet<string> = new Set(words`
  Pause WaitForPause WaitForLedger WhereToResume WhatEndsThePause
`);

/**
 * States that lead to one another: of a whole state machine, or of what a Map runs for each item. Without pauses, after
 * which the state that has paused is entered again: what comes after what is the same with them.
 */
export class Graph {
  readonly startAt: string;
  readonly states: Record<string, State>;
  readonly edges: Edge[];
  constructor({ StartAt, States }: Processor) {
    this.startAt = StartAt;
    this.states = Object.fromEntries(
      Object.entries(States)
        .filter(([name]) => !PAUSE_STATES.has(name))
        .map(([name, state]): [string, State] => [
          name,
          state.Catch ? { ...state, Catch: state.Catch.filter(({ Next }) => !PAUSE_STATES.has(Next)) } : state,
        ]),
    );
    this.edges = edgesOf(this.states);
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

  ofType(type: State['Type']): [string, State][] {
    return Object.entries(this.states).filter(([, state]) => state.Type === type);
  }
}

/** One state machine of the template. */
export class Machine extends Graph {
  readonly name: string;
  readonly logicalId: string;
  readonly properties: Record<string, unknown>;
  readonly definition: Processor & { TimeoutSeconds: number; QueryLanguage: string };
  /** It, and what its Maps run. */
  readonly graphs: Graph[];
  /** Of all of them. */
  readonly tasks: [name: string, state: State][];

  constructor(name: string, deployment: Deployment) {
    const found = deployment
      .resourcesOf('AWS::StepFunctions::StateMachine')
      .find(([logicalId]) => logicalId.startsWith(`${name}StateMachine`));
    if (!found) throw new Error(`The template has no state machine ${name}.`);
    const { Properties } = found[1];
    const definition = JSON.parse(deployment.resolve(Properties.DefinitionString) as string) as Machine['definition'];
    super(definition);
    this.name = name;
    this.logicalId = found[0];
    this.properties = Properties;
    this.definition = definition;
    this.graphs = [this, ...this.ofType('Map').map(([, { ItemProcessor }]) => new Graph(ItemProcessor!))];
    this.tasks = this.graphs.flatMap((graph) => graph.ofType('Task'));
  }

  /** Where the errors of a state lead, in the order in which they are looked at. */
  catchersOf(name: string): [errors: string[], next: string][] {
    return this.states[name]!.Catch!.map(({ ErrorEquals, Next }) => [ErrorEquals, Next]);
  }
}

export interface Statement {
  actions: string[];
  resources: string[];
  condition?: Record<string, Record<string, unknown>>;
}
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** One template, read. */
export class Deployment {
  readonly template: Template;
  constructor(template: Template) {
    this.template = template;
  }

  resourcesOf(type: string): [logicalId: string, resource: Resource][] {
    return Object.entries(this.template.Resources).filter(([, resource]) => resource.Type === type);
  }

  /** Resolves the functions that the template uses, to text where they stand for text. */
  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.resolve(item));
    if (typeof value !== 'object' || value === null) return value;
    const object = value as Record<string, unknown>;
    if (typeof object.Ref === 'string') {
      const resource = this.template.Resources[object.Ref];
      return PSEUDO[object.Ref] ?? (resource?.Type === 'AWS::Lambda::Version' ? arnOf(object.Ref) : object.Ref);
    }
    if ('Fn::GetAtt' in object) {
      const [logicalId, attribute] = object['Fn::GetAtt'] as [string, string];
      return attribute === 'Name' ? logicalId : arnOf(logicalId);
    }
    if ('Fn::Join' in object) {
      const [separator, parts] = object['Fn::Join'] as [string, unknown[]];
      return parts.map((part) => this.resolve(part)).join(separator);
    }
    if ('Fn::Select' in object) {
      const [index, { 'Fn::Split': split }] = object['Fn::Select'] as [number, { 'Fn::Split': [string, unknown] }];
      const parts = String(this.resolve(split[1])).split(split[0]);
      // A state machine's ARN is its logical id here.
      return parts[index] ?? parts.at(-1);
    }
    return Object.fromEntries(Object.entries(object).map(([key, entry]) => [key, this.resolve(entry)]));
  }

  machine(name: string): Machine {
    return new Machine(name, this);
  }

  /** The steps whose Lambdas it has. */
  steps(): string[] {
    return this.resourcesOf('AWS::Lambda::Function').map(([, { Properties }]) =>
      String(Properties.Handler).replace('.handler', ''),
    );
  }

  /** The function that a Task calls, by way of the version that its arguments name. */
  functionOf(state: State): Resource {
    const version = this.template.Resources[state.Arguments!.FunctionName.split(':').at(-1)!];
    const name = (version?.Properties.FunctionName as { Ref: string } | undefined)?.Ref ?? '';
    return this.template.Resources[name]!;
  }

  /** What a role may do, by its own policies and those that are attached to it. */
  statementsOfRole(role: string): Statement[] {
    const { ManagedPolicyArns: managed = [] } = this.template.Resources[role]?.Properties ?? {};
    const shared = (managed as { Ref?: string }[]).flatMap(({ Ref }) =>
      Ref === undefined ? [] : [[Ref, this.template.Resources[Ref]!] as const],
    );
    return [
      ...this.resourcesOf('AWS::IAM::Policy').filter(([, { Properties }]) =>
        (Properties.Roles as { Ref: string }[]).some(({ Ref }) => Ref === role),
      ),
      ...shared,
    ]
      .flatMap(
        ([, { Properties }]) => (Properties.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement,
      )
      .map((statement) => ({
        actions: asList(statement.Action) as string[],
        resources: asList(this.resolve(statement.Resource)) as string[],
        condition: statement.Condition as Statement['condition'],
      }));
  }

  /** The function of a step. */
  lambdaOf(step: string): Resource {
    return this.resourcesOf('AWS::Lambda::Function').find(
      ([, { Properties }]) => Properties.Handler === `${step}.handler`,
    )![1];
  }

  /** Logical id of the role of a step's Lambda. */
  roleOf(step: string): string {
    return (this.lambdaOf(step).Properties.Role as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0];
  }

  variablesOf(step: string): Record<string, string> {
    return this.resolve((this.lambdaOf(step).Properties.Environment as { Variables: unknown }).Variables) as Record<
      string,
      string
    >;
  }
}

/** Resources that could never be made, since each waits for another one of them. */
export function waitingInCircles({ template: { Resources } }: Deployment): string[] {
  const references = (value: unknown): string[] => {
    if (typeof value !== 'object' || value === null) return [];
    const own = Object.entries(value).flatMap(([key, entry]) =>
      key === 'Ref' ? [String(entry)] : key === 'Fn::GetAtt' ? [String((entry as string[])[0])] : references(entry),
    );
    return own.filter((name) => name in Resources);
  };
  const waitsFor = new Map(
    Object.entries(Resources).map(([name, resource]) => [
      name,
      new Set([...references(resource.Properties), ...[(resource as { DependsOn?: string[] }).DependsOn ?? []].flat()]),
    ]),
  );
  // What waits for nothing is made, again and again; a circle is left.
  for (let made = -1; made !== waitsFor.size;) {
    made = waitsFor.size;
    for (const [name, others] of waitsFor)
      if ([...others].every((other) => !waitsFor.has(other))) waitsFor.delete(name);
  }
  return [...waitsFor.keys()];
}

/** Another account, for whose clusters a deployment is made. */
export const OTHER_ACCOUNT = '444455556666';

/**
 * The settings that only a file can switch on: e-mail notifications, an access log of the API, and clusters of another
 * account.
 */
export const SWITCHED_ON = {
  accounts: [OTHER_ACCOUNT],
  deploy: { apiAccessLog: true },
  notifications: { emails: ['operator@example.com'] },
};

/** What the sandbox deploys. */
export const deployed = new Deployment(
  JSON.parse(readFileSync(join(directory, 'PodIdentityMigrator.template.json'), 'utf8')) as Template,
);
export const { template } = deployed;
export const resourcesOf = (type: string): [logicalId: string, resource: Resource][] => deployed.resourcesOf(type);
export const resolve = (value: unknown): unknown => deployed.resolve(value);

export const migrateAddon = deployed.machine('MigrateAddon');
export const recover = deployed.machine('Recover');
/** The state machines of a migration, which share the rollback. */
export const machines = [migrateAddon, recover];
export const retire = deployed.machine('Retire');
export const sweep = deployed.machine('Sweep');
export const allMachines = [...machines, retire, sweep];
/** Each Task of all machines, with the machine's name. */
export const allTasks = allMachines.flatMap(({ name: machine, tasks }) =>
  tasks.map(([name, state]): [machine: string, name: string, state: State] => [machine, name, state]),
);

export const functionOf = (state: State): Resource => deployed.functionOf(state);
/** The step that a Task calls. */
export const stepOf = (state: State): string => String(functionOf(state).Properties.Handler).replace('.handler', '');
export const statementsOfRole = (role: string): Statement[] => deployed.statementsOfRole(role);
/** What the role of a step's Lambda may do. */
export const statementsOf = (step: string): Statement[] => deployed.statementsOfRole(deployed.roleOf(step));
export const actionsOf = (step: string): string[] => statementsOf(step).flatMap(({ actions }) => actions);
/** Logical id of the role of a step's Lambda. */
export const roleOf = (step: string): string => deployed.roleOf(step);
export const variablesOf = (step: string): Record<string, string> => deployed.variablesOf(step);

/** Matches a state that calls its function with that payload, and goes on to that state. */
export const calling = (next: string, payload: object) => ({ Next: next, Arguments: { Payload: payload } });
