/**
 * Migrations of software whose AWS SDK matters, and what its pods have in the end: by the sandbox's EKS Auth and STS, by
 * each container's SDK, and by the API server's objects, and never by what the service reports.
 */
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { summary } from '../../cli/print/summary.ts';
import { containerCredentials } from '../../sandbox/credentials/sessions.ts';
import { isActive, isReady } from '../../sandbox/kubernetes/pods.ts';
import { containerStatusesOf } from '../../sandbox/kubernetes/pod-status.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import type { ScenarioSoftware } from '../../sandbox/scenario/scenario-containers.ts';
import { ADDON } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';

const EXPORTER = { namespace: 'reports', name: 'exporter' };
const CONTROLLER = { namespace: 'kube-system', name: 'ebs-csi-controller-sa' };

const HOUR = 3_600_000;

type Sdk = NonNullable<ScenarioSoftware['sdk']>;
/** Go's SDK v1 supports EKS Pod Identity from 1.47.11 (EKS User Guide, "Use pod identity with the AWS SDK"). */
export const OLD_SDK: Sdk = { name: 'go-v1', version: '1.47.10' };
export const NEW_SDK: Sdk = { name: 'go-v1', version: '1.47.11' };

type Account = typeof EXPORTER;
/** One way to migrate, and the service account whose pods have the software. */
export interface Way {
  title: string;
  scenario: string;
  asked: Asked;
  account: Account;
  /** Puts the SDK into the software. */
  put: (cluster: ScenarioCluster, sdk: Sdk) => void;
  /** Gives the container of that software an `AWS_PROFILE`, so that its source of credentials is unknown. */
  addProfile: (cluster: ScenarioCluster) => void;
  /** How a request accepts that container. */
  accepts: Pick<Asked, 'accept'>;
}

const intoAddon: Way['put'] = ({ addons }, sdk) => {
  const addon = addons.find(({ name }) => name === ADDON)!;
  addon.software = [{ workload: 'ebs-csi-controller', container: 'ebs-plugin', sdk }];
};
const intoWorkload =
  (kind: ScenarioCluster['workloads'][number]['kind']): Way['put'] =>
  ({ workloads }, sdk) => {
    for (const workload of workloads) {
      workload.kind = kind;
      for (const container of workload.containers ?? []) container.sdk = sdk;
    }
  };
const PROFILE = { name: 'AWS_PROFILE', value: 'reports' };
const ofAddon = {
  account: CONTROLLER,
  put: intoAddon,
  addProfile: ({ addons }: ScenarioCluster) => {
    const addon = addons.find(({ name }) => name === ADDON)!;
    addon.extraEnv = [{ ...PROFILE, workload: 'ebs-csi-controller', container: 'ebs-plugin' }];
  },
  accepts: { accept: ['unknown-credentials:ebs-csi-controller/ebs-plugin'] },
};
const ofAccount = {
  scenario: 'old-sdk-crashes',
  account: EXPORTER,
  asked: { serviceAccount: EXPORTER },
  addProfile: ({ workloads }: ScenarioCluster) => {
    for (const { containers = [] } of workloads) for (const container of containers) container.env = [PROFILE];
  },
  accepts: { accept: ['unknown-credentials:exporter/exporter'] },
};

export const WAYS: Way[] = [
  { ...ofAddon, title: 'an add-on, in place', scenario: 'in-place', asked: { addon: ADDON, strategy: 'in-place' } },
  { ...ofAddon, title: 'an add-on, recreated', scenario: 'in-place', asked: { addon: ADDON, strategy: 'recreate' } },
  {
    ...ofAddon,
    title: 'an add-on, recreated with preserve',
    scenario: 'preserve',
    asked: { addon: ADDON, strategy: 'recreate', preserve: true },
  },
  { ...ofAccount, title: 'a service account with a Deployment', put: intoWorkload('Deployment') },
  { ...ofAccount, title: 'a service account with a StatefulSet', put: intoWorkload('StatefulSet') },
  { ...ofAccount, title: 'a service account with a DaemonSet', put: intoWorkload('DaemonSet') },
];

/** What one pod has, as nothing of the service knows it. */
export interface Had {
  ready: boolean;
  restarts: number;
  /** For each container that asks for credentials: the method with the role, or the reason why it gets none. */
  gets: string[];
}

/** Returns what each pod of the service account has now, in the order of their names. */
export const podsHave = ({ backend: { sandbox }, cluster }: OpenWorld, { namespace, name }: Account): Had[] =>
  listObjects(cluster.kube, 'Pod')
    .filter((pod) => pod.metadata.namespace === namespace && pod.spec.serviceAccountName === name && isActive(pod))
    .map((pod) => ({
      ready: isReady(pod),
      restarts: containerStatusesOf(pod).reduce((sum, { restartCount }) => sum + restartCount, 0),
      gets: [
        ...new Set(
          containerCredentials(sandbox.world, cluster, pod).map(({ method, roleArn, refused }) =>
            refused ? refused.code : `${method} ${roleArn?.replace(/.*\//, '') ?? 'without a role'}`,
          ),
        ),
      ].sort(),
    }));

export interface Judged {
  report: MigrationReport;
  /** The text that the command line prints. */
  text: string;
  before: Had[];
  after: Had[];
  /** The add-on or the service account before and after, as any client sees it. */
  state: { before: object; after: object };
  /** Calls of the service that changed something at the target. */
  changes: string[];
}

type Subject = Pick<Way, 'scenario' | 'account' | 'asked'>;
const stateOf = (world: OpenWorld, { asked: { addon }, account }: Subject): object =>
  addon === undefined ? world.readAccount(account) : world.readAddon(addon, account.name);

interface JudgedOptions extends Pick<WorldOptions, 'knobs'> {
  change?: (cluster: ScenarioCluster) => void;
  /** Whether the migration is rolled back on demand, an hour later; the report is then that of the rollback. */
  rollBack?: boolean;
}

/** Migrates in a new world, and reads the pods before and after without the service. */
export const judged = (
  subject: Subject,
  asked: Asked = {},
  { change, rollBack = false, ...options }: JudgedOptions = {},
): Promise<Judged> =>
  inWorld(
    {
      scenario: subject.scenario,
      ...options,
      ...(change ? { change: (scenario) => change(scenario.accounts[0]!.clusters[0]!) } : {}),
    },
    async (world) => {
      const seen = () => ({ pods: podsHave(world, subject.account), state: stateOf(world, subject) });
      const before = seen();
      const migrated = await world.migrate({ ...subject.asked, ...asked });
      if (rollBack) await world.later(HOUR);
      const report = rollBack ? await world.rollBack({ migrationId: migrated.migrationId }) : migrated;
      const after = seen();
      return {
        report,
        text: summary(report, PLAIN).join('\n'),
        before: before.pods,
        after: after.pods,
        state: { before: before.state, after: after.state },
        changes: world.changes().map(({ service, operation }) => `${service}:${operation}`),
      };
    },
  );
