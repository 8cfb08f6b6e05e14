/** A cluster that only the operator can access, and the program that inspects it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureAssembly } from '../../cli/assembly.ts';
import type { ServiceRoles } from '../../lambdas/domain/access/entries.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { scenarioWith, TARGET } from '../end-to-end/fixture.ts';

export const OPERATOR = `arn:aws:iam::${TARGET.account}:role/operator`;
export const POLICY = 'arn:aws:eks::aws:cluster-access-policy/';

type Entry = NonNullable<ScenarioCluster['accessEntries']>[number];
export const entryOf = (principalArn: string, change: Partial<Entry> = {}): Entry => ({
  principalArn,
  type: 'STANDARD',
  kubernetesGroups: [],
  policies: [],
  tags: {},
  ...change,
});
/** The operator, with that access policy for the whole cluster. */
export const operatorWith = (policy: string): Entry =>
  entryOf(OPERATOR, { policies: [{ policyArn: `${POLICY}${policy}`, accessScope: { type: 'cluster' } }] });
export const ADMINISTRATOR = operatorWith('AmazonEKSClusterAdminPolicy');

/** Roles of the service that is deployed in the sandbox. */
export const serviceRoles = async (): Promise<ServiceRoles> => {
  const { outputs } = loadAssembly((await ensureAssembly()).directory, { ...TARGET });
  const arns = (output: string): string[] => outputs[output]!.split(',');
  return {
    all: arns('KubernetesRoleArns'),
    restart: arns('KubernetesRestartRoleArns'),
    annotate: arns('KubernetesAnnotateRoleArns'),
  };
};

export interface Files {
  directory: string;
  scenario: string;
  remove: () => void;
}

/** Writes scenarios whose cluster has these access entries and the changes of `change`. */
export const filesWith = (
  accessEntries: Entry[] = [ADMINISTRATOR],
  change: (cluster: ScenarioCluster, scenario: Scenario) => void = () => {},
): Files => {
  const directory = mkdtempSync(join(tmpdir(), 'access-'));
  const scenario = join(directory, 'scenario.json');
  const made = scenarioWith((one, cluster) => {
    Object.assign(one.knobs, { webhookLagSeconds: 8 });
    cluster.accessEntries = accessEntries;
    change(cluster, one);
  });
  writeFileSync(scenario, JSON.stringify(made));
  return { directory, scenario, remove: () => rmSync(directory, { recursive: true }) };
};
