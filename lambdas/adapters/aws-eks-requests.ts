/**
 * Converts the port's requests to inputs of the SDK. Fields that a request leaves out are absent from the input too.
 */
import type {
  CreateAddonCommandInput,
  CreatePodIdentityAssociationCommandInput,
  UpdateAddonCommandInput,
  UpdatePodIdentityAssociationCommandInput,
} from '@aws-sdk/client-eks';
import { secretsIn } from '../domain/addons/configuration.ts';
import type { Association } from '../domain/terms/observed.ts';
import type { PlannedAssociation } from '../domain/terms/planned.ts';
import type { CreateAddonRequest, Eks, NewAssociation, UpdateAddonRequest } from '../ports/eks.ts';

/** Converts associations to the form of an add-on request, in which EKS chooses the namespace. */
const addonForm = (associations: PlannedAssociation[]): { serviceAccount: string; roleArn: string }[] =>
  associations.map(({ serviceAccount, roleArn }) => ({ serviceAccount, roleArn }));

export const createAddonInput = (clusterName: string, request: CreateAddonRequest): CreateAddonCommandInput => ({
  clusterName,
  addonName: request.addon,
  addonVersion: request.version,
  clientRequestToken: request.clientRequestToken,
  ...(request.serviceAccountRoleArn ? { serviceAccountRoleArn: request.serviceAccountRoleArn } : {}),
  ...(request.podIdentityAssociations?.length
    ? { podIdentityAssociations: addonForm(request.podIdentityAssociations) }
    : {}),
  ...(request.configurationValues === undefined ? {} : { configurationValues: request.configurationValues }),
  ...(request.resolveConflicts ? { resolveConflicts: request.resolveConflicts } : {}),
  ...(request.namespace ? { namespaceConfig: { namespace: request.namespace } } : {}),
  ...(Object.keys(request.tags).length > 0 ? { tags: request.tags } : {}),
});

export const updateAddonInput = (clusterName: string, request: UpdateAddonRequest): UpdateAddonCommandInput => ({
  clusterName,
  addonName: request.addon,
  clientRequestToken: request.clientRequestToken,
  ...(request.serviceAccountRoleArn ? { serviceAccountRoleArn: request.serviceAccountRoleArn } : {}),
  ...(request.podIdentityAssociations ? { podIdentityAssociations: addonForm(request.podIdentityAssociations) } : {}),
  ...(request.resolveConflicts ? { resolveConflicts: request.resolveConflicts } : {}),
});

type Fields = Partial<Pick<Association, 'targetRoleArn' | 'disableSessionTags' | 'policy'>>;

/** Returns the fields of an association that an add-on request cannot have. */
const fieldsOf = ({ targetRoleArn, disableSessionTags, policy }: Fields): Fields => ({
  ...(targetRoleArn === undefined ? {} : { targetRoleArn }),
  ...(disableSessionTags === undefined ? {} : { disableSessionTags }),
  ...(policy === undefined ? {} : { policy }),
});

export const createAssociationInput = (
  clusterName: string,
  association: NewAssociation,
  clientRequestToken: string,
): CreatePodIdentityAssociationCommandInput => ({
  clusterName,
  namespace: association.namespace,
  serviceAccount: association.serviceAccount,
  roleArn: association.roleArn,
  clientRequestToken,
  ...fieldsOf(association),
  ...(Object.keys(association.tags).length > 0 ? { tags: association.tags } : {}),
});

/** Returns an input without a role, so that the association keeps its role. */
export const updateAssociationInput = (
  clusterName: string,
  associationId: string,
  change: Parameters<Eks['updateAssociation']>[1],
  clientRequestToken: string,
): UpdatePodIdentityAssociationCommandInput => ({
  clusterName,
  associationId,
  clientRequestToken,
  ...fieldsOf(change),
});

/**
 * Returns the confidential parts of a request that an error may repeat: the values of a configuration, and the text of
 * a session policy.
 */
export const secretsOf = ({
  configurationValues,
  policy,
}: {
  configurationValues?: string | undefined;
  policy?: string | undefined;
}): string[] => [
  ...(configurationValues === undefined ? [] : secretsIn(configurationValues)),
  ...(policy === undefined ? [] : [policy]),
];
