/** Chooses the format of a hand-off by the tool that owns what it is about. */
import type { HandOff, HandOffFormat } from '../../lambdas/domain/hand-off/model.ts';
import type { OwnedThing, Owner, OwnerTool } from '../../lambdas/domain/owners/model.ts';

const FORMATS: Partial<Record<OwnerTool, HandOffFormat>> = {
  terraform: 'terraform',
  cloudformation: 'cloudformation',
  cdk: 'cloudformation',
  eksctl: 'eksctl',
};

export interface Chosen {
  format: HandOffFormat;
  /** The owner that decides it; absent if none is known. */
  owner?: Owner;
  /** True if there is no format for that owner's code. */
  isOther?: true;
}

/** Returns the format for the owner of the add-on or, for a service account, of the association. */
export const formatFor = ({ addon }: Pick<HandOff, 'addon'>, owners: readonly Owner[]): Chosen => {
  const about: OwnedThing = addon === undefined ? 'association' : 'add-on';
  const owner = owners.find(({ owns }) => owns === about);
  if (owner === undefined) return { format: 'terraform' };
  const format = FORMATS[owner.tool];
  return format === undefined ? { format: 'terraform', owner, isOther: true } : { format, owner };
};
