/** Loads the application's stack for other accounts, as a StackSet deploys it: to each account and region. */
import { resolve } from 'node:path';
import { refuseExcesses } from './limits.ts';
import { rolesOf, type AssemblyRole } from './roles.ts';
import { type AssemblyRule, rulesOf } from './rules.ts';
import { type AssemblyStack, describeStack } from './stack-description.ts';
import { fingerprintOf, spokeStackOf, type AssemblyOptions } from './stacks.ts';

/** The stacks in all locations, and the roles and rules that they create. */
export interface Spokes {
  roles: AssemblyRole[];
  rules: AssemblyRule[];
  stacks: AssemblyStack[];
}

export interface SpokesOptions {
  /** The accounts and regions that the stack is deployed to. */
  locations: AssemblyOptions[];
  /** Outputs of the service's own stack; those that match a parameter here are passed as its value. */
  outputs: Readonly<Record<string, string>>;
  /** One of the regions: the one in which the roles are created. */
  rolesRegion: string;
}

/** Readers created earlier, shared by all sandboxes of this process. */
const readers = new Map<string, { fingerprint: string; read: (location: AssemblyOptions) => Spokes }>();

/** Returns a function that reads the stack for one location, once. */
const readerOf = (
  directory: string,
  parameters: Readonly<Record<string, string>>,
): ((location: AssemblyOptions) => Spokes) => {
  const stackAt = spokeStackOf(directory);
  if (!stackAt) return () => ({ roles: [], rules: [], stacks: [] });
  const cache = new Map<string, Spokes>();
  return (location) => {
    const key = `${location.account} ${location.region}`;
    const cached = cache.get(key);
    if (cached) return cached;
    const stack = stackAt(location, parameters);
    refuseExcesses(stack);
    const spokes = { roles: rolesOf([stack]), rules: rulesOf(stack), stacks: [describeStack(stack)] };
    cache.set(key, spokes);
    return spokes;
  };
};

/** Throws AssemblyError for a template that cannot be resolved. Callers must not modify the result. */
export const loadSpokes = (directory: string, { locations, outputs, rolesRegion }: SpokesOptions): Spokes => {
  if (locations.length === 0) return { roles: [], rules: [], stacks: [] };
  const parameters = { ...outputs, RolesRegion: rolesRegion };
  const key = [resolve(directory), JSON.stringify(parameters)].join('\n');
  const fingerprint = fingerprintOf(directory);
  const cached = readers.get(key);
  const read = cached?.fingerprint === fingerprint ? cached.read : readerOf(directory, parameters);
  readers.set(key, { fingerprint, read });
  const all = locations.map(read);
  return {
    roles: all.flatMap(({ roles }) => roles),
    rules: all.flatMap(({ rules }) => rules),
    stacks: all.flatMap(({ stacks }) => stacks),
  };
};
