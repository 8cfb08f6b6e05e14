/** The one HTTPS exchange, against servers on this machine that mean no good. */
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHttp, LONGEST_ANSWER, nodeHttp, slowAnswer, timeFor } from '../../lambdas/adapters/node-http.ts';
import { createServerCertificate, type ServerCertificate } from '../../sandbox/transports/certificates.ts';
import { matching } from '../lambdas/matchers.ts';

let certificate: ServerCertificate;
let other: ServerCertificate;
beforeAll(async () => {
  [certificate, other] = await Promise.all([createServerCertificate(), createServerCertificate()]);
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const serve = async (answer: RequestListener): Promise<string> => {
  const server = createServer({ key: certificate.privateKey, cert: certificate.certificate }, answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
};

const get = (url: string, { authority }: ServerCertificate = certificate) =>
  nodeHttp({ method: 'GET', url, headers: { authorization: 'Bearer secret' }, certificateAuthority: authority });

describe('an exchange', () => {
  it('gives what the server that the authority vouches for says', async () => {
    const url = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('pods'));
    expect(await get(url)).toMatchObject({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'pods' });
  });

  it('says nothing to a server with a certificate of another authority', async () => {
    const heard: unknown[] = [];
    const url = await serve((request, response) => {
      heard.push(request.headers);
      response.end();
    });
    await expect(get(url, other)).rejects.toMatchObject({ code: matching(/CERT|UNABLE_TO|SELF_SIGNED/) });
    expect(heard).toEqual([]);
  });

  it('goes where it was sent, and no further: a redirect is an answer like any other', async () => {
    const heard: string[] = [];
    const elsewhere = await serve((request, response) => {
      heard.push(request.headers.authorization ?? '');
      response.end();
    });
    const url = await serve((_request, response) => response.writeHead(302, { location: elsewhere }).end());
    expect([await get(url), heard]).toMatchObject([{ status: 302, headers: { location: elsewhere } }, []]);
  });

  it('ends with an answer that does not', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let sent = 0;
    const url = await serve((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    await expect(get(url)).rejects.toMatchObject({ code: 'EMSGSIZE', message: 'the answer is longer than 8 MB' });
    expect(sent).toBeLessThan(4 * LONGEST_ANSWER);
  });

  it('reads nothing of an answer that states a length beyond the bound', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': LONGEST_ANSWER + 1 }).write('{');
    });
    await expect(get(url)).rejects.toMatchObject({ code: 'EMSGSIZE' });
  });

  it('ends with an answer that never pauses, and is too slow for its size', async () => {
    const bounds = { pause: 200, leastRate: 1000, longest: 1000 };
    const url = await serve((_request, response) => {
      const more = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(more));
    });
    const slow = createNodeHttp(bounds)({
      method: 'GET',
      url,
      headers: {},
      certificateAuthority: certificate.authority,
    });
    await expect(slow).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      message: matching(/^the answer is too slow: \d+ bytes/),
    });
  });

  it('has the more time the more of its answer has arrived, and less than a Lambda for the longest', () => {
    expect([0, 1024 * 1024, LONGEST_ANSWER].map((received) => timeFor(received))).toEqual([10_000, 14_000, 42_000]);
    expect(slowAnswer(2).message).toBe('the answer is too slow: 2 bytes of it arrived within 10 seconds');
  });
});
