/**
 * Finds the provider configurations by which Crossplane's providers for AWS insist on the environment of IRSA in their own
 * pods. They fail as soon as these pods have EKS Pod Identity.
 */
import type { ServiceAccountRef } from '../terms/subject.ts';
import type { Consumer } from './model.ts';
import { accountsOf, type ConsumerRule, consumerBy, type Detector, fieldAt, type Seen, textAt } from './seen.ts';

/** The label of the pods of a provider, with the name of its package, such as `provider-aws-s3`. Source: github.com/crossplane/crossplane, apis/pkg/v1/interfaces.go, LabelProvider. */
const PROVIDER_LABEL = 'pkg.crossplane.io/provider';

const UPJET = 'github.com/crossplane-contrib/provider-upjet-aws';
const IRSA_SOURCE = `${UPJET}, internal/clients/creds_cache.go: with the source IRSA, it reads the file that AWS_WEB_IDENTITY_TOKEN_FILE names; the source PodIdentity exists since 1.12.0`;
const WEB_SOURCE = `${UPJET}, internal/clients/provider_config.go, UseWebIdentityToken: reads the file that AWS_WEB_IDENTITY_TOKEN_FILE names, unless tokenConfig names another`;
const CLASSIC_SOURCE =
  'github.com/crossplane-contrib/provider-aws, pkg/utils/connect/aws/config.go, UsePodServiceAccountAssumeRoleWithWebIdentity: reads the token file of IRSA';

const UPJET_KINDS = [
  ['ProviderConfig', 'providerconfigs.aws.upbound.io'],
  ['ProviderConfig', 'providerconfigs.aws.m.upbound.io'],
  ['ClusterProviderConfig', 'clusterproviderconfigs.aws.m.upbound.io'],
] as const;
/** With its group, since both groups have cluster-scoped ProviderConfigs, most of which are named `default`. */
const CLASSIC_KIND = ['ProviderConfig.aws.crossplane.io', 'providerconfigs.aws.crossplane.io'] as const;
type Kind = (typeof UPJET_KINDS)[number] | typeof CLASSIC_KIND;

interface CrossplaneRule extends ConsumerRule {
  applies: (spec: unknown) => boolean;
  role: (spec: unknown) => string | undefined;
}

const rule = ([kind, resource]: Kind, of: Omit<CrossplaneRule, 'product' | 'resource' | 'kind'>): CrossplaneRule => ({
  product: 'Crossplane',
  resource,
  kind,
  ...of,
});

const sourceOf = (spec: unknown): string | undefined => textAt(spec, 'credentials', 'source');
const WHOSE = ": the service accounts of the providers' pods";

const irsa = (kind: Kind): CrossplaneRule =>
  rule(kind, {
    field: `\`spec.credentials.source: IRSA\`${WHOSE}`,
    needs: ['pods'],
    how: 'makes the provider read the IRSA token of its own pods (credentials.source: IRSA)',
    instead:
      'Create a ProviderConfig with credentials.source: PodIdentity (provider 1.12.0 or later), change to it as soon as the pods have EKS Pod Identity, and accept this one: until then, the provider reports errors and changes nothing.',
    source: IRSA_SOURCE,
    applies: (spec) => sourceOf(spec) === 'IRSA',
    role: () => undefined,
  });

const tokenSourceOf = (spec: unknown): unknown => fieldAt(spec, 'credentials', 'webIdentity', 'tokenConfig');

const webIdentity = (kind: Kind): CrossplaneRule =>
  rule(kind, {
    field: `\`spec.credentials.source: WebIdentity\` without \`webIdentity.tokenConfig\`${WHOSE}`,
    needs: ['pods', 'trust'],
    how: 'makes the provider read the IRSA token of its own pods (credentials.source: WebIdentity)',
    instead:
      'Use credentials.source: PodIdentity (provider 1.12.0 or later) with the role of webIdentity.roleARN in assumeRoleChain, or in the association.',
    source: WEB_SOURCE,
    applies: (spec) => sourceOf(spec) === 'WebIdentity' && tokenSourceOf(spec) === undefined,
    role: (spec) => textAt(spec, 'credentials', 'webIdentity', 'roleARN'),
  });

const ownToken = (kind: Kind): CrossplaneRule =>
  rule(kind, {
    field: `\`spec.credentials.source: WebIdentity\` with \`webIdentity.tokenConfig\`${WHOSE}, whose token it may be`,
    needs: ['trust'],
    how: 'makes the provider use a token of its choice (webIdentity.tokenConfig)',
    instead:
      "If the token is one of this cluster's service account: use credentials.source: PodIdentity (provider 1.12.0 or later) with the role of webIdentity.roleARN in assumeRoleChain, or in the association.",
    source: WEB_SOURCE,
    applies: (spec) => sourceOf(spec) === 'WebIdentity' && tokenSourceOf(spec) !== undefined,
    role: (spec) => textAt(spec, 'credentials', 'webIdentity', 'roleARN'),
  });

const classic = (kind: Kind): CrossplaneRule =>
  rule(kind, {
    field: `\`spec.credentials.source: InjectedIdentity\` with \`spec.assumeRoleWithWebIdentity\`${WHOSE}`,
    needs: ['pods', 'trust'],
    how: 'makes the provider read the IRSA token of its own pods (assumeRoleWithWebIdentity)',
    instead:
      'Use spec.assumeRole with that role instead of assumeRoleWithWebIdentity, and let the role trust the role of the association (sts:AssumeRole and sts:TagSession).',
    source: CLASSIC_SOURCE,
    applies: (spec) =>
      sourceOf(spec) === 'InjectedIdentity' &&
      // assumeRole and assumeRoleARN come first.
      fieldAt(spec, 'assumeRole') === undefined &&
      fieldAt(spec, 'assumeRoleARN') === undefined &&
      fieldAt(spec, 'assumeRoleWithWebIdentity', 'roleARN') !== undefined,
    role: (spec) => textAt(spec, 'assumeRoleWithWebIdentity', 'roleARN'),
  });

const RULES: readonly CrossplaneRule[] = [
  ...UPJET_KINDS.flatMap((kind) => [irsa(kind), webIdentity(kind), ownToken(kind)]),
  classic(CLASSIC_KIND),
];

/** Returns the service accounts of the providers for AWS, by their pods, and by their workloads if they have no pods now. */
const providersOf = ({ pods, workloads }: Seen): ServiceAccountRef[] =>
  accountsOf([...pods, ...workloads].filter(({ labels }) => (labels[PROVIDER_LABEL] ?? '').includes('aws')));

function consumersBy(
  seen: Seen,
  { applies, role, ...found }: CrossplaneRule,
  accounts: readonly ServiceAccountRef[],
): Consumer[] {
  return seen.objects(found.resource).flatMap((one) => {
    const spec = fieldAt(one.object, 'spec');
    if (!applies(spec)) return [];
    const roleArn = role(spec);
    return accounts.map((serviceAccount) =>
      consumerBy(found, one, { serviceAccount, ...(roleArn === undefined ? {} : { roleArn }) }),
    );
  });
}

export const CROSSPLANE: Detector = {
  rules: RULES,
  find: (seen) => {
    const accounts = providersOf(seen);
    return RULES.flatMap((each) => consumersBy(seen, each, accounts));
  },
};
