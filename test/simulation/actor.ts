/** A third party (a person or another tool) that changes the same add-on or service account while a migration runs. */
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
import type { Subject } from '../../lambdas/domain/terms/subject.ts';
import type { Kubernetes } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { holderOf } from '../../sandbox/eks/association-state.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { getObject, newMetadata, putObject, removeObject } from '../../sandbox/objects/store.ts';
import { annotationOf } from './cluster.ts';
import type { SimulatedScenario } from './scenarios.ts';
import type { ActorSpec, Phase } from './spec.ts';

export interface ActorRecord {
  spec: ActorSpec;
  /** Number of the call log's line after which the actor acted; absent if the run never got that far. */
  afterLine?: number;
  /** The world's time, in milliseconds, at which the actor had finished; absent while it is still acting. */
  acted?: number;
  /** Whether AWS or the API server accepted the change. */
  accepted: boolean;
  /** True while the actor is acting: some acts take several calls. */
  acting: boolean;
}

/** The statement that the actor adds to the trust policy of the add-on's role. */
export const OTHER_STATEMENT = {
  Sid: 'ThirdParty',
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

/** The role that the actor's annotation names. */
const OTHER_ANNOTATION = 'arn:aws:iam::111122223333:role/third-party';

const ANY_POD = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'pods.eks.amazonaws.com' }, Action: ['sts:AssumeRole', 'sts:TagSession'] },
  ],
});

/** A role that the actor has created. EKS Pod Identity can use it as well as the add-on's own. */
const OTHER_ROLE = OTHER_ANNOTATION;

/** Returns the first service account that the add-on has an association for. */
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
  /** Milliseconds after its deletion for which an association still has its key. */
  freesKeyMs: number;
}

/** Deletes the add-on, waits until it is gone and creates another one without a role. */
const replace = async (
  { eks, sleep }: Hands,
  cluster: ClusterState,
  create: { clusterName: string; addonName: string; clientRequestToken: string },
): Promise<void> => {
  await eks.send(new DeleteAddonCommand({ clusterName: cluster.name, addonName: create.addonName }));
  for (let poll = 0; poll < 60 && cluster.addons.has(create.addonName); poll += 1) await sleep(2000);
  // The create fails if the migration has created the add-on first.
  await eks.send(new CreateAddonCommand({ ...create, tags: { team: 'third-party' } })).catch(() => undefined);
};

/** Creates an association, in place of the one that the service account has. */
const associate = async (
  { eks, sleep, freesKeyMs }: Hands,
  cluster: ClusterState,
  create: CreatePodIdentityAssociationCommand,
): Promise<void> => {
  const { clusterName, namespace = '', serviceAccount = '' } = create.input;
  const held = holderOf(cluster, namespace, serviceAccount);
  if (!held) {
    await eks.send(create);
    return;
  }
  await eks.send(new DeletePodIdentityAssociationCommand({ clusterName, associationId: held.id }));
  await sleep(freesKeyMs);
  // The create fails if the migration has created an association first.
  await eks.send(create).catch(() => undefined);
};

/** Returns the subject's current association. */
const associated = (cluster: ClusterState, { addon, serviceAccount }: Subject): { associationId: string } => {
  const name = serviceAccount?.name ?? ACCOUNTS[addon ?? ''] ?? 'ebs-csi-controller-sa';
  const one = [...cluster.associations.values()].find(
    (there) => there.serviceAccount === name && there.deletedUntil === undefined,
  );
  if (!one) throw new Error('The subject has no association.');
  return { associationId: one.id };
};

const act = async (hands: Hands, cluster: ClusterState, subject: Subject, does: ActorSpec['does']): Promise<void> => {
  const { eks, iam, kubernetes, now } = hands;
  const { addon: addonName = '', serviceAccount: account } = subject;
  // The SDK would generate a different token in each run.
  const clientRequestToken = `third-party-${does}`;
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
      await eks.send(new CreateAddonCommand({ ...update, tags: { team: 'third-party' } }));
      return;
    case 'associate': {
      const roleArn = [...cluster.associations.values()][0]?.roleArn ?? role.serviceAccountRoleArn ?? annotation;
      const of = account
        ? { namespace: account.namespace, serviceAccount: account.name }
        : {
            namespace: addon?.namespace ?? 'kube-system',
            serviceAccount: ACCOUNTS[addonName] ?? 'ebs-csi-controller-sa',
          };
      const create = new CreatePodIdentityAssociationCommand({
        clusterName: cluster.name,
        clientRequestToken,
        ...of,
        roleArn,
        tags: { by: 'third-party' },
      });
      return associate(hands, cluster, create);
    }
    case 'change-trust':
      await changeTrust(iam, addon?.serviceAccountRoleArn ?? annotation);
      return;
    case 'annotate': {
      const there = account && (await kubernetes.getServiceAccount(account.namespace, account.name));
      if (!there) throw new Error('The service account does not exist.');
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
      if (!there) throw new Error('The service account does not exist.');
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

/**
 * Calls `run` once, directly after the n-th call of the service's functions has been answered; `run` itself makes calls
 * that are not the service's.
 */
export const afterCall = (sandbox: Sandbox, n: number, run: (line: number) => Promise<unknown>): void => {
  const { world, clock } = sandbox;
  // The log is written within a function's invocation; the calls of `run` must not be attributed to it.
  const outside = AsyncLocalStorage.snapshot();
  let done = false;
  world.log.onCall((call) => {
    if (done || call.step === undefined || world.faults.seen.length < n) return;
    done = true;
    outside(() => void clock.spawn(() => run(call.n)));
  });
};

/** Adds a third-party role that allows EKS Pod Identity, before the run begins. */
export const addThirdPartyRole = ({ world }: Sandbox, account: string): void => {
  const roles = world.accounts.get(account)?.roles;
  const [like] = roles?.values() ?? [];
  if (like)
    roles?.set('third-party', { ...structuredClone(like), arn: OTHER_ROLE, name: 'third-party', trustPolicy: ANY_POD });
};

export interface Actor {
  record: ActorRecord;
  /** Acts if the actor's spec names this phase. */
  interfere: (phase: Phase) => Promise<void>;
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
    const freesKeyMs = world.knobs.associationDeleteLagSeconds * 1000;
    record.accepted = await act(
      { eks: clients.eks(), iam: clients.iam(), kubernetes, sleep, now: () => clock.now(), freesKeyMs },
      cluster,
      first,
      spec.does,
    ).then(
      () => true,
      // AWS refused the change because the add-on was missing or busy, so nothing interfered.
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
