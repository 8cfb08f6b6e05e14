/** Which associations stand in the way of a migration, and which of them may be deleted. Promise 3 of the design. */
import { isOwnedBy } from './arn.ts';
import type { Association, Check, PlannedAssociation } from './model.ts';

const IAC_TAG_PREFIXES = ['aws:cloudformation:', 'alpha.eksctl.io/'];
const IAC_TAGS = new Map([
  ['terraform', 'Terraform'],
  ['pulumi', 'Pulumi'],
  ['crossplane', 'Crossplane'],
  ['cloudformation', 'CloudFormation'],
  ['eksctl', 'eksctl'],
]);

/** The tool whose tags an association carries, or undefined: `ManagedBy`-like tags, and the prefixes that tools reserve. */
export function managingTool(tags: Record<string, string>): string | undefined {
  for (const [key, value] of Object.entries(tags)) {
    if (IAC_TAG_PREFIXES.some((prefix) => key.startsWith(prefix))) return key;
    if (/^(managed[-_]?by|provisioner|iac)$/i.test(key)) return IAC_TAGS.get(value.toLowerCase()) ?? value;
    if (key.startsWith('services.k8s.aws/')) return 'ACK';
  }
  return undefined;
}

/** What the add-on form of an association can't carry, so that it would be lost by the purge. */
export function unportableFields(association: Association): string[] {
  const fields: string[] = [];
  if (association.targetRoleArn !== undefined) fields.push('targetRoleArn');
  if (association.disableSessionTags === true) fields.push('disableSessionTags');
  if (association.policy !== undefined) fields.push('policy');
  if (Object.keys(association.tags).length > 0) fields.push(`tags (${Object.keys(association.tags).join(', ')})`);
  return fields;
}

export interface PurgeDecision {
  purge: boolean;
  /** Why not, where it may not be purged. */
  refusal?: { reason: string; remedy: string };
}

/** Whether the migration of that add-on may delete that association. */
export function decidePurge(association: Association, cluster: string, addon: string, planned: PlannedAssociation[]): PurgeDecision {
  const inPlan = planned.some((one) => one.namespace === association.namespace && one.serviceAccount === association.serviceAccount);
  const where = `${association.id} (${association.namespace}/${association.serviceAccount})`;
  if (!inPlan) return { purge: false, refusal: { reason: `${where} is not part of the plan`, remedy: 'leave it alone' } };
  const ours = isOwnedBy(association.ownerArn, cluster, addon);
  if (association.ownerArn !== undefined && !ours) {
    return { purge: false, refusal: { reason: `${where} is owned by another add-on: ${association.ownerArn}`, remedy: 'free the service account from that add-on first' } };
  }
  const tool = ours ? undefined : managingTool(association.tags);
  if (tool !== undefined) {
    return {
      purge: false,
      refusal: { reason: `${where} carries the tags of another tool: ${tool}`, remedy: `remove it where it is managed, then migrate; ${tool} would otherwise make it again` },
    };
  }
  // The add-on's API put the tags on its own associations, and does so again.
  const unportable = unportableFields(ours ? { ...association, tags: {} } : association);
  if (unportable.length > 0) {
    return {
      purge: false,
      refusal: {
        reason: `${where} has ${unportable.join(', ')}, which an add-on's association can't carry`,
        remedy: `note it down and delete it by hand if it is not needed: aws eks delete-pod-identity-association --cluster-name ${cluster} --association-id ${association.id}`,
      },
    };
  }
  return { purge: true };
}

export function associationChecks(existing: Association[], cluster: string, addon: string, planned: PlannedAssociation[]): { checks: Check[]; purge: string[] } {
  if (existing.length === 0) {
    return { purge: [], checks: [{ id: 'associations', status: 'pass', message: 'No association stands in the way.' }] };
  }
  const decided = existing.map((association) => ({ association, ...decidePurge(association, cluster, addon, planned) }));
  const refused = decided.filter((one) => !one.purge);
  if (refused.length > 0) {
    return {
      purge: [],
      checks: refused.map(({ refusal }) => ({
        id: 'associations',
        status: 'fail',
        message: `An association stands in the way that is not ours to delete: ${refusal?.reason ?? ''}.`,
        remedy: `${(refusal?.remedy ?? '').replace(/^./, (first) => first.toUpperCase())}.`,
        source: 'EKS User Guide, "Assign IAM roles to add-ons": add-ons cannot assume ownership of existing associations',
      })),
    };
  }
  const names = decided.map(({ association }) => `${association.id} for ${association.namespace}/${association.serviceAccount}`).join(', ');
  return {
    purge: decided.map(({ association }) => association.id),
    checks: [
      {
        id: 'associations',
        status: 'warn',
        message: `Left-over association ${names} would make the create fail with "Association already exists".`,
        remedy: 'It is noted in the ledger and deleted before the add-on is created again; a rollback puts it back.',
        source: 'EKS User Guide, "Assign IAM roles to add-ons": add-ons cannot assume ownership of existing associations',
      },
    ],
  };
}
