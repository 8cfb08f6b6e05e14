/**
 * What Lambda's Node.js runtime makes of what a handler throws and answers. Used in child processes too: no imports.
 */
export const failureOf = (thrown: unknown): { errorType: string; errorMessage: string } =>
  thrown instanceof Error
    ? { errorType: thrown.name || 'Error', errorMessage: thrown.message }
    : { errorType: typeof thrown, errorMessage: String(thrown) };

/** The handler's answer as JSON text. Throws Runtime.MarshalError. */
export const stringifyResult = (result: unknown): string => {
  try {
    return JSON.stringify(result ?? null);
  } catch {
    throw Object.assign(new Error('Unable to stringify response body'), { name: 'Runtime.MarshalError' });
  }
};
