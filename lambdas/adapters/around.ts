/** Has somebody stand around each call that leaves this process: one of an SDK client, page by page, or a plain HTTPS exchange. */
import type { AroundCalls, CalledService } from '../ports/calls.ts';
import { errorNameOf } from './aws-errors.ts';
import type { PlainHttp } from './clients.ts';

/** The same client, whose calls all go through `around`; the client itself where there is nobody. */
export function aroundClient<Client extends object>(client: Client, service: CalledService, around: AroundCalls | undefined): Client {
  if (!around) return client;
  return new Proxy(client, {
    get: (inner, name) => {
      const member: unknown = Reflect.get(inner, name);
      if (name !== 'send' || typeof member !== 'function') return member;
      return (...parameters: unknown[]): Promise<unknown> => around(service, () => Reflect.apply(member, inner, parameters) as Promise<unknown>, errorNameOf);
    },
  });
}

export const aroundHttp = (http: PlainHttp, around: AroundCalls | undefined): PlainHttp => (around ? (request) => around('kubernetes', () => http(request), () => 'ConnectionLost') : http);
