import { describe, expect, it } from 'vitest';
import { anObject, linesOf } from './cluster.ts';

const ROLE_ARN = 'arn:aws:iam::111122223333:role/dns';

describe('cert-manager', () => {
  const ISSUERS = 'issuers.cert-manager.io';
  const CLUSTER_ISSUERS = 'clusterissuers.cert-manager.io';
  const solver = (route53: unknown): unknown => ({ dns01: { route53 } });
  const acme = (...solvers: unknown[]): unknown => ({ acme: { solvers } });
  const kubernetes = { serviceAccountRef: { name: 'dns' } };

  it('uses the service account of a Route 53 solver, with the role that it names', () => {
    const objects = {
      [ISSUERS]: [
        anObject(
          'shop/le',
          acme({ http01: {} }, solver({ region: 'eu-west-1' }), solver({ role: ROLE_ARN, auth: { kubernetes } })),
        ),
      ],
      [CLUSTER_ISSUERS]: [anObject('le', acme(solver({ role: ROLE_ARN, auth: { kubernetes } })))],
    };
    expect(linesOf({ objects })).toEqual([
      // The cluster resource namespace is a flag of cert-manager.
      `ClusterIssuer/le uses */dns: trust ${ROLE_ARN}`,
      `Issuer/shop/le uses shop/dns: trust ${ROLE_ARN}`,
    ]);
  });

  it('uses the service account of the AWS authentication of Vault', () => {
    const aws = { role: 'vault-role', serviceAccountRef: { name: 'pki' }, iamRoleArn: ROLE_ARN };
    const objects = { [ISSUERS]: [anObject('shop/pki', { vault: { auth: { aws } } })] };
    expect(linesOf({ objects })).toEqual([`Issuer/shop/pki uses shop/pki: trust ${ROLE_ARN}`]);
  });

  it('uses none with the identity of its pods, with keys, with other providers, and for the Kubernetes authentication of Vault', () => {
    const objects = {
      [ISSUERS]: [
        anObject('shop/ambient', acme(solver({ region: 'eu-west-1', role: ROLE_ARN }))),
        anObject('shop/keys', acme(solver({ accessKeyID: 'AKIA', secretAccessKeySecretRef: { name: 'aws' } }))),
        anObject('shop/azure', acme({ dns01: { azureDNS: { managedIdentity: {} } } })),
        anObject('shop/vault', { vault: { auth: { kubernetes: { role: 'a', serviceAccountRef: { name: 'dns' } } } } }),
        anObject('shop/vault-own', { vault: { auth: { aws: { role: 'a' } } } }),
        anObject('shop/self', { selfSigned: {} }),
      ],
    };
    expect(linesOf({ objects })).toEqual([]);
  });
});

describe('Vault Secrets Operator', () => {
  const AUTHS = 'vaultauths.secrets.hashicorp.com';
  const aws = { role: 'shop', irsaServiceAccount: 'api' };

  it('uses the service account of a VaultAuth in its namespace, and in those that may use it', () => {
    const objects = {
      [AUTHS]: [
        anObject('shop/own', { method: 'aws', aws }),
        anObject('shop/shared', { method: 'aws', aws, allowedNamespaces: ['bank'] }),
        anObject('shop/wide', { method: 'aws', aws, allowedNamespaces: ['bank', '*'] }),
      ],
      'vaultauthglobals.secrets.hashicorp.com': [anObject('vault/all', { aws })],
    };
    expect(linesOf({ objects })).toEqual([
      'VaultAuth/shop/own uses shop/api: annotation, trust',
      'VaultAuth/shop/shared uses bank/api: annotation, trust',
      'VaultAuth/shop/shared uses shop/api: annotation, trust',
      'VaultAuth/shop/wide uses */api: annotation, trust',
      'VaultAuthGlobal/vault/all uses */api: annotation, trust',
    ]);
  });

  it('uses none with a Secret, with its own pods, and with the service account of another method', () => {
    const objects = {
      [AUTHS]: [
        anObject('shop/secret', { method: 'aws', aws: { role: 'shop', secretRef: 'aws' } }),
        anObject('shop/own', { method: 'aws', aws: { role: 'shop' } }),
        anObject('shop/kubernetes', { method: 'kubernetes', kubernetes: { serviceAccount: 'api' } }),
      ],
    };
    expect(linesOf({ objects })).toEqual([]);
  });
});

describe('Flux', () => {
  const SOURCES = [
    ['GitRepository', 'gitrepositories.source.toolkit.fluxcd.io'],
    ['OCIRepository', 'ocirepositories.source.toolkit.fluxcd.io'],
    ['Bucket', 'buckets.source.toolkit.fluxcd.io'],
    ['ImageRepository', 'imagerepositories.image.toolkit.fluxcd.io'],
  ] as const;

  it.each(SOURCES)('%s uses its service account with provider aws only', (kind, resource) => {
    const objects = {
      [resource]: [
        anObject('flux/aws', { provider: 'aws', serviceAccountName: 'pull' }),
        anObject('flux/own', { provider: 'aws' }),
        // The service account has image pull secrets here, and no AWS role.
        anObject('flux/generic', { serviceAccountName: 'pull' }),
        anObject('flux/azure', { provider: 'azure', serviceAccountName: 'pull' }),
      ],
    };
    expect(linesOf({ objects })).toEqual([`${kind}/flux/aws uses flux/pull: annotation, trust`]);
  });

  it('Kustomization uses that of its decryption, and not the one that it impersonates', () => {
    const objects = {
      'kustomizations.kustomize.toolkit.fluxcd.io': [
        anObject('flux/kms', { decryption: { provider: 'sops', serviceAccountName: 'kms' } }),
        anObject('flux/own', { decryption: { provider: 'sops' }, serviceAccountName: 'deployer' }),
      ],
    };
    expect(linesOf({ objects })).toEqual(['Kustomization/flux/kms uses flux/kms: annotation, trust']);
  });

  it.each([
    ['Kustomization', 'kustomizations.kustomize.toolkit.fluxcd.io'],
    ['HelmRelease', 'helmreleases.helm.toolkit.fluxcd.io'],
  ])('%s may use any of its namespace for a remote cluster by a ConfigMap', (kind, resource) => {
    const objects = {
      [resource]: [
        anObject('flux/remote', { kubeConfig: { configMapRef: { name: 'remote' } } }),
        anObject('flux/secret', { kubeConfig: { secretRef: { name: 'remote' } } }),
      ],
    };
    expect(linesOf({ objects })).toEqual([`${kind}/flux/remote uses flux/*: annotation, trust`]);
  });

  it('ResourceSetInputProvider of Flux Operator uses its service account for tags in ECR only', () => {
    const objects = {
      'resourcesetinputproviders.fluxcd.controlplane.io': [
        anObject('flux/ecr', { type: 'ECRArtifactTag', serviceAccountName: 'pull' }),
        anObject('flux/own', { type: 'ECRArtifactTag' }),
        // The service account has image pull secrets here, and no AWS role.
        anObject('flux/oci', { type: 'OCIArtifactTag', serviceAccountName: 'pull' }),
        anObject('flux/azure', { type: 'AzureDevOpsTag', serviceAccountName: 'pull' }),
      ],
    };
    expect(linesOf({ objects })).toEqual(['ResourceSetInputProvider/flux/ecr uses flux/pull: annotation, trust']);
  });
});
