/** What the sandbox makes of a stack: the resolved resources, and what it deploys and enforces. */
import { resolve } from 'node:path';
import { type Assembly, loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { AssemblyError } from '../../sandbox/assembly/error.ts';
import { resourcesOfType } from '../../sandbox/assembly/resources.ts';
import { loadSpokes } from '../../sandbox/assembly/spokes.ts';
import { type AssemblyOptions, loadStacks, spokeStackOf, type Stack } from '../../sandbox/assembly/stacks.ts';
import type { Json } from '../../sandbox/json.ts';

/** A resource that the stack's conditions include. */
export interface SandboxResource {
  type: string;
  /** The value of `Ref`; undefined for a type that nothing can refer to in the sandbox. */
  ref: string | undefined;
  properties: Json;
}

export type Deployed = Pick<Assembly, 'roles' | 'rules'> & Partial<Assembly>;

/** A stack in the sandbox. */
export interface SandboxStack {
  stackId: string;
  resources: Record<string, SandboxResource>;
  outputs: Record<string, string>;
  deployed: Deployed;
  /** Returns the value of `Fn::GetAtt`. */
  attribute: (logicalId: string, name: string) => string;
}

const referenceOf = ({ resolver }: Stack, logicalId: string): string | undefined => {
  try {
    return resolver.reference(logicalId, { template: resolver.file });
  } catch (error) {
    if (error instanceof AssemblyError) return undefined;
    throw error;
  }
};

const readStack = (stack: Stack, deployed: Deployed): SandboxStack => {
  const { resolver } = stack;
  const types = [...new Set(Object.values(resolver.resources).map(({ Type: type }) => String(type)))];
  return {
    stackId: resolver.reference('AWS::StackId', { template: resolver.file }),
    resources: Object.fromEntries(
      types.flatMap((type) =>
        resourcesOfType(stack, type).map(({ logicalId, properties }): [string, SandboxResource] => [
          logicalId,
          { type, ref: referenceOf(stack, logicalId), properties },
        ]),
      ),
    ),
    outputs: Object.fromEntries(resolver.outputs().map(({ key, value }) => [key, value])),
    deployed,
    attribute: (logicalId, name) => resolver.attribute(logicalId, name, { template: resolver.file }),
  };
};

/** Reads the service's own stack of an assembly. Throws an AssemblyError. */
export const readHub = (directory: string, location: AssemblyOptions): SandboxStack => {
  const [stack] = loadStacks(directory, location);
  // loadStacks throws if there is none.
  if (!stack) throw new AssemblyError('no stack', { template: directory });
  return readStack(stack, loadAssembly(resolve(directory), location));
};

/** Reads the stack for other accounts as it is deployed in a location; undefined for an assembly without one. */
export const readSpoke = (
  directory: string,
  location: AssemblyOptions,
  outputs: Readonly<Record<string, string>>,
  rolesRegion: string,
): SandboxStack | undefined => {
  const stack = spokeStackOf(directory)?.(location, { ...outputs, RolesRegion: rolesRegion });
  return stack && readStack(stack, loadSpokes(directory, { locations: [location], outputs, rolesRegion }));
};
