/** Has moto create stacks: create.py, one Python process, whose input and output are defined here. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Json } from '../../sandbox/json.ts';
import { BuildError } from '../build/go.ts';

/** A stack to be created. */
export interface StackOrder {
  /** `hub`, or where a spoke is: `spoke 444455556666 eu-west-1`. */
  name: string;
  /** Path of the template. */
  template: string;
  stackName: string;
  account: string;
  region: string;
  /** Added to the outputs of the hub, which become parameters of the same name. */
  parameters?: Readonly<Record<string, string>>;
}

/** The stacks of one assembly, the hub first. */
export interface AssemblyOrder {
  name: string;
  stacks: readonly StackOrder[];
}

/** A resource as moto has resolved it. */
export interface MotoResource {
  type: string;
  createdBy: 'moto' | 'stand-in' | 'nothing';
  /** Whether DescribeStackResources has it. */
  listed: boolean;
  /** The value of `Ref`. */
  ref: string | null;
  /** The values of `Fn::GetAtt` that the template uses. */
  attributes: Record<string, unknown>;
  properties: Json;
}

/** What the services of moto answered after the stack was created: deployed.py. */
export interface MotoServices {
  roles: Record<string, MotoRole>;
  functions: Record<string, Json>;
  stateMachines: Record<string, Json>;
  tables: Record<string, Json>;
  rules: Record<string, MotoRule>;
  buckets: Record<string, Json>;
  apis: Record<string, { methods: Record<string, { authorization: string; uri: string | null }> }>;
  queues: string[];
  topics: string[];
}

export interface MotoRole {
  trustPolicy: unknown;
  inline: Record<string, unknown>;
  /** By ARN; null for AWS's own policies. */
  managed: Record<string, unknown>;
  boundary: string | null;
}

export interface MotoRule {
  name: string;
  pattern: unknown;
  schedule: string | null;
  targets: Json[];
}

/** What came of a stack. */
export interface MotoStack {
  assembly: string;
  stack: string;
  seconds: number;
  /** `CREATE_COMPLETE`, or what moto raised. */
  status: string;
  stackId: string;
  /** The different statuses of its resources. */
  statuses: string[];
  resources: Record<string, MotoResource>;
  outputs: Record<string, string>;
  deployed: MotoServices;
}

/** A process that ended before it had created all stacks. */
export class MotoError extends BuildError {
  override readonly name = 'MotoError';
}

/** Creates the stacks in their order, and yields each when it is done. Throws a MotoError if the process fails. */
export async function* createStacks(
  python: string,
  assemblies: readonly AssemblyOrder[],
): AsyncGenerator<MotoStack, void, undefined> {
  const child = spawn(python, [join(import.meta.dirname, 'create.py')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', AWS_EC2_METADATA_DISABLED: 'true' },
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  // A process that has ended already cannot read: `ended` reports why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify({ assemblies }));
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as MotoStack;
  const code = await ended;
  if (code !== 0)
    throw new MotoError(
      `moto ended with ${code}: ${errors.trim().split('\n').at(-1) ?? ''}.\nRun it again; if it ends again, remove conformance/.build/python-cloudformation first.`,
    );
}
