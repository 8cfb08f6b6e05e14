/**
 * How Lambda's Node.js runtime reports a handler's errors and results. Child processes use this module too, so it has
 * no imports.
 */
export const failureOf = (thrown: unknown): { errorType: string; errorMessage: string } =>
  thrown instanceof Error
    ? { errorType: thrown.name || 'Error', errorMessage: thrown.message }
    : { errorType: typeof thrown, errorMessage: String(thrown) };

/** Returns the handler's result as JSON text. Throws Runtime.MarshalError. */
export const stringifyResult = (result: unknown): string => {
  try {
    return JSON.stringify(result ?? null);
  } catch {
    throw Object.assign(new Error('Unable to stringify response body'), { name: 'Runtime.MarshalError' });
  }
};
