/** EKS in memory: changes take the clock's time, as they do there, and refusals have EKS's own texts. */
import { MigrationError } from '../../lambdas/domain/errors.ts';
import { isOwnedBy } from '../../lambdas/domain/arn.ts';
import type { Addon, Association, PlannedAssociation } from '../../lambdas/domain/model.ts';
import type { Clock, Cluster, CreateAddonRequest, Eks, OfferedVersion, PodIdentityServiceAccount, UpdateAddonRequest } from '../../lambdas/ports/index.ts';
import { ADDON, addonArn, aCluster, anAddon, anAssociation, associationArn, CLUSTER, NAMESPACE, someFacts, VERSION } from './fixtures.ts';

export const CREATE_MS = 60_000;
export const DELETE_MS = 30_000;
export const UPDATE_MS = 45_000;

export class FakeEks implements Eks {
  cluster: Cluster | undefined = aCluster();
  readonly addons = new Map<string, Addon>();
  associations: Association[] = [];
  offered: OfferedVersion[] = someFacts().offered;
  /** By add-on and version, such as `aws-ebs-csi-driver v1.38.1-eksbuild.1`. */
  readonly configurations = new Map<string, PodIdentityServiceAccount[]>();
  /** What a create or update ends in. */
  endsIn: Addon['status'] = 'ACTIVE';
  /** Called when a create or update has come to its end. */
  onSettled: (addon: Addon) => void = () => undefined;
  private readonly clock: Clock;
  private changes: { at: number; apply: () => void }[] = [];
  private incarnation = 1;
  private made = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    for (const addon of [anAddon(), someFacts().agentAddon!]) this.addons.set(addon.name, addon);
    this.configurations.set(`${ADDON} ${VERSION}`, someFacts().podIdentity);
  }

  private advance(): void {
    const due = this.changes.filter((change) => change.at <= this.clock.now());
    this.changes = this.changes.filter((change) => !due.includes(change));
    for (const change of due) change.apply();
  }

  private settle(addon: Addon, milliseconds: number): void {
    this.changes.push({
      at: this.clock.now() + milliseconds,
      apply: () => {
        addon.status = this.endsIn;
        this.onSettled(addon);
      },
    });
  }

  /** Makes the add-on's associations, all or none. */
  private associate(addon: Addon, wanted: PlannedAssociation[]): void {
    const namespace = addon.namespace ?? NAMESPACE;
    for (const { serviceAccount } of wanted) {
      const taken = this.associations.find((one) => one.namespace === namespace && one.serviceAccount === serviceAccount && one.ownerArn !== addon.arn);
      if (taken) throw new MigrationError('Busy', `eks: ResourceInUseException: Association already exists: ${taken.id}`);
    }
    this.associations = this.associations.filter((one) => one.ownerArn !== addon.arn);
    const now = new Date(this.clock.now()).toISOString();
    const added = wanted.map(({ serviceAccount, roleArn }) => this.newAssociation({ namespace, serviceAccount, roleArn, ownerArn: addon.arn, createdAt: now, modifiedAt: now }));
    addon.podIdentityAssociations = added.map((one) => one.arn);
  }

  private newAssociation(change: Partial<Association>): Association {
    this.made += 1;
    const id = `a-new${String(this.made).padStart(14, '0')}`;
    const association = anAssociation({ ...change, id, arn: associationArn(id) });
    this.associations.push(association);
    return association;
  }

  async describeCluster(): Promise<Cluster | undefined> {
    return this.cluster;
  }
  async describeAddon(name: string): Promise<Addon | undefined> {
    this.advance();
    return this.addons.get(name);
  }
  async listOfferedVersions(): Promise<OfferedVersion[]> {
    return this.offered;
  }
  async describePodIdentityConfiguration(addon: string, version: string): Promise<PodIdentityServiceAccount[]> {
    return this.configurations.get(`${addon} ${version}`) ?? [];
  }

  async createAddon(request: CreateAddonRequest): Promise<void> {
    this.advance();
    if (this.addons.has(request.addon)) throw new MigrationError('Busy', 'eks:CreateAddon: ResourceInUseException: Addon already exists.');
    const { addon: name, version, namespace, serviceAccountRoleArn, configurationValues, tags } = request;
    this.incarnation += 1;
    const addon: Addon = { name, version, namespace, serviceAccountRoleArn, configurationValues, tags, arn: addonArn(this.incarnation, name), status: 'CREATING', podIdentityAssociations: [], issues: [] };
    this.associate(addon, request.podIdentityAssociations ?? []);
    this.addons.set(name, addon);
    this.settle(addon, CREATE_MS);
  }

  async updateAddon(request: UpdateAddonRequest): Promise<void> {
    this.advance();
    const addon = this.addons.get(request.addon);
    if (!addon) throw new MigrationError('NotFound', `eks:UpdateAddon: ResourceNotFoundException: No addon: ${request.addon} found in cluster: ${CLUSTER}`);
    if (addon.status === 'UPDATING' || addon.status === 'CREATING') throw new MigrationError('Busy', `eks:UpdateAddon: ResourceInUseException: Addon ${addon.name} cannot be updated as it is currently in ${addon.status} state`);
    if (request.podIdentityAssociations) this.associate(addon, request.podIdentityAssociations);
    addon.serviceAccountRoleArn = request.serviceAccountRoleArn;
    addon.status = 'UPDATING';
    this.settle(addon, UPDATE_MS);
  }

  async deleteAddon(name: string, { preserve }: { preserve: boolean }): Promise<boolean> {
    this.advance();
    const addon = this.addons.get(name);
    if (!addon) return false;
    addon.status = 'DELETING';
    this.changes.push({
      at: this.clock.now() + DELETE_MS,
      apply: () => {
        if (this.addons.get(name) === addon) this.addons.delete(name);
        if (!preserve) this.associations = this.associations.filter((one) => !isOwnedBy(one.ownerArn, CLUSTER, name));
      },
    });
    return true;
  }

  async listAssociations(namespace: string, serviceAccount: string): Promise<Association[]> {
    this.advance();
    return this.associations.filter((one) => one.namespace === namespace && one.serviceAccount === serviceAccount);
  }
  async createAssociation(association: Association): Promise<Association> {
    const { ownerArn: _, ...standAlone } = association;
    const now = new Date(this.clock.now()).toISOString();
    return this.newAssociation({ ...standAlone, createdAt: now, modifiedAt: now });
  }
  async deleteAssociation(id: string): Promise<boolean> {
    const before = this.associations.length;
    this.associations = this.associations.filter((one) => one.id !== id);
    return this.associations.length < before;
  }
}
