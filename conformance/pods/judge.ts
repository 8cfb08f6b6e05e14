/** Compares what SDKs did in the containers of a pod with how the service reads the pod. Pure. */
import { SDK_NAMES, type Sdk, SDKS } from '../../lambdas/domain/verification/credential-variables.ts';
import type { ContainerReading } from '../../lambdas/domain/verification/container-credentials.ts';
import type { Classified } from '../../lambdas/domain/verification/pod-identity.ts';
import type { Difference } from '../reasons.ts';
import type { Observation } from './observe.ts';
import type { Outcome } from './outcome.ts';

export type Called = ContainerReading['is'];

const textOf = ({ outcomes }: Observation): string =>
  SDKS.flatMap((sdk: Sdk) => (outcomes[sdk] === undefined ? [] : [`${SDK_NAMES[sdk]}: ${outcomes[sdk]}`])).join(', ');
const outcomesIn = ({ outcomes }: Observation): Outcome[] => Object.values(outcomes);

/** Returns the outcome of every SDK in every world, if it is only one. */
export const onlyOutcome = (observations: readonly Observation[]): Outcome | undefined => {
  const all = new Set(observations.flatMap(outcomesIn));
  return all.size === 1 ? [...all][0] : undefined;
};

/** What a container may be called that gets credentials from one source for certain. */
const CERTAIN: ReadonlySet<string> = new Set<Called & Outcome>(['agent', 'irsa', 'node-role', 'static-keys']);

/** Returns whether a name allows what happened in a world. */
const allows = (called: Called, observation: Observation): boolean => {
  const outcomes = outcomesIn(observation);
  if (called === 'unknown') return true;
  if (called === 'elsewhere') return !outcomes.includes('agent');
  return outcomes.every((outcome) => outcome === called);
};

const inWorld = ({ settled }: Observation): string => (settled.length === 0 ? '' : `, where ${settled.join(', ')}`);

/** Returns the worlds that the name of a container denies, and whether it is less certain than what happened. */
export function differencesOf(called: Called, observations: readonly Observation[]): Difference[] {
  const denied = observations
    .filter((one) => !allows(called, one))
    .map((one) => ({ what: `container called ${called}${inWorld(one)}`, sandbox: called, real: textOf(one) }));
  if (denied.length > 0) return denied;
  const only = onlyOutcome(observations);
  if (only !== undefined && only !== called && CERTAIN.has(only))
    return [{ what: `container called ${called}, always ${only}`, sandbox: called, real: only }];
  return [];
}

/** What is certain of a container that counts; undefined if nothing is. */
export type Certain = Called | undefined;

const IDENTITIES: readonly [Certain, Classified['identity']][] = [
  ['agent', 'pod-identity'],
  ['irsa', 'irsa'],
  ['node-role', 'node-role'],
];

/**
 * Returns whether the identity of a pod agrees with what is certain of its containers: `pod-identity` exactly if every
 * container that counts asks the agent, and likewise for others; of a pod on IRSA the variables of both sources are
 * another matter.
 */
export function identityDifferences(identity: Classified['identity'], certain: readonly Certain[]): Difference[] {
  return IDENTITIES.flatMap(([source, name]) => {
    const isAll = certain.length > 0 && certain.every((one) => one === source);
    if (isAll === (identity === name) || (isAll && source === 'irsa' && identity === 'mixed')) return [];
    // A pod of which no container counts has no credentials.
    if (certain.length === 0 && name === 'node-role') return [];
    const real = certain.map((one) => one ?? 'not certain').join(', ');
    return [{ what: `pod called ${identity}`, sandbox: identity, real: real === '' ? 'no container counts' : real }];
  });
}
