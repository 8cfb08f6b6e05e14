/** Changes of a scenario for tests of `doctor`. */
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { accessEntry } from '../../sandbox/scenario/scenario-cluster.ts';

/** Makes the operator's access entry the only one, with that access policy. */
export const accessEntryOf = (cluster: ScenarioCluster, policy: string): void => {
  cluster.accessEntries = [
    accessEntry.parse({
      principalArn: 'arn:aws:iam::111122223333:role/operator',
      policies: [{ policyArn: `arn:aws:eks::aws:cluster-access-policy/${policy}` }],
    }),
  ];
};
