/** Where in an assembly something is. */
export interface Where {
  /** File name of the template. */
  template: string;
  /** Of a resource, an output or a condition. */
  logicalId?: string;
  /** Within it, such as `Properties.Environment.Variables.TABLE_NAME`. */
  path?: string;
}

/** Something in the assembly that the sandbox can't make sense of; the message says what and where. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
  constructor(what: string, { template, logicalId, path }: Where) {
    const place = [template, logicalId, path].filter((part) => part !== undefined && part !== '').join(', ');
    super(`The sandbox can't use the application's template: ${place} has ${what}.`);
  }
}
