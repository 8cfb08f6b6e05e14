/**
 * What is recorded of policy documents: everything but the values of conditions that no decision of the service depends
 * on, such as a shared secret in `aws:Referer` or in `sts:ExternalId`.
 */
import { providerOf } from '../../lambdas/domain/policy/index.ts';
import { NOT_RECORDED } from './keep.ts';

/** Keys of all services and of STS whose values may be any text. */
const FREE = /^(aws:(referer|useragent)|sts:(externalid|sourceidentity))$/i;
const DECIDING = /^(aws|eks|iam|sts):/i;

/** Whether the values of a condition key are recorded: those that requests of pods and of the service have. */
const isDeciding = (key: string): boolean =>
  !FREE.test(key) && (DECIDING.test(key) || (providerOf(key) !== undefined && /:(aud|sub|amr|iss)$/i.test(key)));

/** Operators whose values are text; the others have numbers, dates, addresses or ARNs. */
const TEXT = /^(ForA(ll|ny)Values:)?String/i;
const BYTES = /^(ForA(ll|ny)Values:)?Binary/i;

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns a text with its wildcards and variables alone. */
const withoutWords = (text: string): string =>
  text.replaceAll(/\$\{[^{}]*\}|[^$*?/]+|\$/g, (part) => (part.startsWith('${') ? part : NOT_RECORDED));

const keptValue = (operator: string, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((one: unknown) => keptValue(operator, one));
  if (typeof value !== 'string') return value;
  if (BYTES.test(operator)) return Buffer.from(NOT_RECORDED).toString('base64');
  return TEXT.test(operator) ? withoutWords(value) : value;
};

const keptTests = (operator: string, tests: unknown): unknown =>
  isFields(tests)
    ? Object.fromEntries(
        Object.entries(tests).map(([key, value]) => [key, isDeciding(key) ? value : keptValue(operator, value)]),
      )
    : tests;

const keptStatement = (statement: unknown): unknown =>
  isFields(statement) && isFields(statement['Condition'])
    ? {
        ...statement,
        Condition: Object.fromEntries(
          Object.entries(statement['Condition']).map(([operator, tests]) => [operator, keptTests(operator, tests)]),
        ),
      }
    : statement;

/** Returns the document as an object, or `not-recorded` if it is not JSON: IAM stores no such document. */
export const keptDocument = (text: string): string | Fields => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return NOT_RECORDED;
  }
  if (!isFields(value)) return NOT_RECORDED;
  const { Statement: statements } = value;
  return {
    ...value,
    ...('Id' in value ? { Id: NOT_RECORDED } : {}),
    ...('Statement' in value
      ? { Statement: Array.isArray(statements) ? statements.map(keptStatement) : keptStatement(statements) }
      : {}),
  };
};

/** Returns a document that stays text, unchanged if all of it is recorded. */
export const keptDocumentText = (text: string): string => {
  const document = keptDocument(text);
  if (typeof document === 'string') return document;
  const kept = JSON.stringify(document);
  return kept === JSON.stringify(JSON.parse(text)) ? text : kept;
};
