/** The programs of a control plane: which package of which Go module each is, and where its build is stored. */
import { join } from 'node:path';

export const KUBERNETES_VERSIONS = ['1.35', '1.30'] as const;
export type KubernetesVersion = (typeof KUBERNETES_VERSIONS)[number];

export const isKubernetesVersion = (text: string): text is KubernetesVersion =>
  KUBERNETES_VERSIONS.some((version) => version === text);

const RELEASES: Record<KubernetesVersion, string> = { '1.35': '1.35.4', '1.30': '1.30.4' };
/** Returns the release of a version, such as v1.35.4. */
export const releaseOf = (version: KubernetesVersion): string => `v${RELEASES[version]}`;

export const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Holds everything that is built; git ignores it. */
export const BUILDS = join(ROOT, 'conformance', '.build');

export interface Program {
  name: string;
  /** The release whose program it is, without "v". */
  release: string;
  /** Directory of the `go.mod` that names the package as a tool and pins every module. */
  module: string;
  package: string;
  /** Variables of the program that the linker sets, so that it reports its release. */
  variables: Record<string, string>;
  /** Path of the built program. */
  path: string;
}

const program = (
  module: string,
  tool: string,
  release: string,
  name: string,
  packagePath: string,
  variables: Record<string, string>,
): Program => ({
  name,
  release,
  module: join(import.meta.dirname, '..', 'tools', module),
  package: packagePath,
  variables,
  path: join(BUILDS, `${tool}-${release}`, name),
});

const ofKubernetes = (version: KubernetesVersion, name: string): Program => {
  const release = RELEASES[version];
  const [major = '', minor = ''] = release.split('.');
  return program(`kubernetes-${version}`, 'kubernetes', release, name, `k8s.io/kubernetes/cmd/${name}`, {
    'k8s.io/component-base/version.gitVersion': `v${release}`,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
  });
};

export interface Programs {
  etcd: Program;
  apiServer: Program;
  controllerManager: Program;
  scheduler: Program;
  kwok: Program;
}

/** Returns the programs of a control plane of this version, the quickest to build first. */
export const programsOf = (version: KubernetesVersion): Programs => ({
  etcd: program('etcd', 'etcd', '3.6.13', 'etcd', 'go.etcd.io/etcd/server/v3', {}),
  kwok: program('kwok', 'kwok', '0.8.0', 'kwok', 'sigs.k8s.io/kwok/cmd/kwok', {
    'sigs.k8s.io/kwok/pkg/consts.Version': 'v0.8.0',
  }),
  scheduler: ofKubernetes(version, 'kube-scheduler'),
  controllerManager: ofKubernetes(version, 'kube-controller-manager'),
  apiServer: ofKubernetes(version, 'kube-apiserver'),
});
