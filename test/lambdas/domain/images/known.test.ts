import { describe, expect, it } from 'vitest';
import { ADDON_VERSIONS } from '../../../../lambdas/domain/images/eks.ts';
import {
  isAddonSupported,
  judgeImage,
  KNOWN_IMAGES,
  knownImage,
  matches,
} from '../../../../lambdas/domain/images/known.ts';
import { parseImage } from '../../../../lambdas/domain/images/reference.ts';
import { readVersion } from '../../../../lambdas/domain/images/version.ts';
import { knownAddon } from '../../../../lambdas/domain/addons/registry.ts';
import { loadCatalogue } from '../../../../sandbox/catalog/index.ts';
import { ofVersion } from '../../../../sandbox/catalog/build.ts';
import { matching } from '../../matchers.ts';

const PATTERNS = KNOWN_IMAGES.flatMap(({ component, repositories }) =>
  repositories.map((pattern) => ({ component, pattern })),
);

describe('the table of images', () => {
  it('has at least 40 components whose version counts', () => {
    expect(KNOWN_IMAGES.filter(({ support }) => support.kind !== 'no-calls').length).toBeGreaterThanOrEqual(40);
    expect(new Set(KNOWN_IMAGES.map(({ component }) => component)).size).toBe(KNOWN_IMAGES.length);
  });

  it.each(KNOWN_IMAGES)(
    '$component has a source that can be opened, and readable versions',
    ({ source, support, repositories }) => {
      expect([new URL(source.url).protocol, source.says]).toEqual(['https:', matching(/\w{3}/)]);
      expect(repositories.length).toBeGreaterThan(0);
      const versions =
        support.kind === 'from'
          ? [support.minimum, ...(support.backports ?? [])]
          : support.kind === 'never'
            ? [support.through]
            : [];
      for (const version of versions) expect(readVersion(version)?.numbers).toHaveLength(3);
    },
  );

  it.each(PATTERNS)('$pattern is a path, and no other pattern matches it', ({ pattern }) => {
    const path = pattern.replace('*', 'x');
    expect(parseImage(`quay.io/${path}`)?.path).toBe(path);
    expect(PATTERNS.filter((one) => matches(one.pattern, path)).map((one) => one.pattern)).toEqual([pattern]);
  });

  it('has for each EKS add-on in it a version and a name that the registry knows', () => {
    for (const { addon, minimum, source } of ADDON_VERSIONS) {
      expect(knownAddon(addon)?.needsIam).toBe(true);
      expect(readVersion(minimum)?.numbers).toHaveLength(3);
      expect(source.url).toContain('docs.aws.amazon.com');
    }
  });
});

describe('an image', () => {
  it.each<[string, ReturnType<typeof judgeImage>['verdict']]>([
    ['602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/aws-ebs-csi-driver:v1.26.0-eksbuild.1', 'supported'],
    ['public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.25.0', 'too-old'],
    ['mirror.example.com:5000/k8s/external-dns/external-dns:v0.14.0', 'too-old'],
    ['docker.io/bitnami/external-dns:0.14.1-debian-12-r3', 'supported'],
    [`registry.k8s.io/external-dns/external-dns:v0.14.0@sha256:${'a'.repeat(64)}`, 'too-old'],
    ['registry:2.8.3', 'too-old'],
    ['ghcr.io/external-secrets/external-secrets:v0.8.10', 'supported'],
    ['ghcr.io/external-secrets/external-secrets:v0.8.9', 'too-old'],
    ['ghcr.io/external-secrets/external-secrets:v0.9.9', 'too-old'],
    ['registry.k8s.io/autoscaling/cluster-autoscaler:v1.26.6', 'too-old'],
    ['registry.k8s.io/autoscaling/cluster-autoscaler:v1.26.8', 'supported'],
    ['registry.k8s.io/autoscaling/cluster-autoscaler:v1.28.2', 'too-old'],
    ['peakcom/s5cmd:v2.2.2', 'too-old'],
    ['xpkg.upbound.io/upbound/provider-aws-s3:v1.12.0', 'supported'],
    ['registry.k8s.io/sig-storage/csi-provisioner:v4.0.0', 'no-calls'],
    ['public.ecr.aws/eks-distro/kubernetes-csi/node-driver-registrar', 'no-calls'],
  ])('%s: %s', (image, verdict) => expect(judgeImage(image)).toMatchObject({ verdict }));

  it.each([
    ['registry.example.com/payments/api:v3.1.0', 'is not in the table'],
    ['quay.io/argoproj/argocd', 'has no tag'],
    [`quay.io/argoproj/argocd@sha256:${'a'.repeat(64)}`, 'has a digest without a tag'],
    ['quay.io/argoproj/argocd:latest', 'has tag latest, which is no version'],
    ['quay.io/argoproj/argocd:v2.10', 'has tag v2.10, which moves between versions'],
    ['peakcom/s5cmd:v2.4.0', 'has tag v2.4.0, which is newer than the table'],
    ['No Image', 'is no reference to an image'],
  ])('%s is unknown: it %s', (image, why) => expect(judgeImage(image)).toMatchObject({ verdict: 'unknown', why }));

  it('of a repository whose last component only resembles a known one is not known', () => {
    for (const path of ['my-external-dns', 'external-dns/webhook', 'velero', 'controller', 'argocd', 'a/provider-awsx'])
      expect(knownImage(path)).toBeUndefined();
  });
});

describe('the catalogue of the sandbox', () => {
  const versions = [...loadCatalogue().values()].flatMap(({ name, objects, versions: all, irsaServiceAccounts }) =>
    all.map(({ version, podIdentity }) => ({
      name,
      version,
      supports: (podIdentity ?? []).length > 0,
      images: ofVersion(objects, version)
        .workloads.filter(({ serviceAccount }) => irsaServiceAccounts.includes(serviceAccount))
        .flatMap(({ containers }) => containers.map(({ image }) => image)),
    })),
  );

  it.each(versions)('$name $version agrees with the table', ({ name, version, supports, images }) => {
    const verdicts = images.map((image) => judgeImage(image).verdict);
    const byGuide = isAddonSupported(name, version);
    expect(supports && verdicts.includes('too-old')).toBe(false);
    expect([undefined, supports]).toContain(byGuide);
    for (const image of images) expect(parseImage(image)?.tag).toBeDefined();
  });
});
