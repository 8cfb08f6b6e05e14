/**
 * SDK clients that call the sandbox's gateway directly instead of through the SDK's middlewares: the same commands,
 * outputs and errors at a fraction of the cost. They name their key instead of signing with it.
 */
import { doesIdentityRequireRefresh, isIdentityExpired, memoizeIdentityProvider } from '@smithy/core';
import type { AwsCredentialIdentity } from '@smithy/types';
import { type SharedConfig, TAKES_DOCUMENTS } from '../../lambdas/adapters/clients.ts';
import type { Claim } from '../claim.ts';
import { ConnectionLost } from '../gateway/faults.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { Json } from '../json.ts';
import { type DocumentCommand, documentOutput, documentRequest, isDocumentCommand } from './documents.ts';
import { operationOf, type OperationTuple, outputOf, requestOf } from './protocol.ts';

/** Sends a request to the gateway, with the key that it is made with. */
export type Carry = (request: HttpRequest, claim: Claim) => Promise<HttpResponse>;

interface Command {
  input: Json;
  schema: OperationTuple;
}
type Send = (command: object, options?: { abortSignal?: { aborted: boolean } }) => Promise<Json>;

/** The SDK's metadata for a call that was attempted once. */
const ONCE = { attempts: 1, totalRetryDelay: 0 };

const withMetadata = (thrown: unknown): unknown => {
  if (!(thrown instanceof Error)) return thrown;
  // The name that the SDK's own request handler uses.
  if (thrown instanceof ConnectionLost) thrown.name = 'TimeoutError';
  const { $metadata } = thrown as { $metadata?: object };
  return Object.assign(thrown, { $metadata: { ...$metadata, ...ONCE } });
};

/** Returns a provider of a client's configured credentials, which requests them again only when they expire. */
const identityProvider = (credentials: SharedConfig['credentials']): (() => Promise<AwsCredentialIdentity>) => {
  const memoized =
    credentials &&
    memoizeIdentityProvider<AwsCredentialIdentity>(credentials, isIdentityExpired, doesIdentityRequireRefresh);
  if (memoized) return memoized;
  return () =>
    Promise.reject(
      new Error('A client of the sandbox was created without credentials. Pass credentials in its configuration.'),
    );
};

export const createDirectClient = <Client extends object>(
  Class: new (config: SharedConfig) => Client,
  service: string,
  { region, credentials }: SharedConfig,
  carry: Carry,
): Client => {
  const identityOf = identityProvider(credentials);

  const exchange = async (request: HttpRequest): Promise<HttpResponse> => {
    const { accessKeyId, sessionToken } = await identityOf();
    return carry(request, { accessKeyId, ...(sessionToken === undefined ? {} : { sessionToken }), service, region });
  };

  const call = async ({ input, schema }: Command): Promise<Json> => {
    const operation = operationOf(Class, service, schema);
    return outputOf(operation, await exchange(await requestOf(operation, region, input)));
  };

  const callDocument = async (command: DocumentCommand): Promise<Json> => {
    const operation = operationOf(Class, service, (command.clientCommand as Command).schema);
    const response = await exchange(documentRequest(command, operation.schema.name, region));
    return documentOutput(command, await outputOf(operation, response, (content) => content));
  };

  const send: Send = async (command, options) => {
    if (options?.abortSignal?.aborted) throw Object.assign(new Error('Request aborted'), { name: 'AbortError' });
    try {
      const output = await (isDocumentCommand(command) ? callDocument(command) : call(command as Command));
      Object.assign(output['$metadata'] as object, ONCE);
      return output;
    } catch (error) {
      throw withMetadata(error);
    }
  };

  // An instance of the SDK's class, since the SDK's paginators require one.
  return Object.assign(Object.create(Class.prototype as object) as Client, {
    send,
    destroy: () => undefined,
    config: { region: () => Promise.resolve(region), credentials: identityOf },
    [TAKES_DOCUMENTS]: true,
  });
};
