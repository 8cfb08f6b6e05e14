import type { Denial, RequiredPermission } from '../permission/permission.ts';
import type { CallContext, Service } from '../http.ts';
import type { Random } from '../random.ts';
import { unsupportedOperation } from '../unsupported.ts';
import {
  QueryError,
  queryAnswer,
  queryRefusal,
  readParameters,
  type QueryApi,
  type XmlValue,
} from './query-protocol.ts';

/** An action: returns the content of its Result element; `undefined` for an action without one. */
export type QueryAction = (parameters: Map<string, string>, context: CallContext) => XmlValue | undefined;

/**
 * Returns the permissions that a caller needs for an action, all checked before it runs; empty if everybody may call
 * it. Throws QueryError if a required parameter is missing.
 */
export type QueryPermissions = (parameters: Map<string, string>, context: CallContext) => RequiredPermission[];

/** What differs between the Query protocol of EC2 and that of the other services. */
export interface QueryFormat {
  answer: typeof queryAnswer;
  refuse: typeof queryRefusal;
  denied: (denial: Denial) => { code: string; message: string };
  /** The error for a version of the API that does not exist. */
  wrongVersion: (action: string, version: string) => { code: string; message: string };
}

const QUERY_FORMAT: QueryFormat = {
  answer: queryAnswer,
  refuse: queryRefusal,
  denied: ({ message }) => ({ code: 'AccessDenied', message }),
  wrongVersion: (action, version) => ({
    code: 'InvalidAction',
    message: `Could not find operation ${action} for version ${version}`,
  }),
};

/** Throws if an action has no entry in `permissions`, so that a forgotten entry does not make it callable by everybody. */
const assertComplete = (title: string, actions: object, permissions: object): void => {
  const without = Object.keys(actions).filter((name) => !Object.hasOwn(permissions, name));
  if (without.length > 0)
    throw new Error(`The sandbox's ${title} does not define the permissions for: ${without.join(', ')}.`);
};

/**
 * Creates a service with the Query protocol: it finds the action, adds it to the call log, checks the caller's
 * permissions, and formats response or error. `format`: of EC2, if it is not that of the other services. Throws an Error if an action has no entry in `permissions`.
 */
export const createQueryService = (
  api: QueryApi,
  random: Random,
  actions: Record<string, QueryAction>,
  permissions: Record<string, QueryPermissions>,
  format = QUERY_FORMAT,
): Service => {
  assertComplete(api.title, actions, permissions);
  const ids = random.fork();
  return async (request, context) => {
    const parameters = readParameters(request);
    const action = parameters.get('Action') ?? '';
    const input = Object.fromEntries([...parameters].filter(([name]) => name !== 'Action' && name !== 'Version'));
    context.describe(action, input);
    const requestId = ids.uuid();
    const refuse = (status: number, code: string, message: string) =>
      format.refuse(status, code, message, requestId, api.namespace);
    if (parameters.get('Version') !== api.version) {
      const { code, message } = format.wrongVersion(action, parameters.get('Version') ?? 'NO_VERSION_SPECIFIED');
      return refuse(400, code, message);
    }
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (!run) {
      return refuse(501, 'NotImplemented', unsupportedOperation(api.title, action, Object.keys(actions)));
    }
    try {
      for (const permission of permissions[action]?.(parameters, context) ?? []) {
        const denial = context.authorize(permission);
        if (!denial) continue;
        const { code, message } = format.denied(denial);
        return refuse(403, code, message);
      }
      return format.answer(api, action, run(parameters, context), requestId);
    } catch (error) {
      if (error instanceof QueryError) return refuse(error.status, error.code, error.message);
      throw error;
    }
  };
};
