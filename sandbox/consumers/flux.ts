/**
 * Flux: objects with a service account for AWS (object-level workload identity). The controller issues a token for it,
 * and assumes the role in its annotation. Sources: fluxcd/pkg, auth/access_token.go and auth/aws/provider.go,
 * `NewTokenForServiceAccount`; fluxcd/source-controller, api/v1; fluxcd/image-reflector-controller, api/v1;
 * fluxcd/kustomize-controller, internal/decryptor/decryptor.go. A kubeConfig that a ConfigMap describes is not played,
 * since the sandbox has no ConfigMaps.
 */
import type { KubeObject } from '../objects/objects.ts';
import { customObjects, nameOf, type PlayedConsumer, type Stage, textAt, withAnnotatedRole } from './stage.ts';

const SOURCES = [
  ['source.toolkit.fluxcd.io', 'buckets'],
  ['source.toolkit.fluxcd.io', 'gitrepositories'],
  ['source.toolkit.fluxcd.io', 'ocirepositories'],
  ['image.toolkit.fluxcd.io', 'imagerepositories'],
] as const;

const played = (stage: Stage, object: KubeObject, name: string): PlayedConsumer => {
  const account = { namespace: object.metadata.namespace ?? 'default', name };
  const sessionName = `${name}.${account.namespace}.${stage.cluster.region}.fluxcd.io`.slice(0, 64);
  return { name: nameOf(object), serviceAccount: account, ...withAnnotatedRole(stage, account, { sessionName }) };
};

/** Returns the sources whose provider is AWS; for others, the service account has image pull secrets or another cloud's identity. */
const sources = (stage: Stage): PlayedConsumer[] =>
  SOURCES.flatMap(([group, plural]) =>
    customObjects(stage, group, plural).flatMap((object) => {
      const name = textAt(object.spec, 'serviceAccountName');
      return textAt(object.spec, 'provider') === 'aws' && name !== undefined ? [played(stage, object, name)] : [];
    }),
  );

/**
 * Returns the Kustomizations that decrypt with the identity of a service account. With which keys the files are encrypted
 * is not visible: those of AWS KMS are assumed.
 */
const decryptions = (stage: Stage): PlayedConsumer[] =>
  customObjects(stage, 'kustomize.toolkit.fluxcd.io', 'kustomizations').flatMap((object) => {
    const name = textAt(object.spec, 'decryption', 'serviceAccountName');
    return name === undefined ? [] : [played(stage, object, name)];
  });

export const playFlux = (stage: Stage): PlayedConsumer[] => [...sources(stage), ...decryptions(stage)];
