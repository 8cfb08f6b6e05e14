/**
 * Somebody else who works on the same add-on, or service account, while a migration runs: by hand, or with another
 * tool.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  CreateAddonCommand,
  CreatePodIdentityAssociationCommand,
  DeleteAddonCommand,
  type EKSClient,
  UpdateAddonCommand,
} from '@aws-sdk/client-eks';
import { GetRoleCommand, type IAMClient, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import type { Subject } from '../../lambdas/domain/subject.ts';
import type { Kubernetes } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { annotationOf } from './look.ts';
import type { SimulatedScenario } from './scenarios.ts';
import type { ActorSpec } from './spec.ts';

export interface ActorRecord {
  spec: ActorSpec;
  /** Number of the call log's line after which it acted; absent where the run never came so far. */
  afterLine?: number;
  /** Whether EKS took it. */
  accepted: boolean;
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

const OTHER_VALUES = '{"controller":{"replicaCount":3}}';

/** The role that somebody else's annotation names. */
export const OTHER_ANNOTATION = 'arn:aws:iam::111122223333:role/somebody-elses';

interface Hands {
  eks: EKSClient;
  iam: IAMClient;
  kubernetes: Kubernetes;
}

const act = async (
  { eks, iam, kubernetes }: Hands,
  cluster: ClusterState,
  { addon: addonName = '', serviceAccount: account }: Subject,
  does: ActorSpec['does'],
): Promise<void> => {
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
        : { namespace: addon?.namespace ?? 'kube-system', serviceAccount: 'ebs-csi-controller-sa' };
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
      const now = account && (await kubernetes.getServiceAccount(account.namespace, account.name));
      if (!now) throw new Error('There is no such service account.');
      await kubernetes.annotateServiceAccount(now, OTHER_ANNOTATION);
      return;
    }
    case 'give-other-role':
      await eks.send(new UpdateAddonCommand({ ...update, podIdentityAssociations: [] }));
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

export const prepareActor = (
  sandbox: Sandbox,
  cluster: ClusterState,
  { requests }: SimulatedScenario,
  spec: ActorSpec,
): ActorRecord => {
  const record: ActorRecord = { spec, accepted: false };
  const clients = sandbox.clients(undefined, cluster.region);
  afterCall(sandbox, spec.afterCall, async (line) => {
    record.afterLine = line;
    const [first] = requests;
    if (!first) return;
    const { kubernetes } = portsOf(clients, first.target);
    record.accepted = await act({ eks: clients.eks(), iam: clients.iam(), kubernetes }, cluster, first, spec.does).then(
      () => true,
      // Refused: the add-on was not there, or busy. Then nobody interfered.
      () => false,
    );
  });
  return record;
};
