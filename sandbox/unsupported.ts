/**
 * Returns the message of the error for an operation that a service of the sandbox does not support. `service` is its
 * name, such as `Step Functions`.
 */
export const unsupportedOperation = (service: string, operation: string, supported: readonly string[]): string =>
  `The sandbox's ${service} does not support the operation ${operation}. Supported operations: ${supported.join(', ')}.`;
