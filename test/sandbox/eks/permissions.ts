/** A cluster for EKS calls with given permissions, and names of its resources. */
import { entryArn } from '../../../sandbox/eks/access-entry-state.ts';
import { ACCOUNT, CALLER_SESSION, CLUSTER, EBS, openFixture, REGION, roleArn } from './fixture.ts';
import type { Fixture, Statement } from './fixture.ts';

export const EKS_ARN = `arn:aws:eks:${REGION}:${ACCOUNT}`;
export const ID = 'a-00000000000000001';
export const UPDATE = '00000000-0000-4000-8000-000000000001';
export const PRINCIPAL = roleArn('other');
export const VIEW = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';

/** Creates a fixture with an add-on, its association, an access entry and an update. */
export const open = (as: Statement[], before?: (fixture: Fixture) => void): Fixture => {
  const fixture = openFixture({ addons: [{ name: EBS }], as });
  fixture.associate({
    id: ID,
    namespace: 'shop',
    serviceAccount: 'till',
    roleArn: roleArn('ebs'),
    tags: { team: 'till' },
  });
  const { cluster } = fixture;
  cluster.accessEntries.set(PRINCIPAL, {
    principalArn: PRINCIPAL,
    kubernetesGroups: ['viewers'],
    type: 'STANDARD',
    tags: { team: 'ops' },
    createdAt: 0,
    policies: [{ policyArn: VIEW, scope: { type: 'cluster', namespaces: [] }, associatedAt: 0 }],
  });
  cluster.updates.set(UPDATE, {
    id: UPDATE,
    addonName: EBS,
    status: 'Successful',
    type: 'AddonUpdate',
    params: [],
    errors: [],
    createdAt: 0,
  });
  before?.(fixture);
  return fixture;
};

export const allow = (action: string, resource: string, condition?: unknown): Statement => ({
  Effect: 'Allow',
  Action: action,
  Resource: resource,
  ...(condition === undefined ? {} : { Condition: condition }),
});
export const because = (action: string, named: string): string =>
  `User: ${CALLER_SESSION} is not authorized to perform: ${action} on resource: ${named} because no identity-based policy allows the ${action} action`;

export const CLUSTER_ARN = `${EKS_ARN}:cluster/${CLUSTER}`;
export const CAPABILITY_ARN = `${EKS_ARN}:capability/${CLUSTER}/ack/ack/00000000-0000-4000-8000-000000000002`;
export const ASSOCIATION_ARN = `${EKS_ARN}:podidentityassociation/${CLUSTER}/${ID}`;
export const addonArn = open([]).addon()!.arn;
/** Allows passing the role to pods, so that only the operation's own permissions are missing. */
export const PASS_ROLE = [allow('iam:PassRole', roleArn('ebs')), allow('iam:GetRole', roleArn('ebs'))];
export const NOTHING = `${EKS_ARN}:*`;
export const ENTRY_ARN = ((cluster) => entryArn(cluster, cluster.accessEntries.get(PRINCIPAL)!))(open([]).cluster);
/** Returns the ARN of a missing entry. */
export const noEntryArn = (name: string): string => `${EKS_ARN}:access-entry/${CLUSTER}/role/${ACCOUNT}/${name}/*`;

export const entry = { clusterName: CLUSTER, principalArn: PRINCIPAL };
export const addon = { clusterName: CLUSTER, addonName: EBS };
export const association = { clusterName: CLUSTER, associationId: ID };
export const withoutAddon = ({ cluster }: Fixture): void => void cluster.addons.delete(EBS);
export const withoutEntry = ({ cluster }: Fixture): void => void cluster.accessEntries.delete(PRINCIPAL);
export const create = { clusterName: CLUSTER, namespace: 'shop', serviceAccount: 'stock', roleArn: roleArn('ebs') };
