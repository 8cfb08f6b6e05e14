/** The commands in the remedies of checks, and the situations in which they are printed. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Check } from '../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { commandsIn } from '../../cli/text/remedy.ts';
import { scenarioFile } from './fixture.ts';

/** The program, operation and options of a command, without what differs between situations. */
export const templateOf = (command: string): string => {
  const words = command.split(' ');
  const values = words.findIndex((word) => word.startsWith('-'));
  const named = words.slice(0, values === -1 ? undefined : values).filter((word) => !/[0-9/=]/.test(word));
  const options = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/=.*/, ''));
  return [...named, ...options].join(' ');
};

export type Subject = Pick<MigrationRequestInput, 'addon' | 'serviceAccount' | 'strategy' | 'verification' | 'roleArn'>;

export interface Situation {
  scenario: string;
  /** The cluster, if the scenario has several. */
  cluster?: string;
  subject: Subject;
}

type SituationInWorld = Situation & { parsed: Scenario; target: MigrationRequestInput['target'] };

/** Returns the situations of the published scenarios, and one in which a role was deleted. */
export const everySituation = (): SituationInWorld[] => [...publishedSituations(), deletedRole()];

const CHECKOUT = { namespace: 'shop', name: 'checkout' };

/** An annotation names a role that was deleted: no published scenario has that. */
const deletedRole = (): SituationInWorld => {
  const found = publishedSituations().find(
    ({ scenario, subject }) => scenario === 'agent-self-managed' && 'serviceAccount' in subject,
  );
  if (!found) throw new Error('The scenario agent-self-managed has no service account with a role.');
  const parsed = structuredClone(found.parsed);
  for (const account of parsed.accounts)
    account.roles = account.roles.filter(({ arn }) => !arn.endsWith(`/retail-prod-${CHECKOUT.name}`));
  return { ...found, parsed };
};

/** Returns whether the add-on has a role or an association. */
const hasIdentity = (
  { associations }: ScenarioCluster,
  { name, serviceAccountRoleArn }: ScenarioCluster['addons'][number],
): boolean => serviceAccountRoleArn !== undefined || associations.some(({ owner }) => owner === name);

/**
 * Returns every add-on and every annotated service account of the published scenarios, with both strategies. An add-on
 * without an identity is only in the first scenario that has it: everywhere else, it is blocked by the same checks.
 */
const publishedSituations = (): SituationInWorld[] => {
  const seen = new Set<string>();
  const isNew = (name: string): boolean => seen.size < seen.add(name).size;
  return readdirSync('sandbox/scenarios').flatMap((file) => {
    const scenario = file.replace('.json', '');
    const path = scenarioFile(scenario);
    const parsed = parseScenario(readFileSync(path, 'utf8'), path);
    return parsed.accounts.flatMap(({ id: account, clusters }) =>
      clusters.flatMap((cluster) => {
        const target = { account, region: cluster.region, cluster: cluster.name };
        const addons = cluster.addons
          .filter((one) => hasIdentity(cluster, one) || isNew(one.name))
          .flatMap(({ name: addon }): Subject[] => [{ addon }, { addon, strategy: 'recreate' }]);
        const accounts = new Map(
          cluster.workloads
            .filter((one) => one.serviceAccountAnnotations?.['eks.amazonaws.com/role-arn'] !== undefined)
            .map(({ namespace, serviceAccount }): [string, Subject] => [
              `${namespace}/${serviceAccount}`,
              { serviceAccount: { namespace, name: serviceAccount } },
            ]),
        );
        return [...addons, ...accounts.values()].map((subject) => ({ scenario, parsed, target, subject }));
      }),
    );
  });
};

export const checksWithCommands = (checks: readonly Check[]): { id: string; command: string }[] =>
  checks.flatMap(({ id, status, remedy = '' }) =>
    status === 'pass' ? [] : commandsIn(remedy).map((command) => ({ id, command })),
  );

/**
 * How a command is run by the test. `run`: as it is printed, which must succeed. `then`: commands of the same remedy that
 * follow. `unblocks`: afterwards, the plan no longer has that check as a blocker. `not`: why it is not run.
 */
export type Row = Situation & { check: string; template: string } & ({ unblocks: boolean } | { not: string });

const EBS = 'aws-ebs-csi-driver';
const EFS = 'aws-efs-csi-driver';

const recreating = (scenario: string, addon: string): Situation => ({
  scenario,
  subject: { addon, strategy: 'recreate' },
});
const ofAccount = (scenario: string, namespace: string, name: string): Situation => ({
  scenario,
  subject: { serviceAccount: { namespace, name } },
});
const ofAddon = (scenario: string, addon: string): Situation => ({ scenario, subject: { addon } });
const ofEbs = (scenario: string): Situation => ofAddon(scenario, EBS);

const unblocks = (check: string, situation: Situation, template: string): Row => ({
  check,
  ...situation,
  template,
  unblocks: true,
});
const runs = (...[check, situation, template]: Parameters<typeof unblocks>): Row => ({
  ...unblocks(check, situation, template),
  unblocks: false,
});
const notRun = (check: string, situation: Situation, template: string, not: string): Row => ({
  check,
  ...situation,
  template,
  not,
});

const UPDATE_ADDON =
  'aws eks update-addon --region --cluster-name --addon-name --addon-version --service-account-role-arn --resolve-conflicts';
const DELETE_ASSOCIATION = 'aws eks delete-pod-identity-association --region --cluster-name --association-id';
const MIGRATE = 'pod-identity migrate --account --region --cluster --addon';
const HAND_OFF = 'pod-identity plan --cluster --region --account --addon --hand-off';
const GRANT_ACCESS = 'pod-identity grant-access --cluster --region --account';
const INCREASE_QUOTA =
  'aws service-quotas request-service-quota-increase --service-code --quota-code --desired-value --region';

/** Each distinct command of a remedy, with a situation in which it is printed. */
export const rows: Row[] = [
  unblocks('pod-identity-support', ofEbs('version-too-old'), UPDATE_ADDON),
  runs(
    'pod-identity-support',
    ofEbs('version-too-old'),
    'aws eks wait addon-active --region --cluster-name --addon-name',
  ),
  unblocks('version-offered', recreating('version-withdrawn', EBS), UPDATE_ADDON),
  unblocks('agent', ofEbs('agent-absent'), 'aws eks create-addon --region --cluster-name --addon-name'),
  runs('agent', ofEbs('agent-not-ready'), 'kubectl'),
  runs('agent-nodes', ofEbs('agent-not-ready'), 'kubectl'),
  unblocks('associations', ofEbs('left-over-session-policy'), DELETE_ASSOCIATION),
  unblocks('identity-loss', ofAddon('efs-node-role', EFS), `${MIGRATE} --role --deployed`),
  unblocks('identity-loss', ofAddon('efs-csi-irsa', EFS), `${MIGRATE} --accept --deployed`),
  unblocks('identity-loss', recreating('efs-node-role', EFS), `${MIGRATE} --strategy --role --deployed`),
  unblocks('identity-loss', recreating('efs-csi-irsa', EFS), `${MIGRATE} --strategy --accept --deployed`),
  runs('kubernetes-access', ofEbs('api-only'), `${GRANT_ACCESS} --deployed`),
  unblocks('node-role', ofEbs('node-role-lacks-right'), 'aws iam attach-role-policy --role-name --policy-arn'),
  unblocks(
    'node-role',
    ofEbs('node-role-lacks-right'),
    'aws eks delete-access-entry --region --cluster-name --principal-arn',
  ),
  notRun(
    'node-role',
    ofEbs('api-only'),
    'aws eks list-nodegroups --region --cluster-name',
    'the sandbox does not support ListNodegroups',
  ),
  runs(
    'role-account',
    ofAccount('role-in-other-account', 'reports', 'export'),
    'pod-identity trust target-role --role-arn --cluster-arn --namespace --service-account',
  ),
  notRun(
    'role-exists',
    ofAccount('agent-self-managed', CHECKOUT.namespace, CHECKOUT.name),
    'aws iam get-role --role-name',
    'it shows that IAM has no role of that name, and so fails',
  ),
  notRun('role-trust', ofEbs('trust-too-long'), INCREASE_QUOTA, 'the sandbox does not support Service Quotas'),
  runs('owner-terraform', ofEbs('owners-at-next-apply'), HAND_OFF),
  runs('owner-eksctl', ofAddon('owners-at-next-apply', 'fluent-bit'), `${HAND_OFF} --format`),
  notRun(
    'owner-cdk',
    ofAddon('owners-at-next-apply', 'aws-fsx-csi-driver'),
    `${HAND_OFF} --format`,
    'another check blocks that migration, so that the plan does not exit with 0',
  ),
  notRun(
    'owner-ack',
    ofEbs('owners-reconciling'),
    'kubectl annotate NAME --overwrite',
    'the sandbox has no resources of ACK',
  ),
  notRun(
    'owner-crossplane',
    ofAddon('owners-reconciling', 'external-dns'),
    'kubectl annotate addon.eks.aws.upbound.io quay-prod-external-dns --overwrite',
    'the sandbox has no resources of Crossplane',
  ),
  notRun(
    'owner-cluster-api',
    ofAddon('owners-reconciling', 'fluent-bit'),
    'kubectl patch quay-prod --type',
    'the sandbox has no management cluster',
  ),
  unblocks('agent-reachability', ofAccount('network-policy', 'orders', 'api'), 'kubectl --type'),
  runs('consumers', ofAccount('consumers-unread', 'shop', 'orders'), `${GRANT_ACCESS} --service-account --deployed`),
];
