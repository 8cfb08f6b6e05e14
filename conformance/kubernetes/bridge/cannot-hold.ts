/** Which scenarios a real control plane cannot be given, and why. */
import type { Scenario, ScenarioCluster } from '../../../sandbox/scenario/scenario.ts';

/** Compute types whose scheduling is AWS's own. */
const OTHER_COMPUTE: Readonly<Record<string, string>> = {
  fargate: "Fargate's scheduler is AWS's own",
  hybrid: "which pods hybrid nodes accept is the sandbox's own rule",
};

const ofCluster = ({
  nodes,
  nodeLosses,
  autoscalers,
  fargateProfiles = [],
  addons,
}: ScenarioCluster): string | undefined => {
  if (fargateProfiles.length > 0) return OTHER_COMPUTE['fargate'];
  const compute = typeof nodes === 'number' ? [] : nodes.map((group) => group.compute ?? '');
  const other = compute.map((each) => OTHER_COMPUTE[each]).find((each) => each !== undefined);
  if (other !== undefined) return other;
  if (nodeLosses.length > 0) return 'its nodes are lost, which takes minutes of real time to be noticed';
  if (autoscalers.length > 0) return 'its autoscalers draw their numbers of pods in the sandbox alone';
  const changed = addons.flatMap(({ modifiedFields = [] }) => modifiedFields);
  if (changed.some(({ value }) => value === undefined))
    return 'it names a field that another manager has changed, and not its value';
  return undefined;
};

/** Returns why a scenario cannot be opened on a real control plane, which holds its first cluster; undefined if it can. */
export const cannotHold = ({ accounts }: Scenario): string | undefined => {
  const [first] = accounts.flatMap((account) => account.clusters);
  return first ? ofCluster(first) : 'it has no cluster';
};
