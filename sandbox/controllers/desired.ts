/**
 * What each controller compares and puts back: the state of its resource when the sandbox opened. The calls are those
 * that such a controller makes, with its own role.
 */
import {
  CreateAddonCommand,
  CreatePodIdentityAssociationCommand,
  DescribeAddonCommand,
  DescribePodIdentityAssociationCommand,
  UpdateAddonCommand,
  UpdatePodIdentityAssociationCommand,
} from '@aws-sdk/client-eks';
import { GetRoleCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { isDeepStrictEqual } from 'node:util';
import type { ClientFactory } from '../../lambdas/adapters/clients.ts';
import type { ClusterState, RoleState } from '../world/world.ts';

/** Compares a resource with its desired state, and puts that back if it differs. `token` names the change. */
export type Reconcile = (clients: ClientFactory, token: string) => Promise<void>;

/** Returns `undefined` for a resource that does not exist. */
const unlessMissing = (error: unknown): undefined => {
  if ((error as Error).name !== 'ResourceNotFoundException') throw error;
};

const BUSY = new Set(['CREATING', 'UPDATING', 'DELETING']);

/** Puts back the role and the associations of an add-on, and creates one that was deleted. */
export const addonReconciler = (cluster: ClusterState, name: string): Reconcile => {
  const addon = cluster.addons.get(name);
  if (!addon) throw new Error(`The cluster ${cluster.name} has no add-on ${name}.`);
  const of = { clusterName: cluster.name, addonName: name };
  const podIdentityAssociations = addon.associationIds.flatMap((id) => {
    const association = cluster.associations.get(id);
    return association ? [{ serviceAccount: association.serviceAccount, roleArn: association.roleArn }] : [];
  });
  const { serviceAccountRoleArn, version: addonVersion, configurationValues, tags } = addon;
  const identity = { ...of, serviceAccountRoleArn, podIdentityAssociations, resolveConflicts: 'OVERWRITE' as const };
  return async (clients, clientRequestToken) => {
    const eks = clients.eks();
    const found = (await eks.send(new DescribeAddonCommand(of)).catch(unlessMissing))?.addon;
    if (!found) {
      await eks.send(
        new CreateAddonCommand({ ...identity, addonVersion, configurationValues, tags, clientRequestToken }),
      );
      return;
    }
    if (BUSY.has(found.status ?? '')) return;
    const now: typeof podIdentityAssociations = [];
    for (const arn of found.podIdentityAssociations ?? []) {
      const associationId = arn.split('/').at(-1);
      const one = await eks
        .send(new DescribePodIdentityAssociationCommand({ clusterName: cluster.name, associationId }))
        .catch(unlessMissing);
      const { serviceAccount, roleArn } = one?.association ?? {};
      if (serviceAccount !== undefined && roleArn !== undefined) now.push({ serviceAccount, roleArn });
    }
    const isSame =
      found.serviceAccountRoleArn === serviceAccountRoleArn && isDeepStrictEqual(now, podIdentityAssociations);
    if (!isSame) await eks.send(new UpdateAddonCommand({ ...identity, clientRequestToken }));
  };
};

/** Puts back the role of an association, and creates one that was deleted, under a new id. */
export const associationReconciler = (cluster: ClusterState, id: string): Reconcile => {
  const association = cluster.associations.get(id);
  if (!association) throw new Error(`The cluster ${cluster.name} has no association ${id}.`);
  const { namespace, serviceAccount, roleArn, targetRoleArn, disableSessionTags, policy, tags } = association;
  const clusterName = cluster.name;
  let associationId: string | undefined = id;
  return async (clients, clientRequestToken) => {
    const eks = clients.eks();
    const of = { clusterName, associationId };
    const found = await eks.send(new DescribePodIdentityAssociationCommand(of)).catch(unlessMissing);
    if (!found) {
      const wanted = { namespace, serviceAccount, roleArn, targetRoleArn, disableSessionTags, policy, tags };
      const created = await eks.send(
        new CreatePodIdentityAssociationCommand({ clusterName, ...wanted, clientRequestToken }),
      );
      associationId = created.association?.associationId;
    } else if (found.association?.roleArn !== roleArn) {
      await eks.send(new UpdatePodIdentityAssociationCommand({ ...of, roleArn, clientRequestToken }));
    }
  };
};

/** Puts back the trust policy of a role. */
export const trustReconciler = ({ name: RoleName, trustPolicy }: RoleState): Reconcile => {
  const wanted: unknown = JSON.parse(trustPolicy);
  return async (clients) => {
    const { Role } = await clients.iam().send(new GetRoleCommand({ RoleName }));
    const now: unknown = JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? 'null'));
    if (!isDeepStrictEqual(now, wanted))
      await clients.iam().send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: trustPolicy }));
  };
};
