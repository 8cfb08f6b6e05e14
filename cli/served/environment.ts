/** The variables that a served sandbox prints: those to set, and those to unset. */

/**
 * Variables that take precedence over the sandbox's profiles or its endpoint. Source: AWS SDKs and Tools Reference
 * Guide, "Settings reference".
 */
const OVERRIDING = [
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
];

/**
 * Returns the variables to unset. Those that name the endpoint of one service cannot all be listed, so they are taken
 * from this program's own environment, which is usually that of the shell.
 */
export const toUnset = (own: Readonly<Record<string, string | undefined>>): string[] => [
  ...OVERRIDING,
  ...Object.keys(own)
    .filter((name) => name.startsWith('AWS_ENDPOINT_URL_'))
    .toSorted(),
];

/** Returns an export line for a POSIX shell, with any value quoted. */
const exportLine = ([name, value]: [string, string]): string =>
  `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`;

/** Returns the lines for a POSIX shell. */
export const shellLines = (environment: Record<string, string>, unset: readonly string[]): string =>
  `${[`unset ${unset.join(' ')}`, ...Object.entries(environment).map(exportLine)].join('\n')}\n`;
