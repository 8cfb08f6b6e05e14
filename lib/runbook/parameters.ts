/**
 * The runbook's parameters. Their allowed values come from the request's own schemas, so that Systems Manager refuses
 * at the start what `plan` would refuse later. Source: Systems Manager User Guide, "Data elements and parameters"
 * (documents-syntax-data-elements-parameters).
 */
import { Aws } from 'aws-cdk-lib';
import { z } from 'zod';
import {
  accountId,
  addonName,
  clusterName,
  namespaceName,
  reason,
  regionName,
  serviceAccountName,
} from '../../lambdas/domain/text/names.ts';
import {
  agentMode,
  annotationMode,
  maxDisruption,
  strategy,
  verificationMode,
} from '../../lambdas/domain/request/request.ts';
import { kindsOf } from '../../lambdas/domain/acceptance/kinds.ts';
import { ONE_LINE_PATTERN, PORTABLE_CONTROL } from '../../lambdas/domain/text/text.ts';
import { trustMode } from '../../lambdas/domain/terms/trust.ts';

export interface Parameter {
  /** Only text: CloudFormation converts all other values to text. */
  type: 'String';
  description: string;
  default?: string;
  allowedValues?: string[];
  allowedPattern?: string;
  maxChars?: number;
}

const described = z.object({
  pattern: z.string().optional(),
  maxLength: z.number().optional(),
  enum: z.array(z.string()).optional(),
});
/** Returns the rules of a zod schema that JSON Schema can express. */
const rulesOf = (schema: z.ZodType): z.infer<typeof described> =>
  described.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));

/** Returns a parameter for a name. It is optional if it has a default, and may be empty if the default is empty. */
function named(schema: z.ZodType, description: string, more: { default?: string } = {}): Parameter {
  const { pattern, maxLength } = rulesOf(schema);
  if (pattern === undefined) throw new Error(`The schema of the runbook's parameter "${description}" has no pattern.`);
  return {
    type: 'String',
    description,
    ...more,
    allowedPattern: more.default === '' ? `^$|${pattern}` : pattern,
    ...(maxLength === undefined ? {} : { maxChars: maxLength }),
  };
}

const chosen = (schema: z.ZodType, byDefault: string, description: string, others: string[] = []): Parameter => ({
  type: 'String',
  description,
  default: byDefault,
  allowedValues: [...others, ...(rulesOf(schema).enum ?? [])],
});

/**
 * With this value `MaxDisruption` is left out of the request, and `plan` uses what the strategy needs. An empty value
 * cannot be selected from a list.
 */
export const BY_STRATEGY = 'by-strategy';

export const PARAMETERS = {
  Cluster: named(clusterName, '(Required) Name of the EKS cluster.'),
  Addon: named(
    addonName,
    '(Optional) Name of the add-on to migrate, such as aws-ebs-csi-driver. Set either this, or Namespace and ServiceAccount.',
    { default: '' },
  ),
  Namespace: named(
    namespaceName,
    '(Optional) Namespace of the service account to migrate, if it belongs to no add-on.',
    { default: '' },
  ),
  ServiceAccount: named(
    serviceAccountName,
    '(Optional) Name of the service account to migrate, if it belongs to no add-on.',
    { default: '' },
  ),
  DryRun: {
    type: 'String',
    description: '(Optional) true: only plan, and change nothing. false: migrate.',
    default: 'true',
    allowedValues: ['true', 'false'],
  },
  Account: named(accountId, '(Optional) Account of the cluster. Default: the account of the service.', {
    default: Aws.ACCOUNT_ID,
  }),
  Region: named(regionName, '(Optional) Region of the cluster. Default: the region of the service.', {
    default: Aws.REGION,
  }),
  Strategy: chosen(
    strategy,
    'auto',
    '(Optional) How an add-on is migrated. auto: the least disruptive strategy that is possible. Only for add-ons.',
  ),
  MaxDisruption: chosen(
    maxDisruption,
    BY_STRATEGY,
    `(Optional) Maximum disruption. ${BY_STRATEGY}: rolling with strategy auto, otherwise what the strategy needs.`,
    [BY_STRATEGY],
  ),
  MaxDurationMinutes: {
    type: 'String',
    description: '(Optional) Maximum duration in minutes. A plan with a longer forecast is blocked. Default: one week.',
    default: '',
    allowedPattern: '^$|^[1-9][0-9]{0,4}$',
  },
  Trust: chosen(
    trustMode,
    'validate',
    '(Optional) What to do if a trust policy does not allow EKS Pod Identity. validate: block. repair: repair the policy.',
  ),
  Verification: chosen(
    verificationMode,
    'ready',
    '(Optional) Level of evidence to reach. ready: the pods have the credentials configuration, and stay ready. injected: the configuration alone. api: only what EKS reports.',
  ),
  Annotation: chosen(
    annotationMode,
    'keep',
    '(Optional) What to do with the IRSA annotation of a service account. Only for service accounts that belong to no add-on.',
  ),
  Agent: chosen(
    agentMode,
    'require',
    '(Optional) What to do if the cluster has no Pod Identity agent. require: block. install: install the agent first.',
  ),
  Accept: {
    type: 'String',
    description:
      '(Optional) What must not block the migration: entries KIND:NAME, as the remedies in the report of a dry run have them after --accept, with a space between them.',
    default: '',
    allowedPattern: `^((${kindsOf('add-on')
      .map(([kind]) => kind)
      .join('|')}):[^ ${PORTABLE_CONTROL}]+( |$))*$`,
    maxChars: 4096,
  },
  Reason: {
    type: 'String',
    description: '(Optional) Reason for the migration, in one line, for the record.',
    default: '',
    allowedPattern: ONE_LINE_PATTERN,
    maxChars: rulesOf(reason).maxLength ?? 0,
  },
} satisfies Record<string, Parameter>;
