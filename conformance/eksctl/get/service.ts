/** What the service itself reads of the same cluster, with the code that plans read it with. */
import type { Eks } from '../../../lambdas/ports/eks.ts';
import { fieldsOf, type FieldFacts, under } from './facts.ts';

const MOST = 10_000;

const clusterFacts = async (eks: Eks): Promise<FieldFacts> => {
  const cluster = await eks.describeCluster();
  if (!cluster) return new Map();
  return fieldsOf([
    {
      Name: cluster.name,
      Arn: cluster.arn,
      Version: cluster.version,
      PlatformVersion: cluster.platformVersion,
      Status: cluster.status,
      Endpoint: cluster.endpoint,
      CertificateAuthority: { Data: cluster.certificateAuthority },
      ComputeConfig: { Enabled: cluster.autoMode },
      Identity: { Oidc: { Issuer: cluster.oidcIssuer } },
      Tags: cluster.tags,
    },
  ]);
};

const addonFacts = async (eks: Eks): Promise<FieldFacts> => {
  const documents: object[] = [];
  for (const name of await eks.listAddons()) {
    const addon = await eks.describeAddon(name);
    if (!addon) continue;
    const owned = await Promise.all(
      addon.podIdentityAssociations.map((arn) => eks.describeAssociation(arn.split('/').at(-1) ?? '')),
    );
    documents.push({
      Name: addon.name,
      Version: addon.version,
      Status: addon.status,
      IAMRole: addon.serviceAccountRoleArn ?? '',
      ConfigurationValues: addon.configurationValues ?? '',
      ...(addon.namespace === undefined ? {} : { NamespaceConfig: { namespace: addon.namespace } }),
      Issues: addon.issues.map(({ code, message, resourceIds }) => ({
        Code: code,
        Message: message,
        ResourceIDs: resourceIds,
      })),
      PodIdentityAssociations: owned.flatMap((one) =>
        one
          ? [
              {
                AssociationID: one.id,
                Namespace: one.namespace,
                ServiceAccount: one.serviceAccount,
                RoleARN: one.roleArn,
              },
            ]
          : [],
      ),
    });
  }
  return fieldsOf(documents);
};

const associationFacts = async (eks: Eks): Promise<FieldFacts> => {
  const { associations } = await eks.listAllAssociations(MOST);
  return fieldsOf(
    associations.map(({ arn, namespace, serviceAccount, roleArn, ownerArn }) => ({
      AssociationARN: arn,
      Namespace: namespace,
      ServiceAccountName: serviceAccount,
      RoleARN: roleArn,
      OwnerARN: ownerArn ?? '',
    })),
  );
};

/** Returns the facts by the titles of eksctl's commands that print them too. */
export const serviceFacts = async (eks: Eks): Promise<FieldFacts> =>
  new Map([
    ...under('get cluster --name', await clusterFacts(eks)),
    ...under('get addon', await addonFacts(eks)),
    ...under('get podidentityassociation', await associationFacts(eks)),
  ]);
