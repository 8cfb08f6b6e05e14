/**
 * An API server that has let the service in, when the plan was made, and does so no more: an access entry takes effect
 * some seconds late, an authorizer of the control plane is away, or somebody has removed the entry. Once a migration has
 * begun none of that is a reason to go back; it is waited for.
 */
import { isMigrationError, MigrationError } from '../domain/failures/errors.ts';
import type { HandlerDependencies } from '../ports/index.ts';

const DENIALS = ['Unauthorised', 'AccessDenied'] as const;

const waited = (error: unknown): unknown =>
  DENIALS.some((name) => isMigrationError(error, name)) && error instanceof Error
    ? new MigrationError('ApiServerDenied', error.message, { cause: error })
    : error;

/** The same ports; what the API server refuses to the service throws ApiServerDenied. */
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
