import type { Asked } from '../authorization/asked.ts';
import type { CallContext, Service } from '../http.ts';
import type { Random } from '../world/random.ts';
import { QueryError, queryAnswer, queryRefusal, readParameters } from './query-protocol.ts';
import type { QueryApi, XmlValue } from './query-protocol.ts';

/** One action: answers what goes into its Result element; `undefined` for an action without one. */
export type QueryAction = (parameters: Map<string, string>, context: CallContext) => XmlValue | undefined;

/**
 * What one action wants its caller to be allowed, all of it, before it does anything; none: everybody may. Throws
 * QueryError where the parameters don't say it.
 */
export type QueryRights = (parameters: Map<string, string>, context: CallContext) => Asked[];

/** A right that is left out must not make an action free for everybody. */
const assertComplete = (title: string, actions: object, rights: object): void => {
  const without = Object.keys(actions).filter((name) => !Object.hasOwn(rights, name));
  if (without.length > 0)
    throw new Error(`The sandbox's ${title} does not say what right is needed for: ${without.join(', ')}.`);
};

/**
 * A Service of the Query protocol: finds the action, reports it to the call log, lets nobody in who may not, and wraps
 * answer and error. Throws an Error where an action has no entry in `rights`.
 */
export const createQueryService = (
  api: QueryApi,
  random: Random,
  actions: Record<string, QueryAction>,
  rights: Record<string, QueryRights>,
): Service => {
  assertComplete(api.title, actions, rights);
  const ids = random.fork();
  return async (request, context) => {
    const parameters = readParameters(request);
    const action = parameters.get('Action') ?? '';
    const input = Object.fromEntries([...parameters].filter(([name]) => name !== 'Action' && name !== 'Version'));
    context.describe(action, input);
    const requestId = ids.uuid();
    const refuse = (status: number, code: string, message: string) =>
      queryRefusal(status, code, message, requestId, api.namespace);
    if (parameters.get('Version') !== api.version) {
      return refuse(
        400,
        'InvalidAction',
        `Could not find operation ${action} for version ${parameters.get('Version') ?? 'NO_VERSION_SPECIFIED'}`,
      );
    }
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (!run) {
      return refuse(
        501,
        'NotImplemented',
        `The sandbox's ${api.title} does not have the action ${action}. It has: ${Object.keys(actions).join(', ')}.`,
      );
    }
    try {
      for (const asked of rights[action]?.(parameters, context) ?? []) {
        const denial = context.authorize(asked);
        if (denial) return refuse(403, 'AccessDenied', denial.message);
      }
      return queryAnswer(api, action, run(parameters, context), requestId);
    } catch (error) {
      if (error instanceof QueryError) return refuse(error.status, error.code, error.message);
      throw error;
    }
  };
};
