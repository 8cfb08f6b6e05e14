import {
  CreateAddonCommand,
  CreatePodIdentityAssociationCommand,
  DeleteAddonCommand,
  DeletePodIdentityAssociationCommand,
  DescribeAddonCommand,
  DescribeAddonConfigurationCommand,
  DescribeClusterCommand,
  DescribePodIdentityAssociationCommand,
  paginateDescribeAddonVersions,
  paginateListPodIdentityAssociations,
  UpdateAddonCommand,
  type Addon as SdkAddon,
  type EKSClient,
  type PodIdentityAssociation,
} from '@aws-sdk/client-eks';
import { MigrationError } from '../domain/errors.ts';
import { addon as addonSchema, association as associationSchema, type Addon, type Association, type PlannedAssociation } from '../domain/model.ts';
import type { Cluster, Eks, OfferedVersion, PodIdentityServiceAccount } from '../ports/eks.ts';
import { aws, awsOrUndefined } from './aws-errors.ts';

function toAddon(found: SdkAddon): Addon {
  return addonSchema.parse({
    name: found.addonName,
    arn: found.addonArn,
    version: found.addonVersion,
    status: found.status,
    namespace: found.namespaceConfig?.namespace,
    // EKS has been seen to answer "" for "none".
    serviceAccountRoleArn: found.serviceAccountRoleArn || undefined,
    configurationValues: found.configurationValues,
    podIdentityAssociations: found.podIdentityAssociations ?? [],
    tags: found.tags ?? {},
    issues: (found.health?.issues ?? []).map((issue) => ({ code: issue.code ?? 'Unknown', message: issue.message ?? '', resourceIds: issue.resourceIds ?? [] })),
  });
}

function toAssociation(found: PodIdentityAssociation): Association {
  return associationSchema.parse({
    id: found.associationId,
    arn: found.associationArn,
    namespace: found.namespace,
    serviceAccount: found.serviceAccount,
    roleArn: found.roleArn,
    ownerArn: found.ownerArn,
    targetRoleArn: found.targetRoleArn,
    externalId: found.externalId,
    disableSessionTags: found.disableSessionTags,
    policy: found.policy,
    tags: found.tags ?? {},
    createdAt: found.createdAt?.toISOString(),
    modifiedAt: found.modifiedAt?.toISOString(),
  });
}

/** The add-on form of an association; EKS chooses the namespace itself. */
const addonForm = (associations: PlannedAssociation[]): { serviceAccount: string; roleArn: string }[] =>
  associations.map(({ serviceAccount, roleArn }) => ({ serviceAccount, roleArn }));

/** EKS of one account, region and cluster, by the AWS SDK. */
export class AwsEks implements Eks {
  private readonly client: EKSClient;
  private readonly cluster: string;

  constructor(client: EKSClient, cluster: string) {
    this.client = client;
    this.cluster = cluster;
  }

  async describeCluster(): Promise<Cluster | undefined> {
    const answer = await awsOrUndefined('eks:DescribeCluster', () => this.client.send(new DescribeClusterCommand({ name: this.cluster })));
    const found = answer?.cluster;
    if (!found) return undefined;
    return {
      name: found.name ?? this.cluster,
      arn: found.arn ?? '',
      version: found.version ?? '',
      status: found.status ?? 'UNKNOWN',
      autoMode: found.computeConfig?.enabled ?? false,
      ...(found.platformVersion ? { platformVersion: found.platformVersion } : {}),
      ...(found.endpoint ? { endpoint: found.endpoint } : {}),
      ...(found.certificateAuthority?.data ? { certificateAuthority: found.certificateAuthority.data } : {}),
      ...(found.identity?.oidc?.issuer ? { oidcIssuer: found.identity.oidc.issuer } : {}),
    };
  }

  async describeAddon(addon: string): Promise<Addon | undefined> {
    const input = { clusterName: this.cluster, addonName: addon };
    try {
      const answer = await awsOrUndefined(`eks:DescribeAddon ${addon}`, () => this.client.send(new DescribeAddonCommand(input)));
      return answer?.addon ? toAddon(answer.addon) : undefined;
    } catch (error) {
      // A name that EKS has never heard of is refused instead of not found.
      if (error instanceof MigrationError && error.name === 'InvalidRequest' && /not supported|not found/i.test(error.message)) return undefined;
      throw error;
    }
  }

  async listOfferedVersions(addon: string, kubernetesVersion: string): Promise<OfferedVersion[]> {
    const versions: OfferedVersion[] = [];
    await awsOrUndefined(`eks:DescribeAddonVersions ${addon}`, async () => {
      for await (const page of paginateDescribeAddonVersions({ client: this.client }, { addonName: addon, kubernetesVersion })) {
        for (const info of page.addons ?? []) {
          for (const offered of info.addonVersions ?? []) {
            const fitting = (offered.compatibilities ?? []).filter((one) => one.clusterVersion === kubernetesVersion);
            if (!offered.addonVersion || fitting.length === 0) continue;
            versions.push({
              version: offered.addonVersion,
              default: fitting.some((one) => one.defaultVersion === true),
              requiresIamPermissions: offered.requiresIamPermissions ?? false,
            });
          }
        }
      }
    });
    return versions;
  }

  async describePodIdentityConfiguration(addon: string, version: string): Promise<PodIdentityServiceAccount[]> {
    const answer = await awsOrUndefined(`eks:DescribeAddonConfiguration ${addon} ${version}`, () =>
      this.client.send(new DescribeAddonConfigurationCommand({ addonName: addon, addonVersion: version })),
    );
    return (answer?.podIdentityConfiguration ?? []).flatMap((one) =>
      one.serviceAccount ? [{ serviceAccount: one.serviceAccount, recommendedManagedPolicies: one.recommendedManagedPolicies ?? [] }] : [],
    );
  }

  async createAddon(request: Parameters<Eks['createAddon']>[0]): Promise<void> {
    await aws(`eks:CreateAddon ${request.addon}`, () =>
      this.client.send(
        new CreateAddonCommand({
          clusterName: this.cluster,
          addonName: request.addon,
          addonVersion: request.version,
          clientRequestToken: request.clientRequestToken,
          ...(request.serviceAccountRoleArn ? { serviceAccountRoleArn: request.serviceAccountRoleArn } : {}),
          ...(request.podIdentityAssociations?.length ? { podIdentityAssociations: addonForm(request.podIdentityAssociations) } : {}),
          ...(request.configurationValues === undefined ? {} : { configurationValues: request.configurationValues }),
          ...(request.resolveConflicts ? { resolveConflicts: request.resolveConflicts } : {}),
          ...(request.namespace ? { namespaceConfig: { namespace: request.namespace } } : {}),
          ...(Object.keys(request.tags).length > 0 ? { tags: request.tags } : {}),
        }),
      ),
    );
  }

  async updateAddon(request: Parameters<Eks['updateAddon']>[0]): Promise<void> {
    await aws(`eks:UpdateAddon ${request.addon}`, () =>
      this.client.send(
        new UpdateAddonCommand({
          clusterName: this.cluster,
          addonName: request.addon,
          clientRequestToken: request.clientRequestToken,
          ...(request.serviceAccountRoleArn ? { serviceAccountRoleArn: request.serviceAccountRoleArn } : {}),
          ...(request.podIdentityAssociations ? { podIdentityAssociations: addonForm(request.podIdentityAssociations) } : {}),
          ...(request.resolveConflicts ? { resolveConflicts: request.resolveConflicts } : {}),
        }),
      ),
    );
  }

  async deleteAddon(addon: string, options: { preserve: boolean }): Promise<boolean> {
    const input = { clusterName: this.cluster, addonName: addon, ...(options.preserve ? { preserve: true } : {}) };
    const answer = await awsOrUndefined(`eks:DeleteAddon ${addon}`, () => this.client.send(new DeleteAddonCommand(input)));
    return answer !== undefined;
  }

  async listAssociations(namespace: string, serviceAccount: string): Promise<Association[]> {
    const ids: string[] = [];
    await aws('eks:ListPodIdentityAssociations', async () => {
      for await (const page of paginateListPodIdentityAssociations({ client: this.client }, { clusterName: this.cluster, namespace, serviceAccount })) {
        ids.push(...(page.associations ?? []).flatMap((one) => one.associationId ?? []));
      }
    });
    const whole: Association[] = [];
    for (const associationId of ids) {
      // The list leaves out the role and the tags, so each is described; one that vanished in between is no longer there.
      const answer = await awsOrUndefined(`eks:DescribePodIdentityAssociation ${associationId}`, () =>
        this.client.send(new DescribePodIdentityAssociationCommand({ clusterName: this.cluster, associationId })),
      );
      if (answer?.association) whole.push(toAssociation(answer.association));
    }
    return whole;
  }

  async createAssociation(association: Association, clientRequestToken: string): Promise<Association> {
    const { namespace, serviceAccount, roleArn, targetRoleArn, disableSessionTags, policy, tags } = association;
    const answer = await aws(`eks:CreatePodIdentityAssociation ${namespace}/${serviceAccount}`, () =>
      this.client.send(
        new CreatePodIdentityAssociationCommand({
          clusterName: this.cluster,
          namespace,
          serviceAccount,
          roleArn,
          clientRequestToken,
          ...(targetRoleArn === undefined ? {} : { targetRoleArn }),
          ...(disableSessionTags === undefined ? {} : { disableSessionTags }),
          ...(policy === undefined ? {} : { policy }),
          ...(Object.keys(tags).length > 0 ? { tags } : {}),
        }),
      ),
    );
    if (!answer.association) throw new MigrationError('ServiceUnavailable', 'eks:CreatePodIdentityAssociation answered without an association');
    return toAssociation(answer.association);
  }

  async deleteAssociation(id: string): Promise<boolean> {
    const input = { clusterName: this.cluster, associationId: id };
    const answer = await awsOrUndefined(`eks:DeletePodIdentityAssociation ${id}`, () => this.client.send(new DeletePodIdentityAssociationCommand(input)));
    return answer !== undefined;
  }
}
