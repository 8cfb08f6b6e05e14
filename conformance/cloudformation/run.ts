/** Creates the stacks of all deployments in moto, and compares each with the sandbox's. */
import { basename, join } from 'node:path';
import { AssemblyError } from '../../sandbox/assembly/error.ts';
import type { AssemblyOptions } from '../../sandbox/assembly/stacks.ts';
import type { PlacedDifference } from '../part-results.ts';
import { type AssemblyOrder, createStacks, type MotoStack, type StackOrder } from './moto.ts';
import { NOT_CREATED } from './not-created.ts';
import { readHub, readSpoke, type SandboxStack } from './sandbox-stack.ts';
import { compareStack, type Renames } from './stacks.ts';
import type { Deployment } from './templates.ts';

const HUB: AssemblyOptions = { account: '111122223333', region: 'eu-west-1' };
const OTHER_ACCOUNT = '444455556666';
/** Neither the hub's region nor the one in which spokes create their roles. */
const OTHER_REGION = 'us-east-1';
/** Where spokes are deployed: each combination of the conditions in their template. */
const SPOKES: readonly AssemblyOptions[] = [
  { account: OTHER_ACCOUNT, region: HUB.region },
  { account: OTHER_ACCOUNT, region: OTHER_REGION },
  { account: HUB.account, region: OTHER_REGION },
  HUB,
];
const HUB_STACK = 'PodIdentityMigrator';
const SPOKE_STACK = 'PodIdentityMigratorSpoke';
const ROLES_REGION = HUB.region;

const spokeName = ({ account, region }: AssemblyOptions): string => `spoke ${account} ${region}`;

const orderOf = ({ name, directory, templates }: Deployment): AssemblyOrder => {
  const pathOf = (stackName: string): string => join(directory, `${stackName}.template.json`);
  const hasSpoke = templates.some((path) => basename(path) === `${SPOKE_STACK}.template.json`);
  const hub: StackOrder = { name: 'hub', template: pathOf(HUB_STACK), stackName: HUB_STACK, ...HUB };
  return {
    name,
    stacks: [
      hub,
      ...(hasSpoke ? SPOKES : []).map((location) => ({
        name: spokeName(location),
        template: pathOf(SPOKE_STACK),
        stackName: SPOKE_STACK,
        ...location,
        parameters: { RolesRegion: ROLES_REGION },
      })),
    ],
  };
};

/** A stack that the sandbox cannot read is a difference. */
const readOr = (read: () => SandboxStack | undefined): SandboxStack | string => {
  try {
    return read() ?? 'no such stack';
  } catch (error) {
    if (error instanceof AssemblyError) return error.message;
    throw error;
  }
};

const textOf = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

export interface Compared {
  differences: PlacedDifference[];
  counts: Record<string, number>;
  /** Types of NOT_CREATED that no template has. */
  unusedTypes: string[];
}

/** The stacks of one deployment in the sandbox, the hub first: later ones need its outputs. */
class SandboxDeployment {
  readonly hub: SandboxStack | string;
  renames: Renames | undefined;
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    this.hub = readOr(() => readHub(directory, HUB));
  }

  read(name: string): SandboxStack | string {
    const location = SPOKES.find((one) => spokeName(one) === name);
    const { hub } = this;
    if (!location || typeof hub === 'string') return hub;
    return readOr(() => readSpoke(this.directory, location, hub.outputs, ROLES_REGION));
  }
}

/** Compares the deployments. `onStack` is called with each stack. Throws a MotoError if moto's process fails. */
export const compareDeployments = async (
  python: string,
  deployments: readonly Deployment[],
  onStack: (where: string, text: string, differs: boolean) => void,
): Promise<Compared> => {
  const own = new Map(deployments.map(({ name, directory }) => [name, new SandboxDeployment(directory)]));
  const differences: PlacedDifference[] = [];
  const types = new Set<string>();
  const totals = { stacks: 0, 'resources resolved': 0, 'resources created': 0, 'single values': 0 };
  const compareOne = (moto: MotoStack): void => {
    const where = `${moto.assembly}: ${moto.stack}`;
    const deployment = own.get(moto.assembly);
    if (!deployment) throw new Error(`create.py names the assembly ${moto.assembly}, which was not in its input.`);
    const sandbox = deployment.read(moto.stack);
    totals.stacks += 1;
    if (typeof sandbox === 'string') {
      differences.push({ where, what: 'stack status', real: moto.status, sandbox });
      onStack(where, 'moto: the sandbox cannot read the stack', true);
      return;
    }
    const isHub = moto.stack === 'hub';
    const result = compareStack(moto, sandbox, isHub ? HUB_STACK : SPOKE_STACK, deployment.renames);
    if (isHub) deployment.renames = result.rename;
    totals['resources resolved'] += result.resolved;
    totals['resources created'] += result.created;
    totals['single values'] += result.facts;
    for (const { type } of Object.values(moto.resources ?? {})) types.add(type);
    differences.push(
      ...result.differences.map(({ path, real, sandbox: simulated }) => ({
        where,
        what: path,
        real: textOf(real),
        sandbox: textOf(simulated),
      })),
    );
    onStack(
      where,
      `moto: ${moto.status === 'CREATE_COMPLETE' ? `${result.created} of ${result.resolved} resources created, ${result.facts} values, ${result.differences.length} differ` : moto.status} (${moto.seconds} s)`,
      moto.status !== 'CREATE_COMPLETE',
    );
  };
  for await (const moto of createStacks(python, deployments.map(orderOf))) compareOne(moto);
  return {
    differences,
    counts: totals,
    unusedTypes: Object.keys(NOT_CREATED)
      .filter((type) => !types.has(type))
      .map((type) => `${type}: no template has it`),
  };
};
