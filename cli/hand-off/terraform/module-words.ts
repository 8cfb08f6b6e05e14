/** Sentences on the entry of an add-on in the arguments of a module. */
import type { HandOffAddon } from '../../../lambdas/domain/terms/hand-off.ts';
import type { AddonModule } from './module-sources.ts';
import { inlineValue } from './written.ts';

export const ROLE = 'service_account_role_arn';
export const ASSOCIATIONS = 'pod_identity_association';

/** Returns what changes in the entry of an add-on. */
export const changeOf = (
  { address, addon }: { address: string; addon: HandOffAddon },
  roleIsRight: boolean,
): string => {
  const count = addon.associations.length;
  const now = `${count === 0 ? 'no' : String(count)} ${count < 2 ? 'association' : 'associations'}`;
  if (addon.addRoleArn !== undefined) return `${address}: ${addon.name} has its role again, and ${now}.`;
  return `${address}: ${addon.name} has ${now}${roleIsRight ? '' : ` instead of ${ROLE}`}.`;
};

/** Returns what a person must do. */
export const howTo = ({ associations: shape }: AddonModule, { associations, addRoleArn }: HandOffAddon): string => {
  const role = addRoleArn === undefined ? undefined : inlineValue(addRoleArn);
  if (role !== undefined && associations.length === 0)
    return `In the entry of the add-on, set ${ROLE} = ${role}, and remove ${ASSOCIATIONS}.`;
  const value =
    shape === 'map'
      ? Object.fromEntries(associations.map(({ serviceAccount, roleArn }) => [serviceAccount, roleArn]))
      : associations.map(({ serviceAccount, roleArn }) => ({ role_arn: roleArn, service_account: serviceAccount }));
  return `In the entry of the add-on, ${role === undefined ? `remove ${ROLE}` : `set ${ROLE} = ${role}`}, and set ${ASSOCIATIONS} = ${inlineValue(value)}.`;
};
