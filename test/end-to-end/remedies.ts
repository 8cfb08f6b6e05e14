/** The commands in the remedies of checks, and the situations in which they are printed. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Check, MigrationRequestInput } from '../../lambdas/domain/migration/model.ts';
import { parseScenario } from '../../sandbox/world/load.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/world/scenario.ts';
import { commandsIn } from '../../cli/print/remedy.ts';
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
const RECREATE = 'recreate' as const;

/** Each distinct command of a remedy, with a situation in which it is printed. */
export const rows: Row[] = [
  {
    check: 'pod-identity-support',
    template:
      'aws eks update-addon --region --cluster-name --addon-name --addon-version --service-account-role-arn --resolve-conflicts',
    scenario: 'version-too-old',
    subject: { addon: EBS },
    unblocks: true,
  },
  {
    check: 'pod-identity-support',
    template: 'aws eks wait addon-active --region --cluster-name --addon-name',
    scenario: 'version-too-old',
    subject: { addon: EBS },
    unblocks: false,
  },
  {
    check: 'version-offered',
    template:
      'aws eks update-addon --region --cluster-name --addon-name --addon-version --service-account-role-arn --resolve-conflicts',
    scenario: 'version-withdrawn',
    subject: { addon: EBS, strategy: RECREATE },
    unblocks: true,
  },
  {
    check: 'agent',
    template: 'aws eks create-addon --region --cluster-name --addon-name',
    scenario: 'agent-absent',
    subject: { addon: EBS },
    unblocks: true,
  },
  { check: 'agent', template: 'kubectl', scenario: 'agent-not-ready', subject: { addon: EBS }, unblocks: false },
  { check: 'agent-nodes', template: 'kubectl', scenario: 'agent-not-ready', subject: { addon: EBS }, unblocks: false },
  {
    check: 'associations',
    template: 'aws eks delete-pod-identity-association --region --cluster-name --association-id',
    scenario: 'left-over-session-policy',
    subject: { addon: EBS },
    unblocks: true,
  },
  {
    check: 'identity-loss',
    template: 'pod-identity migrate --account --region --cluster --addon --role --deployed',
    scenario: 'efs-node-role',
    subject: { addon: EFS },
    unblocks: true,
  },
  {
    check: 'identity-loss',
    template: 'pod-identity migrate --account --region --cluster --addon --accept-identity-loss --deployed',
    scenario: 'efs-csi-irsa',
    subject: { addon: EFS },
    unblocks: true,
  },
  {
    check: 'identity-loss',
    template: 'pod-identity migrate --account --region --cluster --addon --strategy --role --deployed',
    scenario: 'efs-node-role',
    subject: { addon: EFS, strategy: RECREATE },
    unblocks: true,
  },
  {
    check: 'identity-loss',
    template: 'pod-identity migrate --account --region --cluster --addon --strategy --accept-identity-loss --deployed',
    scenario: 'efs-csi-irsa',
    subject: { addon: EFS, strategy: RECREATE },
    unblocks: true,
  },
  {
    check: 'kubernetes-access',
    template: 'pod-identity grant-access --cluster --region --account --deployed',
    scenario: 'api-only',
    subject: { addon: EBS },
    unblocks: false,
  },
  {
    check: 'node-role',
    template: 'aws iam attach-role-policy --role-name --policy-arn',
    scenario: 'node-role-lacks-right',
    subject: { addon: EBS },
    unblocks: true,
  },
  {
    check: 'node-role',
    template: 'aws eks delete-access-entry --region --cluster-name --principal-arn',
    scenario: 'node-role-lacks-right',
    subject: { addon: EBS },
    unblocks: true,
  },
  {
    check: 'node-role',
    template: 'aws eks list-nodegroups --region --cluster-name',
    scenario: 'api-only',
    subject: { addon: EBS },
    not: 'the sandbox does not support ListNodegroups',
  },
  {
    check: 'role-account',
    template: 'pod-identity trust target-role --role-arn --cluster-arn --namespace --service-account',
    scenario: 'role-in-other-account',
    subject: { serviceAccount: { namespace: 'reports', name: 'export' } },
    unblocks: false,
  },
  {
    check: 'role-exists',
    template: 'aws iam get-role --role-name',
    scenario: 'agent-self-managed',
    subject: { serviceAccount: CHECKOUT },
    not: 'it shows that IAM has no role of that name, and so fails',
  },
  {
    check: 'role-trust',
    template: 'aws service-quotas request-service-quota-increase --service-code --quota-code --desired-value --region',
    scenario: 'trust-too-long',
    subject: { addon: EBS },
    not: 'the sandbox does not support Service Quotas',
  },
  {
    check: 'owner-terraform',
    template: 'pod-identity plan --cluster --region --account --addon --hand-off',
    scenario: 'owners-at-next-apply',
    subject: { addon: EBS },
    unblocks: false,
  },
  {
    check: 'owner-eksctl',
    template: 'pod-identity plan --cluster --region --account --addon --hand-off --format',
    scenario: 'owners-at-next-apply',
    subject: { addon: 'fluent-bit' },
    unblocks: false,
  },
  {
    check: 'owner-cdk',
    template: 'pod-identity plan --cluster --region --account --addon --hand-off --format',
    scenario: 'owners-at-next-apply',
    subject: { addon: 'aws-fsx-csi-driver' },
    not: 'another check blocks that migration, so that the plan does not exit with 0',
  },
  {
    check: 'owner-ack',
    template: 'kubectl annotate NAME --overwrite',
    scenario: 'owners-reconciling',
    subject: { addon: EBS },
    not: 'the sandbox has no resources of ACK',
  },
  {
    check: 'owner-crossplane',
    template: 'kubectl annotate addon.eks.aws.upbound.io quay-prod-external-dns --overwrite',
    scenario: 'owners-reconciling',
    subject: { addon: 'external-dns' },
    not: 'the sandbox has no resources of Crossplane',
  },
  {
    check: 'owner-cluster-api',
    template: 'kubectl patch quay-prod --type',
    scenario: 'owners-reconciling',
    subject: { addon: 'fluent-bit' },
    not: 'the sandbox has no management cluster',
  },
  {
    check: 'agent-reachability',
    template: 'kubectl --type',
    scenario: 'network-policy',
    subject: { serviceAccount: { namespace: 'orders', name: 'api' } },
    unblocks: true,
  },
  {
    check: 'consumers',
    template: 'pod-identity grant-access --cluster --region --account --service-account --deployed',
    scenario: 'consumers-unread',
    subject: { serviceAccount: { namespace: 'shop', name: 'orders' } },
    unblocks: false,
  },
];
