/** A position in an assembly. */
export interface Where {
  /** File name of the template. */
  template: string;
  /** The logical id of a resource, an output or a condition. */
  logicalId?: string;
  /** The path within it, such as `Properties.Environment.Variables.TABLE_NAME`. */
  path?: string;
}

/** The assembly contains something that the sandbox cannot interpret; the message says what and where. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
  constructor(what: string, { template, logicalId, path }: Where) {
    const position = [template, logicalId, path].filter((part) => part !== undefined && part !== '').join(', ');
    super(`The sandbox cannot use the application's template: ${position} has ${what}.`);
  }
}
