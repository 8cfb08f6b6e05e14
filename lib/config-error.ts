/** An invalid configuration. The message is for the person who wrote it, and has all that they need. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export const WHERE_TO_LOOK = 'See docs/configuration.md for the allowed values of each setting';
