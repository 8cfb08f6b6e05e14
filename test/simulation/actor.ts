/**
 * Somebody else who works on the same add-on, or service account, while a migration runs: by hand, or with another
 * tool.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  CreateAddonCommand,
  CreatePodIdentityAssociationCommand,
  DeleteAddonCommand,
  DeletePodIdentityAssociationCommand,
  type EKSClient,
  UpdateAddonCommand,
  UpdatePodIdentityAssociationCommand,
} from '@aws-sdk/client-eks';
import { GetRoleCommand, type IAMClient, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import type { Subject } from '../../lambdas/domain/migration/subject.ts';
import type { Kubernetes } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { getObject, newMetadata, putObject, removeObject } from '../../sandbox/kubernetes/store.ts';
import { annotationOf } from './cluster.ts';
import type { SimulatedScenario } from './scenarios.ts';
import type { ActorSpec, PHASES } from './spec.ts';

export interface ActorRecord {
  spec: ActorSpec;
  /** Number of the call log's line after which it acted; absent where the run never came so far. */
  afterLine?: number;
  /** The world's time by which it was done, milliseconds; absent while it is at it. */
  acted?: number;
  /** Whether EKS took it. */
  accepted: boolean;
  /** While it is at it: some things take several calls. */
  acting: boolean;
}

/** The statement that somebody else adds to the trust policy of the add-on's role. */
export const OTHER_STATEMENT = {
  Sid: 'SomebodyElse',
  Effect: 'Allow',
  Principal: { Service: 'ec2.amazonaws.com' },
  Action: 'sts:AssumeRole',
};

const changeTrust = async (iam: IAMClient, roleArn: string | undefined): Promise<void> => {
  const RoleName = roleArn?.split('/').at(-1);
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const policy = JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')) as { Statement: unknown[] };
  await iam.send(
    new UpdateAssumeRolePolicyCommand({
      RoleName,
      PolicyDocument: JSON.stringify({ ...policy, Statement: [...policy.Statement, OTHER_STATEMENT] }),
    }),
  );
};

/** The role that somebody else's annotation names. */
export const OTHER_ANNOTATION = 'arn:aws:iam::111122223333:role/somebody-elses';

const ANY_POD = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'pods.eks.amazonaws.com' }, Action: ['sts:AssumeRole', 'sts:TagSession'] },
  ],
});

/** A role that somebody else has made, as good for EKS Pod Identity as that of the add-on. */
const OTHER_ROLE = OTHER_ANNOTATION;

/** The first service account that the add-on takes an association for. */
const ACCOUNTS: Record<string, string> = {
  'aws-efs-csi-driver': 'efs-csi-controller-sa',
  'external-dns': 'external-dns',
  'vpc-cni': 'aws-node',
};

const OTHER_VALUES = '{"controller":{"replicaCount":3}}';

interface Hands {
  eks: EKSClient;
  iam: IAMClient;
  kubernetes: Kubernetes;
  sleep: (milliseconds: number) => Promise<void>;
  now: () => number;
}

/** Deletes the add-on, waits until it is gone and creates one of their own, without a role. */
const replace = async (
  { eks, sleep }: Hands,
  cluster: ClusterState,
  create: { clusterName: string; addonName: string; clientRequestToken: string },
): Promise<void> => {
  await eks.send(new DeleteAddonCommand({ clusterName: cluster.name, addonName: create.addonName }));
  for (let look = 0; look < 60 && cluster.addons.has(create.addonName); look += 1) await sleep(2000);
  // Whoever is faster has made it.
  await eks.send(new CreateAddonCommand({ ...create, tags: { team: 'somebody-else' } })).catch(() => undefined);
};

/** The association of the subject that is there. */
const associated = (cluster: ClusterState, { addon, serviceAccount }: Subject): { associationId: string } => {
  const name = serviceAccount?.name ?? ACCOUNTS[addon ?? ''] ?? 'ebs-csi-controller-sa';
  const one = [...cluster.associations.values()].find(
    (there) => there.serviceAccount === name && there.deletedUntil === undefined,
  );
  if (!one) throw new Error('There is no such association.');
  return { associationId: one.id };
};

const act = async (hands: Hands, cluster: ClusterState, subject: Subject, does: ActorSpec['does']): Promise<void> => {
  const { eks, iam, kubernetes, now } = hands;
  const { addon: addonName = '', serviceAccount: account } = subject;
  // Of its own, since the SDK's would be another one in each run.
  const clientRequestToken = `somebody-else-${does}`;
  const where = { clusterName: cluster.name, addonName };
  const update = { ...where, clientRequestToken };
  const annotation = account && annotationOf(cluster, account);
  const addon = cluster.addons.get(addonName);
  const role = addon?.serviceAccountRoleArn ? { serviceAccountRoleArn: addon.serviceAccountRoleArn } : {};
  switch (does) {
    case 'update-version': {
      const versions = ['v1.38.1-eksbuild.1', 'v1.35.0-eksbuild.1', 'v1.40.0-eksbuild.1'].filter(
        (one) => one !== addon?.version,
      );
      await eks.send(new UpdateAddonCommand({ ...update, ...role, addonVersion: versions[0] }));
      return;
    }
    case 'change-configuration':
      await eks.send(new UpdateAddonCommand({ ...update, ...role, configurationValues: OTHER_VALUES }));
      return;
    case 'delete':
      await eks.send(new DeleteAddonCommand(where));
      return;
    case 'recreate':
      await eks.send(new CreateAddonCommand({ ...update, tags: { team: 'somebody-else' } }));
      return;
    case 'associate': {
      const roleArn = [...cluster.associations.values()][0]?.roleArn ?? role.serviceAccountRoleArn ?? annotation;
      const of = account
        ? { namespace: account.namespace, serviceAccount: account.name }
        : {
            namespace: addon?.namespace ?? 'kube-system',
            serviceAccount: ACCOUNTS[addonName] ?? 'ebs-csi-controller-sa',
          };
      await eks.send(
        new CreatePodIdentityAssociationCommand({
          clusterName: cluster.name,
          clientRequestToken,
          ...of,
          roleArn,
          tags: { by: 'somebody-else' },
        }),
      );
      return;
    }
    case 'change-trust':
      await changeTrust(iam, addon?.serviceAccountRoleArn ?? annotation);
      return;
    case 'annotate': {
      const there = account && (await kubernetes.getServiceAccount(account.namespace, account.name));
      if (!there) throw new Error('There is no such service account.');
      await kubernetes.annotateServiceAccount(there, OTHER_ANNOTATION);
      return;
    }
    case 'give-other-role':
      await eks.send(new UpdateAddonCommand({ ...update, podIdentityAssociations: [] }));
      return;
    case 'replace':
      return replace(hands, cluster, update);
    case 'dissociate':
      await eks.send(
        new DeletePodIdentityAssociationCommand({ clusterName: cluster.name, ...associated(cluster, subject) }),
      );
      return;
    case 'delete-account':
    case 'recreate-account': {
      const there = account && getObject(cluster.kube, 'ServiceAccount', account.namespace, account.name);
      if (!there) throw new Error('There is no such service account.');
      removeObject(cluster.kube, 'ServiceAccount', there);
      if (does === 'delete-account') return;
      const { uid: _, resourceVersion: __, creationTimestamp: ___, ...kept } = there.metadata;
      putObject(cluster.kube, 'ServiceAccount', { ...there, metadata: newMetadata(cluster.kube, now(), kept) });
      return;
    }
    case 'repoint':
      await eks.send(
        new UpdatePodIdentityAssociationCommand({
          clusterName: cluster.name,
          clientRequestToken,
          ...associated(cluster, subject),
          roleArn: OTHER_ROLE,
        }),
      );
  }
};

/** Calls once, right after the n-th call of the service's functions has been answered, what is not one of them. */
export const afterCall = (sandbox: Sandbox, n: number, run: (line: number) => Promise<unknown>): void => {
  const { world, clock } = sandbox;
  // The log is written within a function's invocation, which this must not be taken for.
  const outside = AsyncLocalStorage.snapshot();
  let done = false;
  world.log.onCall((call) => {
    if (done || call.step === undefined || world.faults.seen.length < n) return;
    done = true;
    outside(() => void clock.spawn(() => run(call.n)));
  });
};

/** Before anything else: the role that somebody else has made, allowed for EKS Pod Identity. */
export const addThirdPartyRole = ({ world }: Sandbox, account: string): void => {
  const roles = world.accounts.get(account)?.roles;
  const [like] = roles?.values() ?? [];
  if (like) roles?.set(OTHER_ROLE, { ...structuredClone(like), arn: OTHER_ROLE, trustPolicy: ANY_POD });
};

export interface Actor {
  record: ActorRecord;
  /** Acts, where it is the time. */
  interfere: (phase: (typeof PHASES)[number]) => Promise<void>;
}

export const prepareActor = (
  sandbox: Sandbox,
  cluster: ClusterState,
  { requests }: SimulatedScenario,
  spec: ActorSpec,
): Actor => {
  const record: ActorRecord = { spec, accepted: false, acting: false };
  const { world, clock } = sandbox;
  const clients = sandbox.clients(undefined, cluster.region);
  const acts = async (line: number): Promise<void> => {
    record.afterLine = line;
    const [first] = requests;
    if (!first) return;
    record.acting = true;
    const { kubernetes } = portsOf(clients, first.target);
    const sleep = (milliseconds: number): Promise<void> => clock.sleep(milliseconds);
    record.accepted = await act(
      { eks: clients.eks(), iam: clients.iam(), kubernetes, sleep, now: () => clock.now() },
      cluster,
      first,
      spec.does,
    ).then(
      () => true,
      // Refused: the add-on was not there, or busy. Then nobody interfered.
      () => false,
    );
    record.acting = false;
    record.acted = clock.now();
  };
  if (typeof spec.afterCall === 'number') afterCall(sandbox, spec.afterCall, acts);
  return {
    record,
    interfere: async (phase) => {
      if (phase === spec.afterCall && record.afterLine === undefined) await acts(world.log.calls.at(-1)?.n ?? 0);
    },
  };
};
