import {
  CreateAddonCommand,
  CreatePodIdentityAssociationCommand,
  DeleteAddonCommand,
  DeletePodIdentityAssociationCommand,
  DescribeAccessEntryCommand,
  DescribeAddonCommand,
  DescribeAddonConfigurationCommand,
  DescribeClusterCommand,
  DescribeFargateProfileCommand,
  DescribePodIdentityAssociationCommand,
  paginateDescribeAddonVersions,
  paginateListAccessEntries,
  paginateListAddons,
  paginateListCapabilities,
  paginateListFargateProfiles,
  paginateListPodIdentityAssociations,
  TagResourceCommand,
  UpdateAddonCommand,
  UpdatePodIdentityAssociationCommand,
  type EKSClient,
  type PodIdentityAssociation,
} from '@aws-sdk/client-eks';
import { MigrationError } from '../domain/failures/errors.ts';
import type { Addon, Association } from '../domain/terms/observed.ts';
import { isNobodysNode } from '../domain/access/node-principals.ts';
import type {
  AccessEntry,
  AddonConfiguration,
  AssociationRef,
  Capability,
  Cluster,
  Eks,
  FargateProfile,
  NewAssociation,
  OfferedVersion,
} from '../ports/eks.ts';
import { aws, awsOrUndefined } from './aws-errors.ts';
import {
  createAddonInput,
  createAssociationInput,
  secretsOf,
  updateAddonInput,
  updateAssociationInput,
} from './aws-eks-requests.ts';
import { toAddon, toAssociation, toCluster, toFargateProfiles, toOfferedVersions } from './aws-eks-shapes.ts';

/**
 * Returns `undefined` for what does not exist. EKS refuses an unknown add-on or version instead of answering that it
 * was not found.
 */
async function knownOrUndefined<T>(call: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await awsOrUndefined(call, run);
  } catch (error) {
    if (
      error instanceof MigrationError &&
      error.name === 'InvalidRequest' &&
      /not supported|not found/i.test(error.message)
    )
      return undefined;
    throw error;
  }
}

/** Returns what a call that makes a change must answer. Throws `ServiceUnavailable` if the answer does not have it. */
function answered<T>(call: string, what: string, value: T | undefined): T {
  if (value === undefined) throw new MigrationError('ServiceUnavailable', `${call} answered without ${what}`);
  return value;
}

const whole = (call: string, answer: { association?: PodIdentityAssociation | undefined }): Association =>
  toAssociation(answered(call, 'an association', answer.association));

/** EKS for a single cluster, with the AWS SDK. */
export class AwsEks implements Eks {
  private readonly client: EKSClient;
  private readonly cluster: string;
  private readonly ofService: readonly string[];
  private described: Cluster | undefined;
  private capabilities: Capability[] | undefined;
  private fargateProfiles: FargateProfile[] | undefined;

  /** `ofService` has the ARNs of the service's own roles, which no node has. */
  constructor(client: EKSClient, cluster: string, ofService: readonly string[] = []) {
    this.client = client;
    this.cluster = cluster;
    this.ofService = ofService;
  }

  async describeCluster(): Promise<Cluster | undefined> {
    const answer = await awsOrUndefined('eks:DescribeCluster', () =>
      this.client.send(new DescribeClusterCommand({ name: this.cluster })),
    );
    this.described = answer?.cluster && toCluster(answer.cluster, this.cluster);
    return this.described;
  }

  async knownCluster(): Promise<Cluster | undefined> {
    return this.described ?? (await this.describeCluster());
  }

  async describeAddon(addon: string): Promise<Addon | undefined> {
    const input = { clusterName: this.cluster, addonName: addon };
    const answer = await knownOrUndefined(`eks:DescribeAddon ${addon}`, () =>
      this.client.send(new DescribeAddonCommand(input)),
    );
    return answer?.addon && toAddon(answer.addon);
  }

  async listOfferedVersions(addon: string, kubernetesVersion: string): Promise<OfferedVersion[]> {
    const versions: OfferedVersion[] = [];
    await awsOrUndefined(`eks:DescribeAddonVersions ${addon}`, async () => {
      for await (const page of paginateDescribeAddonVersions(
        { client: this.client },
        { addonName: addon, kubernetesVersion },
      )) {
        for (const info of page.addons ?? []) versions.push(...toOfferedVersions(info, kubernetesVersion));
      }
    });
    return versions;
  }

  async describeConfiguration(addon: string, version: string): Promise<AddonConfiguration | undefined> {
    const input = { addonName: addon, addonVersion: version };
    const answer = await knownOrUndefined(`eks:DescribeAddonConfiguration ${addon} ${version}`, () =>
      this.client.send(new DescribeAddonConfigurationCommand(input)),
    );
    if (!answer) return undefined;
    const podIdentity = (answer.podIdentityConfiguration ?? []).flatMap(
      ({ serviceAccount, recommendedManagedPolicies = [] }) =>
        serviceAccount ? [{ serviceAccount, recommendedManagedPolicies }] : [],
    );
    return { podIdentity, ...(answer.configurationSchema ? { configurationSchema: answer.configurationSchema } : {}) };
  }

  async createAddon(request: Parameters<Eks['createAddon']>[0]): Promise<string> {
    const call = `eks:CreateAddon ${request.addon}`;
    const answer = await aws(
      call,
      () => this.client.send(new CreateAddonCommand(createAddonInput(this.cluster, request))),
      () => secretsOf({ configurationValues: request.configurationValues }),
    );
    return answered(call, "the add-on's ARN", answer.addon?.addonArn);
  }

  async updateAddon(request: Parameters<Eks['updateAddon']>[0]): Promise<void> {
    await aws(`eks:UpdateAddon ${request.addon}`, () =>
      this.client.send(new UpdateAddonCommand(updateAddonInput(this.cluster, request))),
    );
  }

  async deleteAddon(addon: string, options: { preserve: boolean }): Promise<boolean> {
    const input = { clusterName: this.cluster, addonName: addon, ...(options.preserve ? { preserve: true } : {}) };
    const answer = await awsOrUndefined(`eks:DeleteAddon ${addon}`, () =>
      this.client.send(new DeleteAddonCommand(input)),
    );
    return answer !== undefined;
  }

  async listAssociations(namespace: string, serviceAccount: string): Promise<Association[]> {
    return this.describeAssociations(await this.associationRefs({ namespace, serviceAccount }));
  }

  async countAssociations(): Promise<number> {
    return (await this.listAssociationRefs()).length;
  }

  listAssociationRefs(): Promise<AssociationRef[]> {
    return this.associationRefs({});
  }

  async describeAssociation(associationId: string): Promise<Association | undefined> {
    const answer = await awsOrUndefined(`eks:DescribePodIdentityAssociation ${associationId}`, () =>
      this.client.send(new DescribePodIdentityAssociationCommand({ clusterName: this.cluster, associationId })),
    );
    return answer?.association && toAssociation(answer.association);
  }

  async listAddons(): Promise<string[]> {
    const names: string[] = [];
    await aws('eks:ListAddons', async () => {
      for await (const page of paginateListAddons({ client: this.client }, { clusterName: this.cluster }))
        names.push(...(page.addons ?? []));
    });
    return names;
  }

  async listAllAssociations(limit: number): Promise<{ associations: Association[]; more: boolean }> {
    const refs = await this.associationRefs({}, limit + 1);
    return { associations: await this.describeAssociations(refs.slice(0, limit)), more: refs.length > limit };
  }

  async listNodeCandidates(limit: number): Promise<{ arns: string[]; more: boolean }> {
    const arns: string[] = [];
    await aws('eks:ListAccessEntries', async () => {
      for await (const page of paginateListAccessEntries({ client: this.client }, { clusterName: this.cluster })) {
        arns.push(...(page.accessEntries ?? []));
        if (arns.length > limit) return;
      }
    });
    const account = this.described?.arn.split(':')[4];
    return {
      arns: arns.slice(0, limit).filter((arn) => !this.ofService.includes(arn) && !isNobodysNode(arn, account)),
      more: arns.length > limit,
    };
  }

  async listCapabilities(): Promise<Capability[]> {
    if (this.capabilities) return this.capabilities;
    const found: Capability[] = [];
    await aws('eks:ListCapabilities', async () => {
      for await (const page of paginateListCapabilities({ client: this.client }, { clusterName: this.cluster }))
        found.push(
          ...(page.capabilities ?? []).flatMap(({ capabilityName: name = '', type, status = '' }) =>
            type ? [{ name, type, status }] : [],
          ),
        );
    });
    this.capabilities = found;
    return found;
  }

  async listFargateProfiles(): Promise<FargateProfile[]> {
    if (this.fargateProfiles) return this.fargateProfiles;
    const { cluster: clusterName } = this;
    const names: string[] = [];
    await aws('eks:ListFargateProfiles', async () => {
      for await (const page of paginateListFargateProfiles({ client: this.client }, { clusterName }))
        names.push(...(page.fargateProfileNames ?? []));
    });
    const found: FargateProfile[] = [];
    for (const name of names) {
      const answer = await awsOrUndefined(`eks:DescribeFargateProfile ${name}`, () =>
        this.client.send(new DescribeFargateProfileCommand({ clusterName, fargateProfileName: name })),
      );
      found.push(...toFargateProfiles(name, answer?.fargateProfile));
    }
    this.fargateProfiles = found;
    return found;
  }

  async describeAccessEntry(principalArn: string): Promise<AccessEntry | undefined> {
    const answer = await awsOrUndefined(`eks:DescribeAccessEntry ${principalArn}`, () =>
      this.client.send(new DescribeAccessEntryCommand({ clusterName: this.cluster, principalArn })),
    );
    const type = answer?.accessEntry?.type;
    return type ? { principalArn, type } : undefined;
  }

  /** Describes each association, because the list has no roles and tags. Leaves out those deleted in the meantime. */
  private async describeAssociations(refs: AssociationRef[]): Promise<Association[]> {
    const found: Association[] = [];
    for (const { id } of refs) {
      const association = await this.describeAssociation(id);
      if (association) found.push(association);
    }
    return found;
  }

  /** Reads pages until there are `enough` entries. */
  private async associationRefs(
    filter: { namespace?: string; serviceAccount?: string },
    enough = Infinity,
  ): Promise<AssociationRef[]> {
    const refs: AssociationRef[] = [];
    await aws('eks:ListPodIdentityAssociations', async () => {
      for await (const page of paginateListPodIdentityAssociations(
        { client: this.client },
        { clusterName: this.cluster, ...filter },
      )) {
        refs.push(
          ...(page.associations ?? []).flatMap(({ associationId: id, namespace = '', serviceAccount = '' }) =>
            id === undefined ? [] : [{ id, namespace, serviceAccount }],
          ),
        );
        if (refs.length >= enough) return;
      }
    });
    return refs;
  }

  async createAssociation(association: NewAssociation, clientRequestToken: string): Promise<Association> {
    const call = `eks:CreatePodIdentityAssociation ${association.namespace}/${association.serviceAccount}`;
    const input = createAssociationInput(this.cluster, association, clientRequestToken);
    const answer = await aws(
      call,
      () => this.client.send(new CreatePodIdentityAssociationCommand(input)),
      () => secretsOf({ policy: association.policy }),
    );
    return whole(call, answer);
  }

  async updateAssociation(
    id: string,
    change: Parameters<Eks['updateAssociation']>[1],
    clientRequestToken: string,
  ): Promise<Association> {
    const call = `eks:UpdatePodIdentityAssociation ${id}`;
    const input = updateAssociationInput(this.cluster, id, change, clientRequestToken);
    const answer = await aws(
      call,
      () => this.client.send(new UpdatePodIdentityAssociationCommand(input)),
      () => secretsOf({ policy: change.policy }),
    );
    return whole(call, answer);
  }

  async tagResource(arn: string, tags: Record<string, string>): Promise<void> {
    await aws(`eks:TagResource ${arn}`, () => this.client.send(new TagResourceCommand({ resourceArn: arn, tags })));
  }

  async deleteAssociation(id: string): Promise<boolean> {
    const input = { clusterName: this.cluster, associationId: id };
    const answer = await awsOrUndefined(`eks:DeletePodIdentityAssociation ${id}`, () =>
      this.client.send(new DeletePodIdentityAssociationCommand(input)),
    );
    return answer !== undefined;
  }
}
