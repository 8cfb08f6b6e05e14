/** Wraps each call that leaves this process: a call of an SDK client, page by page, or a plain HTTPS exchange. */
import type { AroundCalls, CalledService } from '../ports/calls.ts';
import { errorNameOf } from './aws-errors.ts';
import type { PlainHttp } from './clients.ts';

/** Obtains the client's credentials, which it caches. A session in another account needs a separate call. */
async function sign(client: object): Promise<void> {
  const { config } = client as { config?: { credentials?: unknown } };
  const credentials = config?.credentials;
  if (typeof credentials === 'function') await credentials();
}

/** Returns a client whose calls all go through `around`, or the client itself if there is no `around`. */
export function aroundClient<Client extends object>(
  client: Client,
  service: CalledService,
  around: AroundCalls | undefined,
): Client {
  if (!around) return client;
  return new Proxy(client, {
    get: (inner, name) => {
      const member: unknown = Reflect.get(inner, name);
      if (name !== 'send' || typeof member !== 'function') return member;
      return (...parameters: unknown[]): Promise<unknown> =>
        around(
          service,
          () => Reflect.apply(member, inner, parameters) as Promise<unknown>,
          errorNameOf,
          () => sign(inner),
        );
    },
  });
}

export const aroundHttp = (http: PlainHttp, around: AroundCalls | undefined): PlainHttp =>
  around
    ? (request) =>
        around(
          'kubernetes',
          () => http(request),
          () => 'ConnectionLost',
        )
    : http;
