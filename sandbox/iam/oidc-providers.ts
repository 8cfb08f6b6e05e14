/** The operations that read an account's OIDC providers with their issuers and audiences. */
import type { RequiredPermission } from '../permission/permission.ts';
import type { OidcProviderState, World } from '../world/world.ts';
import { checkParameters, required } from './query-protocol.ts';
import type { QueryAction, QueryPermissions } from './query-service.ts';
import { ARN, noSuchEntity, timeOf } from './wire.ts';

const ARN_PARAMETER = 'OpenIDConnectProviderArn';

const providersOf = (world: World, account: string): ReadonlyMap<string, OidcProviderState> =>
  world.accounts.get(account)?.oidcProviders ?? new Map();

export const oidcProviderActions = (world: World): Record<string, QueryAction> => ({
  // The action has no pagination (API model); its order is not documented.
  ListOpenIDConnectProviders: (_parameters, { caller }) => ({
    OpenIDConnectProviderList: [...providersOf(world, caller.account).keys()].sort().map((arn) => ({ Arn: arn })),
  }),

  GetOpenIDConnectProvider: (parameters, { caller }) => {
    const arn = required(parameters, ARN_PARAMETER);
    checkParameters(parameters, { [ARN_PARAMETER]: ARN });
    const provider = providersOf(world, caller.account).get(arn);
    // Message: as in moto and other imitations of IAM.
    if (!provider) throw noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`);
    const tags = Object.entries(provider.tags).map(([key, value]) => ({ Key: key, Value: value }));
    return {
      Url: provider.url,
      ClientIDList: provider.clientIds,
      ThumbprintList: provider.thumbprints,
      CreateDate: timeOf(provider.createdAt),
      ...(tags.length > 0 ? { Tags: tags } : {}),
    };
  },
});

/** Returns the permissions of these actions. `prefixOf`: returns the prefix of IAM ARNs in the caller's account. */
export const oidcProviderPermissions = (
  world: World,
  prefixOf: (caller: Parameters<QueryPermissions>[1]['caller']) => string,
): Record<string, QueryPermissions> => ({
  // Errors name the resource `arn:aws:iam::111122223333:oidc-provider/*`, as reported by users.
  ListOpenIDConnectProviders: (_parameters, { caller }): RequiredPermission[] => [
    { action: 'iam:ListOpenIDConnectProviders', resource: `${prefixOf(caller)}oidc-provider/*` },
  ],
  // Errors name the provider's ARN: eksctl-io/eksctl#4251, terraform-aws-modules/terraform-aws-eks#728.
  GetOpenIDConnectProvider: (parameters, { caller }): RequiredPermission[] => {
    const arn = required(parameters, ARN_PARAMETER);
    const tags = providersOf(world, caller.account).get(arn)?.tags ?? {};
    const context = Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
    return [{ action: 'iam:GetOpenIDConnectProvider', resource: arn, context }];
  },
});
