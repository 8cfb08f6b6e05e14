/** Derives from a condition key's name which provider it belongs to, and whether it is multivalued. */

/** Returns an OIDC issuer as IAM names it in ARNs and condition keys: without `https://` and a trailing slash. */
export const issuerName = (issuer: string): string => issuer.replace(/^https:\/\//i, '').replace(/\/$/, '');

/**
 * Returns the identity provider of a key such as `accounts.google.com:aud` or `saml:iss`. Keys of AWS services have no
 * dot before the colon. For IAM, a key that was written with the issuer's `https://` belongs to some other provider.
 */
export function providerOf(key: string): string | undefined {
  const colon = key.lastIndexOf(':');
  if (colon < 0) return undefined;
  const provider = key.slice(0, colon);
  const [host = ''] = provider.split('/', 1);
  return provider === 'saml' || /^https?:\/\//.test(provider) || (host.includes('.') && !host.includes(':'))
    ? provider
    : undefined;
}

const PROVIDER_ARN_KEY = /^arn:[^:]*:iam::[^:]*:oidc-provider\/(.+:[^:]*)$/i;
const URL_KEY = /^https?:\/\/(.+:[^:]*)$/i;

/** Returns whether a key begins with the ARN of an OIDC provider instead of the provider's host and path. */
export const startsWithProviderArn = (key: string): boolean => PROVIDER_ARN_KEY.test(key);

/**
 * Explains a misspelled key of an OIDC provider, which no request has; returns undefined for any other key. Source: IAM
 * User Guide, "IAM and AWS STS condition context keys": a provider's keys begin with its name, the URL without
 * `https://`.
 */
export function misnamedKey(key: string): string | undefined {
  const [prefix, meant] = startsWithProviderArn(key)
    ? ['the ARN of an OIDC provider', PROVIDER_ARN_KEY.exec(key)?.[1]]
    : ['https://', URL_KEY.exec(key)?.[1]];
  return meant === undefined
    ? undefined
    : `no request has a key that begins with ${prefix}; write ${meant.replace(/\/(?=:[^:]*$)/, '')} instead`;
}

/**
 * Multivalued keys. Source: IAM User Guide, "AWS global condition context keys" and "IAM and AWS STS condition context
 * keys".
 */
const MULTIVALUED = new Set([
  'aws:calledvia',
  'aws:principalorgpaths',
  'aws:principalservicenameslist',
  'aws:resourceorgpaths',
  'aws:sourceorgpaths',
  'aws:tagkeys',
  'aws:vpceorgpaths',
  'saml:cn',
  'saml:eduorghomepageuri',
  'saml:eduorgidentityauthnpolicyuri',
  'saml:eduorglegalname',
  'saml:eduorgsuperioruri',
  'saml:eduorgwhitepagesuri',
  'saml:edupersonaffiliation',
  'saml:edupersonassurance',
  'saml:edupersonentitlement',
  'saml:edupersonnickname',
  'saml:edupersonorgunitdn',
  'saml:edupersonscopedaffiliation',
  'saml:edupersontargetedid',
  'sts:identitytokenaudience',
  'sts:requestcontextproviders',
  'sts:transitivetagkeys',
]);

/**
 * Returns whether a key, in any case, is multivalued, regardless of the number of values in a request. The claim `amr` is
 * multivalued for every provider.
 */
export const isMultivalued = (key: string): boolean => {
  const name = key.toLowerCase();
  return MULTIVALUED.has(name) || (name.endsWith(':amr') && providerOf(name) !== undefined);
};
