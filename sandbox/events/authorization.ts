/**
 * The permission that PutEvents requires, and its resource. Source: Service Authorization Reference, "Actions,
 * resources, and condition keys for Amazon EventBridge". The events' condition keys have the values of all entries at
 * once, so policies compare them with `ForAllValues` (EventBridge User Guide, "Using IAM policy conditions").
 */
import type { RequiredPermission } from '../permission/permission.ts';
import type { BusLocation } from './bus.ts';

export interface EntryKeys {
  Source?: string | undefined;
  DetailType?: string | undefined;
}

/** A bus that an entry names: its account, region, name and ARN. */
export interface BusReference extends BusLocation {
  name: string;
  arn: string;
}

/** Returns the bus for a name or ARN; names without an ARN mean a bus of the caller. */
export const resolveBus = (
  name: string,
  { account, region, partition }: BusLocation & { partition: string },
): BusReference => {
  const [, ofRegion, ofAccount, own] = /^arn:aws[\w-]*:events:([^:]+):(\d{12}):event-bus\/(.+)$/.exec(name) ?? [];
  if (ofRegion !== undefined && ofAccount !== undefined && own !== undefined)
    return { account: ofAccount, region: ofRegion, name: own, arn: name };
  return { account, region, name, arn: `arn:${partition}:events:${region}:${account}:event-bus/${name}` };
};

const keyOf = (key: string, values: (string | undefined)[]): Record<string, string[]> => {
  const given = [...new Set(values.filter((value) => value !== undefined))];
  return given.length === 0 ? {} : { [key]: given };
};

/** The authorization request, one for each bus of the call. */
export const requiredPermission = (bus: BusReference, entries: readonly EntryKeys[]): RequiredPermission => ({
  action: 'events:PutEvents',
  resource: bus.arn,
  context: {
    ...keyOf(
      'events:source',
      entries.map(({ Source: source }) => source),
    ),
    ...keyOf(
      'events:detail-type',
      entries.map(({ DetailType: detailType }) => detailType),
    ),
    'events:eventBusInvocation': 'false',
  },
});
