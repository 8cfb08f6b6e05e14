/** Label selectors of network policies. */
import { z } from 'zod';
import { all, type Truth } from '../policy/index.ts';

const texts = z.record(z.string(), z.string()).nullish();
export const labelSelector = z.looseObject({
  matchLabels: texts,
  matchExpressions: z
    .array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() }))
    .nullish(),
});
export type LabelSelector = z.infer<typeof labelSelector>;

/** Returns the value of a label, undefined without that label; `unknown` if it cannot be known whether there is one. */
export type LabelLookup = (key: string) => { value: string | undefined } | 'unknown';

/** Without labels, nothing is known of any. */
export const lookUpLabel =
  (labels: Readonly<Record<string, string>> | undefined): LabelLookup =>
  (key) =>
    labels === undefined ? 'unknown' : { value: Object.hasOwn(labels, key) ? labels[key] : undefined };

const truth = (is: boolean): Truth => (is ? 'yes' : 'no');

/** Source: Kubernetes API reference, LabelSelectorRequirement. `NotIn` matches an object without the label. */
function matchesExpression(lookUp: LabelLookup, key: string, operator: string, values: readonly string[]): Truth {
  const label = lookUp(key);
  if (label === 'unknown') return 'unknown';
  const { value } = label;
  switch (operator) {
    case 'In':
      return truth(value !== undefined && values.includes(value));
    case 'NotIn':
      return truth(value === undefined || !values.includes(value));
    case 'Exists':
      return truth(value !== undefined);
    case 'DoesNotExist':
      return truth(value === undefined);
    default:
      return 'unknown';
  }
}

/** Returns whether a selector matches. A selector without requirements matches every object. */
export const matchesLabels = (
  { matchLabels, matchExpressions }: Pick<LabelSelector, 'matchLabels' | 'matchExpressions'>,
  lookUp: LabelLookup,
): Truth =>
  all([
    ...Object.entries(matchLabels ?? {}).map(([key, value]) => matchesExpression(lookUp, key, 'In', [value])),
    ...(matchExpressions ?? []).map(({ key, operator, values }) =>
      matchesExpression(lookUp, key, operator, values ?? []),
    ),
  ]);
