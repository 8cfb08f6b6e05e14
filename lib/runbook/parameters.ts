/**
 * The runbook's parameters. What each may be is what the request's own schemas say, so that Systems Manager refuses at
 * the start what `plan` would refuse later.
 * Source: Systems Manager User Guide, "Data elements and parameters" (documents-syntax-data-elements-parameters).
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
} from '../../lambdas/domain/migration/request.ts';
import { ONE_LINE_PATTERN } from '../../lambdas/domain/text/text.ts';
import { trustMode } from '../../lambdas/domain/trust/model.ts';

export interface Parameter {
  /** Text alone: CloudFormation makes text of what is none. */
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
/** What JSON Schema can say of a zod schema. */
const rulesOf = (schema: z.ZodType): z.infer<typeof described> =>
  described.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));

/** A name; one with a default may be left out, and one whose default is empty may be empty too. */
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
 * `MaxDisruption` is left out of the request then: `plan` takes what the strategy needs. An empty value would be no
 * choice in a list.
 */
export const BY_STRATEGY = 'by-strategy';

export const PARAMETERS = {
  Cluster: named(clusterName, '(Required) Name of the EKS cluster.'),
  Addon: named(
    addonName,
    '(Optional) Name of the add-on that migrates, such as aws-ebs-csi-driver. Either this, or Namespace and ServiceAccount.',
    { default: '' },
  ),
  Namespace: named(namespaceName, "(Optional) Namespace of a service account that is no add-on's.", { default: '' }),
  ServiceAccount: named(serviceAccountName, '(Optional) Name of that service account.', { default: '' }),
  DryRun: {
    type: 'String',
    description: '(Optional) true, the default: only plans, and changes nothing. false: migrates.',
    default: 'true',
    allowedValues: ['true', 'false'],
  },
  Account: named(accountId, "(Optional) The cluster's account. Default: the one that the service is deployed in.", {
    default: Aws.ACCOUNT_ID,
  }),
  Region: named(regionName, "(Optional) The cluster's region. Default: the one that the service is deployed in.", {
    default: Aws.REGION,
  }),
  Strategy: chosen(
    strategy,
    'auto',
    '(Optional) How an add-on is moved. auto: the least disturbing way that is possible. Of add-ons alone.',
  ),
  MaxDisruption: chosen(
    maxDisruption,
    BY_STRATEGY,
    `(Optional) How far it may go. ${BY_STRATEGY}: rolling with auto, otherwise what the strategy takes.`,
    [BY_STRATEGY],
  ),
  MaxDurationMinutes: {
    type: 'String',
    description: '(Optional) Minutes: a plan whose forecast is longer is blocked. Empty: a week.',
    default: '',
    allowedPattern: '^$|^[1-9][0-9]{0,4}$',
  },
  Trust: chosen(
    trustMode,
    'validate',
    '(Optional) What becomes of a trust policy that does not let EKS Pod Identity in: it blocks, or is repaired.',
  ),
  Verification: chosen(
    verificationMode,
    'injected',
    '(Optional) injected: verified on the pods. api: by what EKS says alone.',
  ),
  Annotation: chosen(
    annotationMode,
    'keep',
    "(Optional) What becomes of a service account's IRSA annotation. Of service accounts alone that are no add-on's.",
  ),
  Agent: chosen(
    agentMode,
    'require',
    '(Optional) What becomes of a cluster without the Pod Identity agent: it blocks, or the agent is installed first.',
  ),
  Reason: {
    type: 'String',
    description: '(Optional) Why, in one line, for the record.',
    default: '',
    allowedPattern: ONE_LINE_PATTERN,
    maxChars: rulesOf(reason).maxLength ?? 0,
  },
} satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;
