import { vi } from 'vitest';

/**
 * Retries until the check does not throw, and returns its result. The bound of five minutes only ends a hang, like
 * those of the tests: nothing takes so long, however busy the machine is.
 */
export const eventually = <T>(check: () => T | Promise<T>, interval = 50): Promise<T> =>
  vi.waitFor(check, { timeout: 300_000, interval });
