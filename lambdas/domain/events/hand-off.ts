/**
 * The part of an event that is about the owner's code: names, ARNs, ids and actions. Statements, session policies, tags
 * and settings stay out of events; the command prints them.
 */
import { z } from 'zod';
import { handOffCommand } from '../hand-off/lines.ts';
import {
  handOff,
  handOffAddon,
  handOffAnnotation,
  handOffAssociation,
  handOffTrust,
  type HandOff,
} from '../terms/hand-off.ts';
import { handOffOf } from '../hand-off/of-record.ts';
import type { Migration } from '../record/migration.ts';
import { fit } from './parts.ts';

/** The maximum number of entries of each list, and of characters of each text. */
const [MOST_ENTRIES, LONGEST] = [10, 300];
const text = z.string().max(LONGEST);
const block = { namespace: text, serviceAccount: text, roleArn: text };

export const eventHandOff = z.object({
  state: handOff.shape.state,
  addon: z
    .object({
      addRoleArn: text.optional().describe(handOffAddon.shape.addRoleArn.description ?? ''),
      removeRoleArn: text.optional().describe(handOffAddon.shape.removeRoleArn.description ?? ''),
      associations: z.array(z.object(block)).max(MOST_ENTRIES),
    })
    .optional(),
  associations: z
    .array(z.object({ ...block, action: handOffAssociation.shape.action, id: text.optional() }))
    .max(MOST_ENTRIES),
  trust: z.array(z.object({ roleArn: text, action: handOffTrust.shape.action })).max(MOST_ENTRIES),
  annotations: z.array(z.object({ ...block, action: handOffAnnotation.shape.action })).max(MOST_ENTRIES),
  left: z.int().optional().describe('Number of entries that are left out. Absent if none are.'),
  command: text.describe('The command that prints all of it.'),
});
export type EventHandOff = z.infer<typeof eventHandOff>;

type Block = { namespace: string; serviceAccount: string; roleArn: string };

const blockOf = ({ namespace, serviceAccount, roleArn }: Block): Block => ({
  namespace: fit(namespace, LONGEST),
  serviceAccount: fit(serviceAccount, LONGEST),
  roleArn: fit(roleArn, LONGEST),
});

const first = <Entry>(entries: readonly Entry[]): Entry[] => entries.slice(0, MOST_ENTRIES);

function addonOf({ addRoleArn, removeRoleArn, associations }: NonNullable<HandOff['addon']>): EventHandOff['addon'] {
  return {
    ...(addRoleArn === undefined ? {} : { addRoleArn: fit(addRoleArn, LONGEST) }),
    ...(removeRoleArn === undefined ? {} : { removeRoleArn: fit(removeRoleArn, LONGEST) }),
    associations: first(associations).map(blockOf),
  };
}

/** Returns the part for a record; undefined if it has no hand-off. */
export function eventHandOffOf(record: Migration): EventHandOff | undefined {
  const found = handOffOf(record);
  if (!found) return undefined;
  const { state, addon, associations, trust, annotations } = found;
  const left = [addon?.associations ?? [], associations, trust, annotations]
    .map(({ length }) => Math.max(0, length - MOST_ENTRIES))
    .reduce((sum, more) => sum + more, 0);
  return {
    state,
    ...(addon ? { addon: addonOf(addon) } : {}),
    associations: first(associations).map(({ action, id, ...one }) => ({
      ...blockOf(one),
      action,
      ...(id === undefined ? {} : { id: fit(id, LONGEST) }),
    })),
    trust: first(trust).map(({ roleArn, action }) => ({ roleArn: fit(roleArn, LONGEST), action })),
    annotations: first(annotations).map(({ action, ...one }) => ({ ...blockOf(one), action })),
    ...(left > 0 ? { left } : {}),
    command: handOffCommand(record.migrationId),
  };
}
