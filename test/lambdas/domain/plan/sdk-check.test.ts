import { describe, expect, it } from 'vitest';
import type { Container } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { AddonFacts, Facts, ServiceAccountFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { checkSdk } from '../../../../lambdas/domain/plan/sdk-check.ts';
import { planServiceAccount } from '../../../../lambdas/domain/plan/service-account.ts';
import {
  accountFacts,
  anAccountPod,
  anAccountRequest,
  anAccountWorkload,
  plannedAccount,
} from '../../account-fixtures.ts';
import { aContainer, anAddon, aPod, aRequest, aWorkload, planned, someFacts } from '../../fixtures.ts';
import { said, containing } from '../../matchers.ts';

const OLD = 'registry.k8s.io/external-dns/external-dns:v0.13.6';
const NEW = 'registry.k8s.io/external-dns/external-dns:v0.15.0';
const UNKNOWN = 'registry.example.com/payments/api:v3.1.0';
const SIDECAR = 'public.ecr.aws/csi-components/livenessprobe:v2.19.0-eksbuild.5';
const EBS = '602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/aws-ebs-csi-driver';

const containers = (images: string[]): Container[] =>
  images.map((image, position) => aContainer({ name: `c${position + 1}`, image }));
/** A service account whose pods and template have these images. */
const account = (images: string[], acceptedImages: string[] = [], change: Partial<ServiceAccountFacts> = {}) =>
  accountFacts({
    request: anAccountRequest({ accept: acceptedImages.map((name) => `image:${name}`) }),
    pods: [anAccountPod('irsa', { containers: containers(images) })],
    workloads: [anAccountWorkload({ containers: containers(images) })],
    ...change,
  });
/** One whose template has another image than its pods. */
const differing = (image: string, ofTemplate: string, acceptedImages: string[] = []): ServiceAccountFacts =>
  account([image], acceptedImages, { workloads: [anAccountWorkload({ containers: containers([ofTemplate]) })] });
/** The EBS CSI driver in a version, whose pods and template have these images. */
const addon = (version: string, images: string[], acceptedImages: string[] = []): AddonFacts =>
  someFacts({
    request: aRequest({ accept: acceptedImages.map((name) => `image:${name}`) }),
    addon: anAddon({ version }),
    pods: [aPod('irsa', { containers: containers(images) })],
    workloads: [aWorkload({ containers: containers(images) })],
  });
const checksOf = (facts: Facts): Check[] => checkSdk(facts, [facts.addon ? planned : plannedAccount]);
const only = (facts: Facts): Check => {
  const checks = checksOf(facts);
  expect(checks).toHaveLength(1);
  expect(checks[0]!.id).toBe('aws-sdk-version');
  return checks[0]!;
};

describe('an image that is too old', () => {
  it('blocks, with container, minimum, source and the option that accepts it', () => {
    const facts = account([OLD, UNKNOWN, SIDECAR]);
    expect(only(facts)).toEqual({
      id: 'aws-sdk-version',
      status: 'fail',
      message: `An image has an AWS SDK that is too old for EKS Pod Identity, so that its containers would find no credentials: ${OLD} in container c1 of Deployment api (ExternalDNS supports it from 0.14.1). Not known: ${UNKNOWN} is not in the table.`,
      remedy: `Upgrade ExternalDNS to 0.14.1 or later first, keeping IRSA. If the image supports EKS Pod Identity all the same, accept it (in a request: accept): --accept image:${OLD}`,
      source:
        'https://github.com/kubernetes-sigs/external-dns/blob/v0.14.1/go.mod: requires aws-sdk-go 1.51.1 (0.14.0: 1.44.311)',
    });
    expect(planServiceAccount(facts)).toMatchObject({ verdict: 'blocked' });
  });

  it('blocks until each such image is accepted by its exact name', () => {
    const argo = 'quay.io/argoproj/argocd:v2.10.1';
    const option = /: --accept image:quay\.io\/argoproj\/argocd:v2\.10\.1$/;
    expect(only(account([OLD, argo], [OLD]))).toMatchObject(said('fail', argo, option));
    const accepted = account([OLD, argo, NEW], [OLD, argo]);
    const check = only(accepted);
    expect(check).toMatchObject(
      said('warn', `accepts 2 images with an AWS SDK that is too old for EKS Pod Identity: ${OLD}, ${argo}.`),
    );
    expect(check.message).toContain('At or above the minimum: ExternalDNS v0.15.0 (0.14.1).');
    expect(planServiceAccount(accepted).verdict).toBe('migrate');
  });

  it('is not accepted by another tag of it, which is a warning of its own', () => {
    const [check, accepted, ...more] = checksOf(account([OLD], [NEW]));
    expect([check?.status, accepted?.id, accepted?.status, more]).toEqual(['fail', 'accepted-images', 'warn', []]);
    expect(accepted?.message).toBe(`The request accepts an image that no container has: ${NEW}.`);
    expect(accepted?.remedy).toContain(OLD);
    // The options of a whole cluster's plan are not about each service account.
    expect(checksOf({ ...account([OLD], [NEW]), oneOfMany: true }).map(({ id }) => id)).toEqual(['aws-sdk-version']);
  });

  it('has no upgrade where no version supports it', () => {
    const check = only(account(['peakcom/s5cmd:v2.3.0', OLD]));
    expect(check.message).toContain('s5cmd does not support it up to 2.3.0');
    expect(check.remedy).toContain('Upgrade ExternalDNS to 0.14.1 or later first, keeping IRSA. Keep IRSA for s5cmd.');
    expect(check.remedy).toMatch(
      /accept them \(in a request: accept\): --accept image:peakcom\/s5cmd:v2\.3\.0 --accept image:registry/,
    );
  });
});

describe('the other images', () => {
  it('at or above the minimum pass with what was compared', () =>
    expect(only(account([NEW, SIDECAR]))).toEqual({
      id: 'aws-sdk-version',
      status: 'pass',
      message: 'At or above the minimum: ExternalDNS v0.15.0 (0.14.1). One image calls no AWS API: CSI liveness probe.',
    }));

  it('that are unknown warn with what was looked at', () => {
    const digest = `quay.io/argoproj/argocd@sha256:${'a'.repeat(64)}`;
    expect(only(account([UNKNOWN, digest, NEW]))).toMatchObject({
      status: 'warn',
      message: `It is not known whether the AWS SDKs of 2 images support EKS Pod Identity: ${UNKNOWN} is not in the table; ${digest} has a digest without a tag. An SDK that is too old ignores what EKS injects, and finds no credentials. At or above the minimum: ExternalDNS v0.15.0 (0.14.1).`,
      remedy: containing('docs/sdk-versions.md'),
    });
    const other = UNKNOWN.replace('api', 'web');
    expect(only(account([UNKNOWN, other])).message).toContain(`: ${UNKNOWN}, ${other} are not in the table. `);
  });

  it('count once, from the pods and from a template that differs', () => {
    expect(only(differing(NEW, OLD)).message).toContain(`${OLD} in container c1 of Deployment api`);
    // A webhook that lets pods use a mirror does not make a second image.
    const mirror = 'mirror.example.com/k8s/external-dns:v0.13.6';
    const mirrored = only(differing(mirror, OLD, [mirror]));
    expect(mirrored.status).toBe('warn');
    expect(mirrored.message).not.toContain(OLD);
  });

  it('of containers that the webhook skips do not count', () => {
    const templateAnnotations = { 'eks.amazonaws.com/skip-containers': 'c1' };
    const both = { containers: containers([OLD, NEW]) };
    const pods = [anAccountPod('irsa', { ...both, annotations: templateAnnotations })];
    const workloads = [anAccountWorkload({ ...both, templateAnnotations })];
    expect(only(account([], [], { pods, workloads })).status).toBe('pass');
  });

  it('of a pod without a workload count', () => {
    const owner = { kind: 'Job', name: 'job' };
    const pods = [anAccountPod('irsa', { name: 'job-1', owner, containers: containers([OLD]) })];
    const { message } = only(account([], [], { pods, workloads: [] }));
    expect(message).toContain(`${OLD} in container c1 of Pod job-1`);
  });

  it('are few in a line, of many', () => {
    const many = Array.from({ length: 9 }, (_, position) => `registry.example.com/app${position}:v1`);
    expect(only(account(many)).message).toContain('app4:v1 and 4 more are not in the table.');
  });
});

describe('an EKS add-on', () => {
  it('passes by its own image', () =>
    expect(only(addon('v1.38.1-eksbuild.1', [`${EBS}:v1.38.1-eksbuild.1`, SIDECAR]))).toMatchObject({
      status: 'pass',
      message:
        'At or above the minimum: Amazon EBS CSI driver v1.38.1-eksbuild.1 (1.26.0). One image calls no AWS API: CSI liveness probe.',
    }));

  it('passes by its version where an image shows none', () => {
    const image = `${EBS}@sha256:${'a'.repeat(64)}`;
    expect(only(addon('v1.38.1-eksbuild.1', [image]))).toMatchObject({
      status: 'pass',
      message: `Version v1.38.1-eksbuild.1 of add-on aws-ebs-csi-driver is at or above v1.26.0-eksbuild.1, the minimum for EKS Pod Identity, which covers ${image}.`,
    });
  });

  it('blocks by its version where an image shows none, until the image is accepted', () => {
    const facts = addon('v1.25.0-eksbuild.1', [EBS]);
    expect(only(facts)).toMatchObject({
      status: 'fail',
      message: `Version v1.25.0-eksbuild.1 of add-on aws-ebs-csi-driver is below v1.26.0-eksbuild.1, the minimum for EKS Pod Identity, so that its containers would find no credentials: ${EBS}.`,
      source: containing('docs.aws.amazon.com'),
    });
    expect(planMigration(facts).verdict).toBe('blocked');
    expect(only(addon('v1.25.0-eksbuild.1', [EBS], [EBS])).status).toBe('warn');
  });

  it("is blocked by an image that the user has replaced, whatever the add-on's version", () =>
    expect(only(addon('v1.38.1-eksbuild.1', ['mirror.example.com/aws-ebs-csi-driver:v1.20.0']))).toMatchObject(
      said('fail', 'Amazon EBS CSI driver supports it from 1.26.0'),
    ));

  it('that the guide does not have passes by the associations that EKS offers for it', () => {
    const facts = someFacts({
      addon: anAddon({ name: 'aws-network-flow-monitoring-agent', version: 'v1.0.2-eksbuild.1' }),
      pods: [aPod('irsa', { containers: containers([UNKNOWN]) })],
      workloads: [],
    });
    expect(only(facts)).toMatchObject({
      status: 'pass',
      message: `EKS offers associations for version v1.0.2-eksbuild.1 of add-on aws-network-flow-monitoring-agent, which covers ${UNKNOWN}.`,
    });
  });
});

it('without pods that can be read an add-on passes by its version, and a service account is a warning', () => {
  const none = { pods: undefined, workloads: undefined };
  const passes = said('pass', /^Version .* is at or above .* Its images were not read\.$/);
  expect(only(someFacts(none))).toMatchObject(passes);
  const request = anAccountRequest({ verification: 'api', accept: [`image:${OLD}`] });
  const check = only(accountFacts({ ...none, request }));
  expect(check).toMatchObject(said('warn', 'since no container was read', 'docs/sdk-versions.md'));
});

it.each([
  ['the name without its registry', OLD.replace('registry.k8s.io/', '')],
  ['a registry with a port', OLD.replace('registry.k8s.io/', 'registry.k8s.io:443/')],
  ['the beginning of its name', OLD.slice(0, -1)],
  ['more than its name', `${OLD}-alpine`],
  ['its repository', OLD.replace(/:[^:]*$/, '')],
  ['another case', OLD.toUpperCase()],
  ['a digest in addition', `${OLD}@sha256:${'a'.repeat(64)}`],
  ['what could be a pattern', OLD.replace('v0.13.6', 'v0...6')],
])('an image that is accepted does not accept another one: %s', (_, name) => {
  const found = checksOf(account([OLD], [name])).map(({ id, status }) => `${id} ${status}`);
  expect(found).toEqual(['aws-sdk-version fail', 'accepted-images warn']);
  expect(only(account([OLD], [OLD])).status).toBe('warn');
});

it('images with hostile names make no text long, and are no part of a command', () => {
  const long = `external-dns/${'x'.repeat(100_000)}/external-dns/external-dns:v0.13.6`;
  const odd = '"; rm -rf / #\u001b[2J\u202e:v0.13.6';
  const many = Array.from({ length: 3000 }, (_, index) => `r${index}.example.com/external-dns/external-dns:v0.13.6`);
  for (const images of [[long], [odd], many, [long, odd, ...many]]) {
    const { message, remedy = '', source = '' } = only(account(images));
    expect(message.length + remedy.length + source.length).toBeLessThan(20_000);
    expect(remedy).not.toContain('rm -rf');
    // eslint-disable-next-line no-control-regex
    expect(`${message}${remedy}`).not.toMatch(/[\u001b\u202e]/);
  }
  const { status, remedy } = only(account([long]));
  expect([status, remedy?.includes('--accept')]).toEqual(['fail', false]);
});
