/** The OIDC providers in an account's IAM, in addition to those for its clusters' issuers. */
import { z } from 'zod';
import { tags, timestamp } from './scenario-cluster.ts';

/** IAM API reference, CreateOpenIDConnectProvider: lengths, and maximum numbers of client ids and thumbprints. */
export const oidcProvider = z
  .strictObject({
    url: z
      .string()
      .max(255)
      .regex(/^https:\/\/[^\s?#]+$/, 'must be a URL such as https://token.actions.githubusercontent.com')
      .describe('URL of the issuer, https.'),
    clientIds: z
      .array(z.string().min(1).max(255))
      .max(100)
      .default(['sts.amazonaws.com'])
      .describe('Client ids, which are the audiences.'),
    thumbprints: z
      .array(z.string().regex(/^[0-9a-f]{40}$/, 'must be 40 lower-case hexadecimal digits'))
      .max(5)
      .default([])
      .describe('Thumbprints of its certificates; nothing in the sandbox checks them.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp.default('2024-01-01T00:00:00.000Z').describe('When it was created.'),
  })
  .meta({
    id: 'OidcProvider',
    description:
      'An OIDC provider in IAM. Those for the issuers of clusters exist automatically: see `oidcProvider` of the cluster.',
  });

export const clusterOidcProvider = z
  .enum(['exists', 'absent'])
  .default('exists')
  .describe(
    "Whether IAM in the cluster's account has an OIDC provider for its issuer (`oidcId`): IRSA requires one, and eksctl looks it up.",
  );
