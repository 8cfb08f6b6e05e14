/** Reads entries of the call log. */
import { isObject } from '../../sandbox/json.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';

export const inputOf = (call: Call): Record<string, unknown> => (isObject(call.input) ? call.input : {});

/** Returns the ledger key that a DynamoDB call names. */
export const keyOf = (call: Call): { pk: string; sk: string } | undefined => {
  if (call.service !== 'dynamodb') return undefined;
  const key = inputOf(call)['Key'];
  if (!isObject(key)) return undefined;
  const text = (value: unknown): string => (isObject(value) && typeof value['S'] === 'string' ? value['S'] : '');
  return { pk: text(key['pk']), sk: text(key['sk']) };
};
