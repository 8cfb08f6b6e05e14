/** Measures what happens to a cluster from one moment to another, by the state of the sandbox alone. */
import { disruptionOf } from '../../cli/disruption.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { type ClusterState, findCluster, type World } from '../../sandbox/world/world.ts';
import { podCredentials } from '../kubernetes/scenarios/pod-credentials.ts';
import { type Consent, podEnds, type PodEnds } from './pods.ts';
import { type TrustEnd, trustEnds, type TrustPolicies } from './trust.ts';

export interface Measured {
  ends: PodEnds;
  /** Roles whose trust policy was changed. */
  trust: TrustEnd[];
  /** The add-ons whose state in EKS was changed: version, status and issues, role, number of associations. */
  addons: string[];
  /** Of the workloads whose pods had a role: seconds in which one of them had no ready pod; the fewest ready pods. */
  availability?: { unavailableSeconds: number; leastReady: number };
}

export interface Measurement {
  /** Returns what has happened since the measurement began. */
  end(consent?: Consent): Measured;
  /** Returns what the pods have now, in comparison with what they had then. */
  pods(consent?: Consent): PodEnds;
}

const IN_PROGRESS: ReadonlySet<string> = new Set(['CREATING', 'UPDATING', 'DELETING']);
/** Returns whether EKS is working on an add-on of the cluster. */
export const isInProgress = ({ addons }: ClusterState): boolean =>
  [...addons.values()].some(({ status }) => IN_PROGRESS.has(status));

/** Returns the cluster of a target. */
export const clusterOf = ({ world }: Pick<Sandbox, 'world'>, { account, region, cluster }: Target): ClusterState => {
  const found = findCluster(world, account, region, cluster);
  if (!found) throw new Error(`The scenario has no cluster ${cluster}.`);
  return found;
};

/** The roles of the deployed service, which no migration changes. */
const OWN_ROLE = /:role\/PodIdentityMigrator-/;
const trustPoliciesOf = ({ accounts }: World): TrustPolicies =>
  new Map(
    [...accounts.values()].flatMap(({ roles }) =>
      [...roles.values()].filter(({ arn }) => !OWN_ROLE.test(arn)).map(({ arn, trustPolicy }) => [arn, trustPolicy]),
    ),
  );

const addonTexts = ({ addons }: ClusterState): string[] =>
  [...addons.values()].map(({ name, version, status, issues, serviceAccountRoleArn, associationIds }) =>
    [
      `${name} ${version} ${[status, ...issues.map(({ code }) => code)].join(' ')}`,
      `role ${serviceAccountRoleArn?.split('/').at(-1) ?? 'none'}`,
      `${associationIds.length} associations`,
    ].join(', '),
  );

/** Begins a measurement. Each pod that runs has fetched its credentials by then. */
export const measure = (world: World, cluster: ClusterState): Measurement => {
  const from = world.schedule.now();
  const before = podCredentials(world, cluster);
  const policies = trustPoliciesOf(world);
  const addons = addonTexts(cluster);
  const concerned = new Set(
    before
      .filter(({ containers }) => containers.some(({ roleArn }) => roleArn !== undefined))
      .map(({ namespace, workload }) => `${namespace} ${workload}`),
  );
  const pods: Measurement['pods'] = (consent) => podEnds(before, podCredentials(world, cluster), consent);
  return {
    pods,
    end: (consent) => {
      const disruption = disruptionOf(
        cluster.kube.readyHistory.filter(({ namespace, kind, workload }) =>
          concerned.has(`${namespace} ${kind} ${workload}`),
        ),
        { from, to: world.schedule.now() },
      );
      return {
        ends: pods(consent),
        trust: trustEnds(policies, trustPoliciesOf(world)),
        addons: addonTexts(cluster).filter((text) => !addons.includes(text)),
        ...(disruption === undefined
          ? {}
          : {
              availability: {
                unavailableSeconds: Math.round(disruption.controllerUnavailableSeconds),
                leastReady: disruption.minReadyPods,
              },
            }),
      };
    },
  };
};

/** Longer than the longest session of a pod in this world, so that each pod has had to fetch its credentials again. */
export const lifetimeOf = ({ knobs: { podSessionSeconds, irsaSessionSeconds } }: World): number =>
  Math.max(podSessionSeconds, irsaSessionSeconds) + 3600;
