/**
 * EKS in memory: changes take the clock's time, as they do there, and refusals have EKS's own texts. The steps' tests use
 * it and not the sandbox, because they set states between two calls of the port that no scenario has;
 * `test/lambdas/adapters/eks-port.test.ts` holds it to the same promises as the sandbox's EKS.
 */
import { MigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Addon, Association } from '../../lambdas/domain/terms/observed.ts';
import type { PlannedAssociation } from '../../lambdas/domain/terms/planned.ts';
import type {
  AccessEntry,
  AddonConfiguration,
  AssociationRef,
  Capability,
  Clock,
  Cluster,
  CreateAddonRequest,
  Eks,
  FargateProfile,
  OfferedVersion,
  UpdateAddonRequest,
} from '../../lambdas/ports/index.ts';
import { ADDON, addonArn, CLUSTER, NAMESPACE, NODE_ROLE, VERSION } from './example.ts';
import {
  aConfiguration,
  aCluster,
  anAddon,
  anAgentAddon,
  anAssociation,
  associationArn,
  offeredVersions,
} from './eks-fixtures.ts';

export const CREATE_MS = 60_000;
export const DELETE_MS = 30_000;
export const UPDATE_MS = 45_000;

const refused = (name: 'Busy' | 'InvalidRequest' | 'NotFound', call: string, text: string): MigrationError =>
  new MigrationError(name, `eks:${call}: ${text}`);

/** What was answered under a token. */
interface Reply {
  answer: unknown;
  stillThere: () => boolean;
}

export class FakeEks implements Eks {
  cluster: Cluster | undefined = aCluster();
  readonly addons = new Map<string, Addon>();
  associations: Association[] = [];
  offered: OfferedVersion[] = offeredVersions();
  /** By add-on and version, such as `aws-ebs-csi-driver v1.38.1-eksbuild.1`. */
  readonly configurations = new Map<string, AddonConfiguration>();

  capabilities: Capability[] = [];
  fargateProfiles: FargateProfile[] = [];
  accessEntries: AccessEntry[] = [{ principalArn: NODE_ROLE, type: 'EC2_LINUX' }];

  /** What a create or update ends in. */
  endsIn: Addon['status'] = 'ACTIVE';
  /** A delete ends in DELETE_FAILED. */
  deleteFails = false;
  /** An update with associations leaves the role where it is, as hashicorp/terraform-provider-aws#30645 reports it. */
  keepsRole = false;
  /** So many looks at an add-on find nothing, although it is there. */
  misses = 0;
  /** How long DescribeAddon still shows the status that an add-on had before it was deleted, milliseconds. */
  deleteShowsAfter = 0;
  /**
   * How long the key of a deleted association stays taken although no list has it any more
   * (aws-controllers-k8s/community#2684), milliseconds.
   */
  keyFreedAfter = 0;
  /** Called when a create or update has come to its end. */
  onSettled: (addon: Addon) => void = () => undefined;

  private readonly clock: Clock;
  private changes: { at: number; apply: () => void }[] = [];
  private readonly deleting = new Set<Addon>();
  private freed: { association: Association; at: number }[] = [];
  private readonly replies = new Map<string, Reply>();
  private incarnation = 1;
  private made = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    for (const addon of [anAddon(), anAgentAddon()]) this.addons.set(addon.name, addon);
    this.configurations.set(`${ADDON} ${VERSION}`, aConfiguration());
  }

  private advance(): void {
    const now = this.clock.now();
    const due = this.changes.filter((change) => change.at <= now);
    this.changes = this.changes.filter((change) => !due.includes(change));
    for (const change of due) change.apply();
    this.freed = this.freed.filter((one) => one.at > now);
  }

  private after(milliseconds: number, apply: () => void): void {
    if (milliseconds <= 0) apply();
    else this.changes.push({ at: this.clock.now() + milliseconds, apply });
  }

  private settle(addon: Addon, milliseconds: number): void {
    this.after(milliseconds, () => {
      // Deleted in the meantime.
      if (this.deleting.has(addon)) return;
      addon.status = this.endsIn;
      this.onSettled(addon);
    });
  }

  /** The same request under the same token is answered again, and done once, as long as what it made is there. */
  private once<T>(call: string, request: unknown, make: () => { answer: T; stillThere: () => boolean }): T {
    const key = `${call} ${JSON.stringify(request)}`;
    const before = this.replies.get(key);
    if (before?.stillThere()) return before.answer as T;
    const reply = make();
    this.replies.set(key, reply);
    return reply.answer;
  }

  private refuseHeldKey(call: string, namespace: string, serviceAccount: string, owner?: string): void {
    const has = (one: Association): boolean =>
      one.namespace === namespace &&
      one.serviceAccount === serviceAccount &&
      (owner === undefined || one.ownerArn !== owner);
    const taken = this.associations.find(has) ?? this.freed.find(({ association }) => has(association))?.association;
    if (taken) throw refused('Busy', call, `ResourceInUseException: Association already exists: ${taken.id}`);
  }

  /**
   * Makes the add-on own exactly these, all or none. One whose key it had keeps its id and tags, and loses what the
   * add-on form can't say. `owner`: the copy whose associations it takes over.
   */
  private associate(call: string, addon: Addon, wanted: PlannedAssociation[], owner: string): void {
    const namespace = addon.namespace ?? NAMESPACE;
    for (const { serviceAccount } of wanted) this.refuseHeldKey(call, namespace, serviceAccount, owner);
    const owned = this.associations.filter((one) => one.ownerArn === owner);
    for (const one of owned)
      if (!wanted.some(({ serviceAccount }) => serviceAccount === one.serviceAccount)) this.remove(one);
    const modifiedAt = new Date(this.clock.now()).toISOString();
    addon.podIdentityAssociations = wanted.map(({ serviceAccount, roleArn }) => {
      const held = owned.find((one) => one.serviceAccount === serviceAccount);
      if (!held)
        return this.newAssociation({
          namespace,
          serviceAccount,
          roleArn,
          ownerArn: addon.arn,
          createdAt: modifiedAt,
          modifiedAt,
        }).arn;
      for (const lost of ['targetRoleArn', 'externalId', 'disableSessionTags', 'policy'] as const) delete held[lost];
      return Object.assign(held, { roleArn, ownerArn: addon.arn, modifiedAt }).arn;
    });
  }

  private newAssociation(change: Partial<Association>): Association {
    this.made += 1;
    const id = `a-new${String(this.made).padStart(14, '0')}`;
    const association = anAssociation({ ...change, id, arn: associationArn(id) });
    this.associations.push(association);
    return association;
  }

  private remove(association: Association): void {
    this.associations = this.associations.filter((one) => one !== association);
    for (const addon of this.addons.values())
      addon.podIdentityAssociations = addon.podIdentityAssociations.filter((arn) => arn !== association.arn);
    if (this.keyFreedAfter > 0) this.freed.push({ association, at: this.clock.now() + this.keyFreedAfter });
  }

  private requireAddon(call: string, name: string): Addon {
    const addon = this.addons.get(name);
    if (!addon)
      throw refused('NotFound', call, `ResourceNotFoundException: No addon: ${name} found in cluster: ${CLUSTER}`);
    return addon;
  }

  private requireAssociation(call: string, id: string): Association {
    const association = this.associations.find((one) => one.id === id);
    if (!association) throw refused('NotFound', call, `ResourceNotFoundException: No association found for ID: ${id}`);
    return association;
  }

  async describeCluster(): Promise<Cluster | undefined> {
    return this.cluster;
  }
  async knownCluster(): Promise<Cluster | undefined> {
    return this.cluster;
  }
  async describeAddon(name: string): Promise<Addon | undefined> {
    this.advance();
    if (this.misses > 0) {
      this.misses -= 1;
      return undefined;
    }
    return this.addons.get(name);
  }
  async listOfferedVersions(): Promise<OfferedVersion[]> {
    return this.offered;
  }
  async describeConfiguration(addon: string, version: string): Promise<AddonConfiguration | undefined> {
    return this.configurations.get(`${addon} ${version}`);
  }

  async createAddon(request: CreateAddonRequest): Promise<string> {
    this.advance();
    return this.once('CreateAddon', request, () => {
      const { addon: name, version, namespace, serviceAccountRoleArn, configurationValues, tags } = request;
      const failed = this.addons.get(name);
      if (failed && failed.status !== 'CREATE_FAILED')
        throw refused('Busy', 'CreateAddon', 'ResourceInUseException: Addon already exists.');
      const arn = addonArn(this.incarnation + 1, name);
      const addon: Addon = {
        name,
        version,
        namespace,
        serviceAccountRoleArn,
        configurationValues,
        tags,
        arn,
        status: 'CREATING',
        podIdentityAssociations: [],
        issues: [],
      };
      this.associate('CreateAddon', addon, request.podIdentityAssociations ?? [], failed?.arn ?? arn);
      this.incarnation += 1;
      this.addons.set(name, addon);
      this.settle(addon, CREATE_MS);
      return { answer: arn, stillThere: () => this.addons.get(name) === addon && !this.deleting.has(addon) };
    });
  }

  async updateAddon(request: UpdateAddonRequest): Promise<void> {
    this.advance();
    const addon = this.requireAddon('UpdateAddon', request.addon);
    this.once('UpdateAddon', request, () => {
      const status = this.deleting.has(addon) ? 'DELETING' : addon.status;
      if (['CREATING', 'UPDATING', 'DELETING'].includes(status))
        throw refused(
          'Busy',
          'UpdateAddon',
          `ResourceInUseException: Addon ${addon.name} cannot be updated as it is currently in ${status} state`,
        );
      const { podIdentityAssociations: wanted, serviceAccountRoleArn } = request;
      if (wanted) this.associate('UpdateAddon', addon, wanted, addon.arn);
      addon.serviceAccountRoleArn =
        serviceAccountRoleArn ?? (this.keepsRole && wanted?.length ? addon.serviceAccountRoleArn : undefined);
      addon.status = 'UPDATING';
      addon.issues = [];
      this.settle(addon, UPDATE_MS);
      return { answer: undefined, stillThere: () => this.addons.get(addon.name) === addon };
    });
  }

  async deleteAddon(name: string, { preserve }: { preserve: boolean }): Promise<boolean> {
    this.advance();
    const addon = this.addons.get(name);
    if (!addon) return false;
    if (this.deleting.has(addon)) return true;
    this.deleting.add(addon);
    this.after(this.deleteShowsAfter, () => void (addon.status = 'DELETING'));
    this.after(DELETE_MS, () => {
      if (this.deleteFails) {
        this.deleting.delete(addon);
        addon.status = 'DELETE_FAILED';
        return;
      }
      if (this.addons.get(name) === addon) this.addons.delete(name);
      // With preserve they stay, owned by an ARN that no add-on has any more.
      if (!preserve)
        for (const one of this.associations.filter((owned) => owned.ownerArn === addon.arn)) this.remove(one);
    });
    return true;
  }

  async listAssociations(namespace: string, serviceAccount: string): Promise<Association[]> {
    this.advance();
    return this.associations.filter((one) => one.namespace === namespace && one.serviceAccount === serviceAccount);
  }
  async listAssociationRefs(): Promise<AssociationRef[]> {
    this.advance();
    return this.associations.map(({ id, namespace, serviceAccount }) => ({ id, namespace, serviceAccount }));
  }
  async describeAssociation(id: string): Promise<Association | undefined> {
    this.advance();
    return this.associations.find((one) => one.id === id);
  }
  async countAssociations(): Promise<number> {
    this.advance();
    return this.associations.length;
  }
  async listAddons(): Promise<string[]> {
    this.advance();
    return [...this.addons.keys()];
  }
  async listNodeCandidates(limit: number): Promise<{ arns: string[]; more: boolean }> {
    const arns = this.accessEntries.slice(0, limit).map(({ principalArn }) => principalArn);
    return { arns, more: this.accessEntries.length > limit };
  }
  async listCapabilities(): Promise<Capability[]> {
    return this.capabilities;
  }
  async listFargateProfiles(): Promise<FargateProfile[]> {
    return this.fargateProfiles;
  }
  async describeAccessEntry(principalArn: string): Promise<AccessEntry | undefined> {
    return this.accessEntries.find((one) => one.principalArn === principalArn);
  }

  async listAllAssociations(limit: number): Promise<{ associations: Association[]; more: boolean }> {
    this.advance();
    return { associations: this.associations.slice(0, limit), more: this.associations.length > limit };
  }
  async createAssociation(association: Association, clientRequestToken: string): Promise<Association> {
    this.advance();
    return this.once('CreatePodIdentityAssociation', { association, clientRequestToken }, () => {
      const { ownerArn: _, ...standAlone } = association;
      this.refuseHeldKey('CreatePodIdentityAssociation', association.namespace, association.serviceAccount);
      const now = new Date(this.clock.now()).toISOString();
      const made = this.newAssociation({ ...standAlone, createdAt: now, modifiedAt: now });
      return { answer: made, stillThere: () => this.associations.includes(made) };
    });
  }
  async updateAssociation(
    id: string,
    change: { targetRoleArn?: string; disableSessionTags?: boolean; policy?: string },
  ): Promise<Association> {
    this.advance();
    const association = this.requireAssociation('UpdatePodIdentityAssociation', id);
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    if (Object.keys(given).length === 0)
      throw refused(
        'InvalidRequest',
        'UpdatePodIdentityAssociation',
        'InvalidParameterException: At least one of roleArn, targetRoleArn, disableSessionTags and policy must be specified.',
      );
    const next: Association = { ...association, ...given };
    if (next.policy !== undefined && next.disableSessionTags !== true)
      throw refused(
        'InvalidRequest',
        'UpdatePodIdentityAssociation',
        'InvalidParameterException: A policy can only be specified when disableSessionTags is true.',
      );
    return Object.assign(association, given, { modifiedAt: new Date(this.clock.now()).toISOString() });
  }
  async tagResource(arn: string, tags: Record<string, string>): Promise<void> {
    this.advance();
    const tagged = [...this.addons.values(), ...this.associations].find((one) => one.arn === arn);
    if (!tagged) throw refused('NotFound', 'TagResource', `NotFoundException: No resource found for ARN: ${arn}`);
    tagged.tags = { ...tagged.tags, ...tags };
  }
  async deleteAssociation(id: string): Promise<boolean> {
    this.advance();
    const association = this.associations.find((one) => one.id === id);
    if (association) this.remove(association);
    return association !== undefined;
  }
}
