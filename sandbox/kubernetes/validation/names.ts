/** Rules of names, labels and annotations (k8s.io/apimachinery, util/validation). */

const regexRule = (message: string, regex: string, ...examples: string[]): string => {
  const shown = examples.map((example) => `'${example}'`).join(',  or ');
  return `${message} (${examples.length === 0 ? '' : `e.g. ${shown}, `}regex used for validation is '${regex}')`;
};
const tooManyCharacters = (most: number): string => `must be no more than ${most} characters`;

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = String.raw`[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const whole = (regex: string): RegExp => new RegExp(`^(?:${regex})$`);

/** Returns the problems of a text that must match a regex and have at most so many characters. */
const rule =
  (most: number, regex: string, message: string, ...examples: string[]) =>
  (text: string): string[] => [
    ...(text.length > most ? [tooManyCharacters(most)] : []),
    ...(whole(regex).test(text) ? [] : [regexRule(message, regex, ...examples)]),
  ];

export const subdomainProblems = rule(
  253,
  SUBDOMAIN,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);
export const dnsLabelProblems = rule(
  63,
  LABEL,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  'my-name',
  '123-abc',
);
export const labelValueProblems = rule(
  63,
  LABEL_VALUE,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyValue',
  'my_value',
  '12345',
);
export const configKeyProblems = rule(
  253,
  '[-._a-zA-Z0-9]+',
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
);

/** RBAC's names, and those that no other rule restricts, must be usable as a segment of a path. */
export const pathSegmentProblems = (name: string): string[] => {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((each) => name.includes(each)).map((each) => `may not contain '${each}'`);
};

const QUALIFIED_MESSAGE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** Returns the problems of a qualified name, such as the key of a label. */
export const qualifiedNameProblems = (text: string): string[] => {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2)
    return [
      `a qualified name ${regexRule(QUALIFIED_MESSAGE, QUALIFIED, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const prefix = parts.length === 2 ? parts[0] : undefined;
  const problems =
    prefix === ''
      ? ['prefix part must be non-empty']
      : prefix === undefined
        ? []
        : subdomainProblems(prefix).map((problem) => `prefix part ${problem}`);
  return [
    ...problems,
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...(name.length > 63 ? [`name part ${tooManyCharacters(63)}`] : []),
    ...(whole(QUALIFIED).test(name)
      ? []
      : [`name part ${regexRule(QUALIFIED_MESSAGE, QUALIFIED, 'MyName', 'my.name', '123-abc')}`]),
  ];
};
