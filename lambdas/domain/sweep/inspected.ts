/** How much of a fleet a sweep could inspect. */
import type { ClusterInventory, LocationInventory, SweepInspected } from './model.ts';

/** Returns how many clusters were inspected completely: none of their add-ons is `unreachable`. */
export const inspectedOf = (
  locations: readonly Pick<LocationInventory, 'unreachable'>[],
  clusters: readonly Pick<ClusterInventory, 'findings'>[],
): SweepInspected => ({
  clusters: clusters.filter(({ findings }) => findings.every((one) => one.class !== 'unreachable')).length,
  of: clusters.length,
  locations: locations.filter(({ unreachable }) => unreachable !== undefined).length,
});

export const isComplete = ({ clusters, of, locations }: SweepInspected): boolean => clusters === of && locations === 0;

/** Returns the counts as text, such as `12 of 13 clusters inspected`; undefined if everything was inspected. */
export const shortfall = (inspected: SweepInspected | undefined): string | undefined => {
  if (inspected === undefined || isComplete(inspected)) return undefined;
  const { clusters, of, locations } = inspected;
  const rest = locations === 0 ? '' : `, and ${locations} location${locations === 1 ? '' : 's'} not or only in part`;
  return `${clusters} of ${of} cluster${of === 1 ? '' : 's'} inspected${rest}`;
};
