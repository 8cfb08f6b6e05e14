/** Rules of values that several kinds have: counts, percentages and selectors. */
import type { LabelSelector } from '../../objects/objects.ts';
import { forbidden, invalid, required, type FieldError } from './field-errors.ts';
import { labelErrors } from './metadata.ts';
import { labelValueProblems, qualifiedNameProblems } from './names.ts';

export const nonNegative = (value: number | undefined, field: string): FieldError[] =>
  value !== undefined && value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];

type IntOrPercent = number | string;
const PERCENT = /^[0-9]+%$/;
const PERCENT_RULE =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

export const intOrPercentErrors = (value: IntOrPercent | undefined, field: string): FieldError[] => {
  if (typeof value !== 'string') return nonNegative(value, field);
  return PERCENT.test(value) ? [] : [invalid(field, { value, type: 'intOrString' }, PERCENT_RULE)];
};

export const atMost100Percent = (value: IntOrPercent | undefined, field: string): FieldError[] =>
  typeof value === 'string' && PERCENT.test(value) && Number.parseInt(value, 10) > 100
    ? [invalid(field, { value, type: 'intOrString' }, 'must not be greater than 100%')]
    : [];

/** Returns whether a count or percentage is zero. */
export const isZero = (value: IntOrPercent | undefined): boolean =>
  value === undefined || Number.parseInt(String(value), 10) === 0;

const operatorErrors = (operator: string, values: string[], field: string): FieldError[] => {
  if (operator === 'In' || operator === 'NotIn')
    return values.length > 0
      ? []
      : [required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
  if (operator === 'Exists' || operator === 'DoesNotExist')
    return values.length > 0
      ? [forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
      : [];
  return [invalid(`${field}.operator`, operator, 'not a valid selector operator')];
};

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

export const selectorErrors = (selector: LabelSelector | undefined, field: string): FieldError[] => [
  ...labelErrors(selector?.matchLabels, `${field}.matchLabels`),
  ...((selector?.matchExpressions ?? []) as Partial<Requirement>[]).flatMap(
    ({ key = '', operator, values = [] }, index) => {
      const at = `${field}.matchExpressions[${index}]`;
      return [
        ...operatorErrors(operator ?? '', values, at),
        ...qualifiedNameProblems(key).map((problem) => invalid(`${at}.key`, key, problem)),
        ...values.flatMap((value, place) =>
          labelValueProblems(value).map((problem) => invalid(`${at}.values[${place}]`, value, problem)),
        ),
      ];
    },
  ),
];

/** Returns whether a selector selects everything. */
export const isEmptySelector = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length + matchExpressions.length === 0;
