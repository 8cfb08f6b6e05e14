import type { AnnotationMoment } from '../domain/record/migration.ts';
import type { DynamoTable } from './dynamo-table.ts';

/** What an update of an item says, except for its key. */
export type ItemUpdate = Parameters<DynamoTable['update']>[1];

/**
 * Returns the update that records a moment of the annotation's removal. Each moment has a path of its own, so that a late
 * write does not take away what was recorded since.
 */
export function annotationUpdate(what: AnnotationMoment, at: string): ItemUpdate {
  const isNote = what === 'notedAt';
  return {
    UpdateExpression: isNote ? 'SET #change = :note' : `SET #change.${what} = :at`,
    ConditionExpression: isNote
      ? 'attribute_exists(pk) AND (attribute_not_exists(#change) OR #change.undoneAt < :at)'
      : 'attribute_exists(#change) AND attribute_not_exists(#change.undoneAt)',
    ExpressionAttributeNames: { '#change': 'annotationChange' },
    ExpressionAttributeValues: isNote ? { ':at': at, ':note': { notedAt: at } } : { ':at': at },
  };
}
