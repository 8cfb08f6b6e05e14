/** The flags of `npm run conformance -- kubernetes`. */
import { similarNames } from '../../cli/scenarios.ts';
import { readFlags, refused } from '../flags.ts';
import { KUBERNETES_VERSIONS, type KubernetesVersion } from './build/tools.ts';

export const USAGE = `Usage:
  npm run conformance -- kubernetes                    every scenario and every case, on each version of Kubernetes
                                    --version 1.35     only on this version (${KUBERNETES_VERSIONS.join(', ')})
                                    --scenarios        only the scenarios
                                    --scenario NAME    only this scenario or run; can be repeated
                                    --cases            only the cases
                                    --plant NAME       the cases, with a defect planted in the sandbox: they must fail
                                    --record FOLDER    writes golden answers into a folder, and compares nothing
                                    --brief            prints only what is not equal`;

/** What is run. */
export interface Order {
  versions: readonly KubernetesVersion[];
  scenarios: boolean;
  cases: boolean;
  /** Names of the runs, or of their scenarios; empty for all. */
  names: readonly string[];
  plant?: string;
  record?: string;
  brief: boolean;
  /** Whether everything is run on the versions, so that results are kept and each reason must have explained something. */
  whole: boolean;
}

const FLAGS = {
  version: { type: 'string', multiple: true },
  scenario: { type: 'string', multiple: true },
  scenarios: { type: 'boolean' },
  cases: { type: 'boolean' },
  plant: { type: 'string' },
  record: { type: 'string' },
  brief: { type: 'boolean' },
} as const;

const versionsOf = (given: readonly string[]): readonly KubernetesVersion[] => {
  const isKnown = (one: string): one is KubernetesVersion => (KUBERNETES_VERSIONS as readonly string[]).includes(one);
  const unknown = given.find((one) => !isKnown(one));
  if (unknown !== undefined)
    throw refused(
      `--version ${unknown}: no control plane of this version can be built here.`,
      `Use one of: ${KUBERNETES_VERSIONS.join(', ')}. docs/conformance-kubernetes.md shows how a version is added.`,
    );
  return given.length === 0 ? KUBERNETES_VERSIONS : given.filter(isKnown);
};

/**
 * Returns what the arguments select. `known`: names of all runs and scenarios. Throws as `readFlags` does, and an
 * ArgumentError for flags that exclude each other, and for unknown names.
 */
export const readOrder = (args: readonly string[], known: readonly string[]): Order => {
  const flags = readFlags(args, FLAGS, USAGE);
  const names = flags.scenario ?? [];
  const parts = [
    ...(flags.record === undefined ? [] : ['--record']),
    ...(flags.plant === undefined ? [] : ['--plant']),
    ...(flags.cases ? ['--cases'] : []),
    ...(flags.scenarios || names.length > 0 ? [names.length > 0 ? '--scenario' : '--scenarios'] : []),
  ];
  // A planted defect is searched for by the cases, so that both flags mean the same.
  const exclusive = parts.filter((part) => !(part === '--cases' && flags.plant !== undefined));
  if (exclusive.length > 1 && !(flags.scenarios && flags.cases && exclusive.length === 2))
    throw refused(
      `${exclusive[0] ?? ''} and ${exclusive[1] ?? ''} exclude each other.`,
      `Use only one of them.\n${USAGE}`,
    );
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const similar = similarNames(unknown, known);
    throw refused(
      `--scenario ${unknown}: there is no run or scenario of this name.`,
      similar.length > 0 ? `Similar names: ${similar.join(', ')}` : `Use one of: ${known.join(', ')}`,
    );
  }
  const versions = versionsOf(flags.version ?? []);
  if (flags.record !== undefined && versions.length !== 1)
    throw refused('--record writes the answers of one version.', `Name it: --version ${versions[0] ?? ''}`);
  const only = exclusive.length > 0 || flags.plant !== undefined;
  return {
    versions,
    scenarios: !only || flags.scenarios === true || names.length > 0,
    cases: !only || flags.cases === true || flags.plant !== undefined,
    names,
    ...(flags.plant === undefined ? {} : { plant: flags.plant }),
    ...(flags.record === undefined ? {} : { record: flags.record }),
    brief: flags.brief ?? false,
    whole: parts.length === 0 || (flags.scenarios === true && names.length === 0 && flags.plant === undefined),
  };
};
