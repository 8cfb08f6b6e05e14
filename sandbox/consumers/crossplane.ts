/**
 * Crossplane: ProviderConfigs whose credentials come from the web identity of the pods of the AWS providers. Sources:
 * crossplane-contrib/provider-upjet-aws, internal/clients/provider_config.go and creds_cache.go: `IRSA` uses the SDK's
 * default chain in the pod, but fails without the file of AWS_WEB_IDENTITY_TOKEN_FILE (`hashTokenFile`); `WebIdentity` uses
 * the token in that file, or at the path of `tokenConfig`; `PodIdentity` uses no web identity. A token in a Secret, and
 * Upbound's own, are not tokens of a service account of the cluster. crossplane-contrib/provider-aws,
 * pkg/utils/connect/aws/config.go: `InjectedIdentity` with `assumeRoleWithWebIdentity`.
 */
import type { Container, KubeObject, Pod } from '../objects/objects.ts';
import { environmentOf, tokenAt } from '../credentials/container-files.ts';
import { containerSourcesOf } from '../credentials/sources.ts';
import {
  accountOf,
  askedBy,
  at,
  customObjects,
  nameOf,
  type Outcome,
  type PlayedConsumer,
  podsIn,
  type Stage,
  textAt,
  together,
  withWebIdentity,
} from './stage.ts';

const CONFIGS = [
  ['aws.upbound.io', 'providerconfigs'],
  ['aws.m.upbound.io', 'providerconfigs'],
  ['aws.m.upbound.io', 'clusterproviderconfigs'],
  ['aws.crossplane.io', 'providerconfigs'],
] as const;

/** Crossplane labels the pods of a provider with the name of its package. */
const PROVIDER_LABEL = 'pkg.crossplane.io/provider';

const isOfAws = ({ metadata }: Pod): boolean => /\baws\b/.test(metadata.labels?.[PROVIDER_LABEL] ?? '');

/** Returns what the default chain of the pod's SDK gets. */
const byChain = (stage: Stage, pod: Pod): Outcome =>
  together(
    containerSourcesOf(stage.cluster.kube, pod)
      .filter(({ isInit }) => !isInit)
      .map((source) => askedBy(stage, pod, source)),
  );

/** Returns what STS answers for the token in a file of the pod. */
const byFile = (stage: Stage, pod: Pod, container: Container, file: string, role: string | undefined): Outcome => {
  const audiences = file === '' ? undefined : tokenAt(pod, container, file);
  if (!audiences) return { works: false, why: `open ${file === '' ? 'the token' : file}: no such file` };
  if (role === undefined) return { works: false, why: 'roleARN is required' };
  return withWebIdentity(stage, accountOf(pod), { role, audiences, sessionName: 'crossplane' });
};

/** Returns the file that the environment of the provider names; empty if it names none. */
const fileOf = (container: Container): string => environmentOf(container).get('AWS_WEB_IDENTITY_TOKEN_FILE') ?? '';

/** Returns the outcome for one provider pod; undefined if the config uses no web identity of the pod. */
const outcomeOf = (stage: Stage, pod: Pod, { apiVersion, spec }: KubeObject): Outcome | undefined => {
  const [container] = pod.spec.containers;
  if (!container) return undefined;
  const source = textAt(spec, 'credentials', 'source');
  if (apiVersion.startsWith('aws.crossplane.io/')) {
    const isByRole = textAt(spec, 'assumeRoleARN') !== undefined || at(spec, 'assumeRole') !== undefined;
    const role = isByRole ? undefined : textAt(spec, 'assumeRoleWithWebIdentity', 'roleARN');
    return source === 'InjectedIdentity' && role !== undefined
      ? byFile(stage, pod, container, fileOf(container), role)
      : undefined;
  }
  if (source === 'IRSA')
    return tokenAt(pod, container, fileOf(container) || '/')
      ? byChain(stage, pod)
      : { works: false, why: 'cannot calculate the hash for the credentials file: token file name cannot be empty' };
  if (source !== 'WebIdentity') return undefined;
  const role = textAt(spec, 'credentials', 'webIdentity', 'roleARN');
  const from = textAt(spec, 'credentials', 'webIdentity', 'tokenConfig', 'source');
  if (from === undefined) return byFile(stage, pod, container, fileOf(container), role);
  const path = textAt(spec, 'credentials', 'webIdentity', 'tokenConfig', 'fs', 'path');
  return from === 'Filesystem' ? byFile(stage, pod, container, path ?? '', role) : undefined;
};

export const playCrossplane = (stage: Stage): PlayedConsumer[] => {
  const byAccount = Map.groupBy(podsIn(stage).filter(isOfAws), (pod) => Object.values(accountOf(pod)).join('/'));
  return CONFIGS.flatMap(([group, plural]) =>
    customObjects(stage, group, plural).flatMap((object) =>
      [...byAccount.values()].flatMap((pods): PlayedConsumer[] => {
        const outcomes = pods.flatMap((pod) => outcomeOf(stage, pod, object) ?? []);
        const [first] = pods;
        return first && outcomes.length > 0
          ? [{ name: nameOf(object), serviceAccount: accountOf(first), ...together(outcomes) }]
          : [];
      }),
    ),
  );
};
