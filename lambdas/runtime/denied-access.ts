/**
 * Handles an API server that allowed the service access when the plan was made, and no longer does: an access entry takes
 * effect some seconds late, an authorizer of the control plane is unavailable, or the entry was removed. Once a migration has
 * begun, none of that is a reason to roll back; access is waited for.
 */
import { isAccessRefused, MigrationError } from '../domain/failures/errors.ts';
import type { HandlerDependencies } from '../ports/index.ts';

const waited = (error: unknown): unknown =>
  isAccessRefused(error) ? new MigrationError('ApiServerDenied', error.message, { cause: error }) : error;

/** Returns the same ports, except that a refusal by the API server throws ApiServerDenied. */
export const waitingForAccess =
  (portsFor: HandlerDependencies['portsFor']): HandlerDependencies['portsFor'] =>
  (target, around) => {
    const ports = portsFor(target, around);
    const kubernetes = new Proxy(ports.kubernetes, {
      get: (inner, name) => {
        const member: unknown = Reflect.get(inner, name);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]): Promise<unknown> => {
          try {
            return (await Reflect.apply(member, inner, given)) as unknown;
          } catch (error) {
            throw waited(error);
          }
        };
      },
    });
    return { ...ports, kubernetes };
  };
