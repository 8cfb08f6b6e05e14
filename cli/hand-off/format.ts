/** Chooses the format of a hand-off by the tool that owns what it is about. */
import type { HandOff, HandOffFormat } from '../../lambdas/domain/terms/hand-off.ts';
import type { OwnedThing, Owner } from '../../lambdas/domain/owners/model.ts';
import { TOOLS } from '../../lambdas/domain/owners/tools.ts';

export interface Chosen {
  format: HandOffFormat;
  /** The owner that decides it; absent if none is known. */
  owner?: Owner;
  /** True if there is no format for that owner's code. */
  isOther?: true;
}

/** What decides, the most telling first: a new association has no owner yet, but its role may have one. */
const aboutOf = ({ addon }: Pick<HandOff, 'addon'>): OwnedThing[] =>
  addon === undefined ? ['association', 'role'] : ['add-on'];

/** Returns the format for the owner of the add-on or, for a service account, of its association or role. */
export const formatFor = (handOff: Pick<HandOff, 'addon'>, owners: readonly Owner[]): Chosen => {
  const [owner] = aboutOf(handOff).flatMap((thing) => owners.filter(({ owns }) => owns === thing));
  if (owner === undefined) return { format: 'terraform' };
  const { format } = TOOLS[owner.tool];
  // Values of a chart define neither add-ons nor associations nor roles.
  return format === undefined || format === 'helm-values'
    ? { format: 'terraform', owner, isOther: true }
    : { format, owner };
};
