import * as eks from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { aws, awsOrUndefined, fromAws } from '../../../lambdas/adapters/aws-errors.ts';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { expectError } from '../matchers.ts';

const failing = (name: string, status?: number, message = 'why'): Error =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status, requestId: 'r-1' } });
const nameOf = (name: string, status?: number): string => fromAws('eks:X', failing(name, status)).name;

describe("what AWS's errors mean", () => {
  const NAMES = {
    Throttled:
      'ThrottlingException Throttling TooManyRequestsException RequestLimitExceeded ' +
      'ProvisionedThroughputExceededException ExecutionLimitExceeded',
    ServiceUnavailable:
      'ServerException ServiceUnavailableException ServiceFailure InternalServerError InternalFailure',
    AccessDenied:
      'AccessDeniedException AccessDenied ExpiredTokenException UnrecognizedClientException ' +
      'InvalidClientTokenId InvalidSignatureException SignatureDoesNotMatch',
    NotFound:
      'ResourceNotFoundException NotFoundException NoSuchEntityException NoSuchEntity ' +
      'ExecutionDoesNotExist StateMachineDoesNotExist',
    Busy: 'ResourceInUseException ResourcePropagationDelayException',
    InvalidRequest:
      'InvalidParameterException InvalidRequestException ClientException ' +
      'ResourceLimitExceededException UnsupportedAvailabilityZoneException',
  };
  const rows = Object.entries(NAMES).flatMap(([ours, names]) => names.split(' ').map((name) => [name, ours]));
  it.each(rows)('%s: %s', (name, expected) => {
    // By its name alone: the status would say something else.
    expect(nameOf(name, 418)).toBe(expected);
  });

  it.each([
    [429, 'Throttled'],
    [500, 'ServiceUnavailable'],
    [503, 'ServiceUnavailable'],
    [403, 'AccessDenied'],
    [400, 'InvalidRequest'],
    [404, 'InvalidRequest'],
    [undefined, 'ConnectionLost'],
  ])('an unknown name with status %s: %s', (status, expected) => expect(nameOf('SomethingNew', status)).toBe(expected));

  it('covers every exception of the EKS API as its fault says', () => {
    const exceptions = Object.values(eks as Record<string, unknown>).filter(
      (value): value is new (options: object) => eks.EKSServiceException =>
        typeof value === 'function' && value.prototype instanceof eks.EKSServiceException,
    );
    expect(exceptions.length).toBeGreaterThanOrEqual(10);
    for (const Exception of exceptions) {
      // A server's fault is known by its name; without a status an unknown one would be taken for a lost connection.
      const { $fault, name } = new Exception({ message: 'm', $metadata: {} });
      const mapped = fromAws(
        'eks:X',
        new Exception({ message: 'm', $metadata: $fault === 'server' ? {} : { httpStatusCode: 400 } }),
      ).name;
      const fitting =
        $fault === 'server'
          ? ['ServiceUnavailable']
          : ['Throttled', 'AccessDenied', 'NotFound', 'Busy', 'InvalidRequest'];
      expect(fitting.map((one) => `${name}: ${one}`)).toContain(`${name}: ${mapped}`);
    }
  });

  it('takes what came back without an answer for a lost connection, whatever was thrown', () => {
    expect(fromAws('eks:X', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })).name).toBe(
      'ConnectionLost',
    );
    expect(
      fromAws('eks:X', Object.assign(new Error('m'), { name: 'TimeoutError', $metadata: { attempts: 1 } })).name,
    ).toBe('ConnectionLost');
    expect(fromAws('eks:X', 'a string')).toMatchObject({ name: 'ConnectionLost', message: 'eks:X: Error: a string' });
  });

  it("keeps the call, AWS's own name and text, and the request id", () => {
    const thrown = failing('ResourceInUseException', 409, 'Association already exists: a-dt1bedfjc72dlwp5n');
    const error = fromAws('eks:CreateAddon x', thrown);
    expect(error.message).toBe(
      'eks:CreateAddon x: ResourceInUseException: Association already exists: a-dt1bedfjc72dlwp5n (request r-1)',
    );
    expect(error.cause).toBe(thrown);
  });

  it('leaves our own errors as they are', async () => {
    const own = new MigrationError('LockLost', 'x');
    expect(fromAws('eks:X', own)).toBe(own);
    await expect(aws('eks:X', () => Promise.reject(own))).rejects.toBe(own);
  });
});

it('awsOrUndefined answers what there is, undefined for what is not there, and throws the rest', async () => {
  await expect(awsOrUndefined('iam:X', async () => 1)).resolves.toBe(1);
  await expect(
    awsOrUndefined('iam:X', () => Promise.reject(failing('NoSuchEntityException', 404))),
  ).resolves.toBeUndefined();
  await expectError(
    awsOrUndefined('iam:X', () => Promise.reject(failing('Throttling', 400))),
    'Throttled',
  );
});
