/** Compares all actions of a Query API with a service that supports some of them. */
import { expect } from 'vitest';
import type { Service } from '../../../sandbox/http.ts';
import { ACCOUNT, REGION, ROLE } from '../support.ts';

/** Returns the names of an SDK's operations: it exports a command for each. */
const actionsOf = (sdk: object): string[] =>
  Object.keys(sdk).flatMap((name) =>
    name.endsWith('Command') && name !== '$Command' ? [name.slice(0, -'Command'.length)] : [],
  );

/**
 * Expects `NotImplemented` with the name of each action except the `supported` ones, and any other response for those.
 * `sdk`: the module of the client. Returns how many actions were refused.
 */
export const expectSupported = async (
  service: Service,
  sdk: object,
  version: string,
  supported: string[],
): Promise<number> => {
  const actions = actionsOf(sdk);
  expect(supported.filter((name) => !actions.includes(name))).toEqual([]);
  for (const action of actions) {
    const body = new URLSearchParams({ Action: action, Version: version }).toString();
    const response = await service(
      { method: 'POST', host: 'aws', path: '/', query: {}, headers: {}, body: Buffer.from(body) },
      {
        caller: { accessKeyId: 'ASIAEXAMPLE', principalArn: ROLE, account: ACCOUNT },
        region: REGION,
        describe: () => {},
        authorize: () => undefined,
      },
    );
    const rejected =
      response.status === 501 &&
      String(response.body).includes(`<Code>NotImplemented</Code>`) &&
      String(response.body).includes(`does not support the operation ${action}. Supported operations: `);
    expect([action, rejected]).toEqual([action, !supported.includes(action)]);
  }
  return actions.length - supported.length;
};
