/** A client of the SDK without AWS, and AWS's refusals. */
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach } from 'vitest';

/** Mocks the client for the tests of the file; each of them begins without answers. */
export const mocked = ((client) => {
  const mock = mockClient(client);
  afterEach(() => void mock.reset());
  afterAll(() => mock.restore());
  return mock;
}) as typeof mockClient;

/** Returns the error that the SDK throws for such an answer. */
export const refusal = (name: string, message = 'why', httpStatusCode = 400): Error =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
