/**
 * A stand-in for Signature Version 4 within one process, for many runs in little time: it names the access key and
 * proves nothing. Only a door that was told to trust its callers takes it.
 */
import type { AwsCredentialIdentity, HttpRequest as SmithyRequest } from '@smithy/types';
import type { HttpRequest } from './http.ts';
import { resolveKey } from './signature.ts';
import type { KeyRing, Refused, Verified } from './signature.ts';

/** How its authorization begins. */
export const TRUSTED = 'SANDBOX-TRUSTED';
/** Of Signature Version 4, as the SDK's auth schemes call it. */
const SCHEME_ID = 'aws.auth#sigv4';

interface AuthScheme {
  schemeId: string;
  identityProvider: (configuration: { getIdentityProvider(schemeId: string): unknown }) => unknown;
  signer: {
    sign(
      request: SmithyRequest,
      identity: AwsCredentialIdentity,
      properties: { name?: string; region?: string },
    ): Promise<SmithyRequest>;
  };
}

/**
 * Takes the place of the SDK's own signer in a client's `httpAuthSchemes`. A list of its own for each client, which
 * adds to it.
 */
export const trustedAuthSchemes = (): AuthScheme[] => [
  {
    schemeId: SCHEME_ID,
    identityProvider: (configuration) => configuration.getIdentityProvider(SCHEME_ID),
    signer: {
      sign: (request, { accessKeyId, sessionToken }, { name, region }) => {
        request.headers['authorization'] = `${TRUSTED} ${accessKeyId}/${region}/${name}`;
        if (sessionToken !== undefined) request.headers['x-amz-security-token'] = sessionToken;
        return Promise.resolve(request);
      },
    },
  },
];

/** Who says to call; undefined for a request that is signed in earnest, or not at all. */
export const readTrusted = (request: HttpRequest, keys: KeyRing, now: number): Verified | Refused | undefined => {
  const [scheme, claim = ''] = (request.headers['authorization'] ?? '').split(' ');
  if (scheme !== TRUSTED) return undefined;
  const [accessKeyId = '', region = '', service = ''] = claim.split('/');
  const sessionToken = request.headers['x-amz-security-token'];
  const key = resolveKey(keys, { accessKeyId, ...(sessionToken === undefined ? {} : { sessionToken }) }, now);
  if ('ok' in key) return key;
  return {
    ok: true,
    service,
    region,
    caller: { accessKeyId: key.accessKeyId, principalArn: key.principalArn, account: key.account },
  };
};
