/** Differences between the SDKs and how pods are read that are accepted, each with its reason. */
import type { Reason } from '../reasons.ts';

export const REASONS: readonly Reason[] = [
  {
    where: /AWS_ACCESS_KEY(?:_ID)? \(optional Secret\)/,
    what: /^container called (?:agent|irsa|node-role), where .*AWS_ACCESS_KEY(?:_ID)?: AKIAHIDDEN/,
    reason:
      'An access key from an optional Secret is a note of the evidence and no doubt, since every EBS CSI driver refers to one that hardly ever exists (ADR 74).',
  },
  {
    where: /AWS_ROLE_ARN=(?!arn:)/,
    what: /^(?:container called irsa|sandbox, )/,
    values: /^(?:irsa|none|Go v2: none, botocore: none, JavaScript v3: none)$/,
    reason:
      'irsa says with which role and token STS is asked: what STS answers, here to a role that is no ARN, is read from IAM.',
  },
  {
    where: /envFrom/,
    what: /^container called irsa, where .*envFrom: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY/,
    reason:
      'A pod on IRSA with envFrom stays irsa with a note, because what a rollback restores must be known for the many workloads with an envFrom (ADR 74).',
  },
  {
    where: /AWS_EC2_METADATA_DISABLED=true/i,
    what: /^(?:container called node-role|sandbox, )/,
    values: /^(?:node-role|none|Go v2: none, botocore: none, JavaScript v3: none)$/,
    reason:
      'node-role says that nothing comes before the instance metadata, not that metadata answers: a variable, the hop limit or the node may disable it.',
  },
  {
    where: /HTTP_PROXY|http_proxy/,
    what: /^(?:container called node-role|sandbox, (?:Go v2|botocore))/,
    values: /^(?:node-role|none|.*(?:Go v2|botocore): none.*JavaScript v3: node-role)$/,
    reason:
      'node-role says that nothing comes before the instance metadata: Go v2 and botocore ask it through the proxy, which may have an exception for it that is not read.',
  },
];
