/** Label selectors within objects, such as a Deployment's. */
import type { KubeObject, LabelSelector } from './objects.ts';

export type Selector = (object: KubeObject) => boolean;

/** Parses a selector within an object; an undefined selector selects nothing. */
export const objectSelector = (selector: LabelSelector | undefined): Selector => {
  if (!selector) return () => false;
  const pairs = Object.entries(selector.matchLabels ?? {});
  const expressions = selector.matchExpressions ?? [];
  return ({ metadata: { labels = {} } }) =>
    pairs.every(([label, value]) => labels[label] === value) &&
    expressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists' || operator === 'DoesNotExist')
        return (value !== undefined) === (operator === 'Exists');
      return (value !== undefined && values.includes(value)) === (operator === 'In');
    });
};
