/** The HTTPS server that a real API server asks: for callers, for access policies, and about new pods. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServerCertificate } from '../../../sandbox/transports/certificates.ts';
import type { Webhook } from '../plane/options.ts';
import type { Review } from './reviews.ts';

/** The answers of one cluster. */
export interface Answers {
  token: (review: Review) => Review;
  access: (review: Review) => Review;
  admission: (review: Review) => Review;
}

const PATHS: Readonly<Record<string, keyof Answers>> = {
  '/token': 'token',
  '/access': 'access',
  '/mutate': 'admission',
};

export interface Webhooks {
  /** To be given to `startControlPlane`. The API server may not keep answers: the world's time does not pass as its own does. */
  authentication: Webhook;
  authorization: Webhook;
  /** For the client configuration of a MutatingWebhookConfiguration. */
  mutating: { url: string; ca: string };
  /** Answers from now on; before that, and after null, nobody is known and nothing is injected. */
  serve: (answers: Answers | null) => void;
  /** Errors of answers, each of which is a defect of the bridge. */
  failures: unknown[];
  close: () => Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<Review> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Review;
};

/** Opens the server on a free port of 127.0.0.1. */
export const openWebhooks = async (): Promise<Webhooks> => {
  const { authority, certificate, privateKey } = await createServerCertificate();
  const failures: unknown[] = [];
  let answers: Answers | null = null;

  const reply = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const which = PATHS[new URL(request.url ?? '/', 'https://127.0.0.1').pathname];
    const review = await bodyOf(request);
    if (!answers || which === undefined) {
      response.writeHead(which === undefined ? 404 : 503).end();
      return;
    }
    const body = JSON.stringify(answers[which](review));
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  };
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    reply(request, response).catch((error: unknown) => {
      failures.push(error);
      response.writeHead(500).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    authentication: { url: `${url}/token`, ca: authority, cacheSeconds: 0 },
    authorization: { url: `${url}/access`, ca: authority, cacheSeconds: 0 },
    mutating: { url: `${url}/mutate`, ca: authority },
    serve: (given) => {
      answers = given;
    },
    failures,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
