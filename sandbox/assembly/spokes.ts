/** The application's stack for other accounts, as a StackSet deploys it: into each of them, in each region. */
import { resolve } from 'node:path';
import { refuseExcesses } from './limits.ts';
import { rolesOf, type AssemblyRole } from './roles.ts';
import { type AssemblyRule, rulesOf } from './rules.ts';
import { fingerprintOf, spokeStackOf, type AssemblyOptions } from './stacks.ts';

/** What it makes in all of these places. */
export interface Spokes {
  roles: AssemblyRole[];
  rules: AssemblyRule[];
}

export interface SpokesOptions {
  /** Where it is deployed to. */
  places: AssemblyOptions[];
  /** Of the service's own stack: those that are parameters here are pasted. */
  outputs: Readonly<Record<string, string>>;
  /** One of the regions: where the roles are made. */
  rolesRegion: string;
}

/** What was read before: the same for every sandbox of this process. */
const known = new Map<string, { fingerprint: string; read: (place: AssemblyOptions) => Spokes }>();

/** In one place, read once. */
const readerOf = (
  directory: string,
  parameters: Readonly<Record<string, string>>,
): ((place: AssemblyOptions) => Spokes) => {
  const stackAt = spokeStackOf(directory);
  if (!stackAt) return () => ({ roles: [], rules: [] });
  const places = new Map<string, Spokes>();
  return (place) => {
    const key = `${place.account} ${place.region}`;
    const before = places.get(key);
    if (before) return before;
    const stack = stackAt(place, parameters);
    refuseExcesses(stack);
    const spokes = { roles: rolesOf([stack]), rules: rulesOf(stack) };
    places.set(key, spokes);
    return spokes;
  };
};

/** Throws AssemblyError for a template that can't be resolved. Nobody may change what is answered. */
export const loadSpokes = (directory: string, { places, outputs, rolesRegion }: SpokesOptions): Spokes => {
  if (places.length === 0) return { roles: [], rules: [] };
  const parameters = { ...outputs, RolesRegion: rolesRegion };
  const key = [resolve(directory), JSON.stringify(parameters)].join('\n');
  const fingerprint = fingerprintOf(directory);
  const before = known.get(key);
  const read = before?.fingerprint === fingerprint ? before.read : readerOf(directory, parameters);
  known.set(key, { fingerprint, read });
  const all = places.map(read);
  return { roles: all.flatMap(({ roles }) => roles), rules: all.flatMap(({ rules }) => rules) };
};
