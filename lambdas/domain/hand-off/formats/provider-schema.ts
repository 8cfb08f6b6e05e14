/**
 * What the documentation of terraform-provider-aws lists for the resources that a hand-off is about: names only, with
 * the version that introduced them where the provider's changelog names one.
 *
 * Source: website/docs of hashicorp/terraform-provider-aws (r/eks_addon, r/eks_pod_identity_association, r/iam_role,
 * d/iam_policy_document) and its CHANGELOG.md, up to the version below; for `policy`, pull request 48869.
 */

/** The newest version of the provider that this data describes. */
export const PROVIDER_VERSION = '6.57.1';
export const PROVIDER_SOURCE = 'hashicorp/aws';

export interface BlockSchema {
  /** Arguments that code can set. */
  attributes: readonly string[];
  blocks: Readonly<Record<string, BlockSchema>>;
}

const leaf = (...attributes: string[]): BlockSchema => ({ attributes, blocks: {} });

const STATEMENT: BlockSchema = {
  attributes: ['sid', 'effect', 'actions', 'not_actions', 'resources', 'not_resources'],
  blocks: {
    principals: leaf('type', 'identifiers'),
    not_principals: leaf('type', 'identifiers'),
    condition: leaf('test', 'variable', 'values'),
  },
};

/** By `resource` or `data`, then by type. */
export const PROVIDER_SCHEMA = {
  resource: {
    aws_eks_addon: {
      attributes: [
        'region',
        'cluster_name',
        'addon_name',
        'addon_version',
        'configuration_values',
        'preserve',
        'resolve_conflicts',
        'resolve_conflicts_on_create',
        'resolve_conflicts_on_update',
        'service_account_role_arn',
        'tags',
      ],
      blocks: {
        pod_identity_association: leaf('role_arn', 'service_account'),
        timeouts: leaf('create', 'update', 'delete'),
      },
    },
    aws_eks_pod_identity_association: leaf(
      'region',
      'cluster_name',
      'namespace',
      'service_account',
      'role_arn',
      'target_role_arn',
      'disable_session_tags',
      'policy',
      'tags',
    ),
    aws_iam_role: {
      attributes: [
        'assume_role_policy',
        'description',
        'force_detach_policies',
        'managed_policy_arns',
        'max_session_duration',
        'name',
        'name_prefix',
        'path',
        'permissions_boundary',
        'tags',
      ],
      blocks: { inline_policy: leaf('name', 'policy') },
    },
  },
  data: {
    aws_iam_policy_document: {
      attributes: [
        'override_json',
        'override_policy_documents',
        'policy_id',
        'source_json',
        'source_policy_documents',
        'version',
      ],
      blocks: { statement: STATEMENT },
    },
  },
} as const satisfies Record<'resource' | 'data', Record<string, BlockSchema>>;

/**
 * The first version of the provider that has a resource, or an argument of it. What is not in this table is older than
 * 5.0.0, except for `region`, which every resource has since 6.0.0.
 */
export const PROVIDER_SINCE = {
  'aws_eks_addon.pod_identity_association': '5.75.0',
  aws_eks_pod_identity_association: '5.29.0',
  'aws_eks_pod_identity_association.disable_session_tags': '6.2.0',
  'aws_eks_pod_identity_association.target_role_arn': '6.2.0',
  'aws_eks_pod_identity_association.policy': '6.57.1',
} as const;
export type ProviderFeature = keyof typeof PROVIDER_SINCE;

/** The first versions that read these blocks; `removed` with `lifecycle`. Source: changelogs of both. */
export const LANGUAGE_SINCE = {
  import: { terraform: '1.5', opentofu: '1.6' },
  removed: { terraform: '1.7', opentofu: '1.10' },
} as const;
