/**
 * CloudTrail's event of the denied UpdateAddon: what AWS Support quotes in hashicorp/terraform-provider-aws#30645, in
 * the generic envelope.
 */
import { ACCOUNT, ADDON, at } from './fixtures.ts';

export const PRINCIPAL = `arn:aws:sts::${ACCOUNT}:assumed-role/terraform/run-17`;

const IDENTITY = { type: 'AssumedRole', principalId: 'AROAEXAMPLE:run-17', sessionContext: {} };

export interface DeniedEvent {
  account: string;
  source: string;
  'detail-type': string;
  detail: Record<string, unknown> & { requestParameters: Record<string, unknown> | null };
  [field: string]: unknown;
}

export const deniedEvent = ({
  cluster = 'reliability-dev',
  detail = {},
  parameters = {},
  ...change
}: {
  cluster?: string;
  detail?: object;
  parameters?: object;
  account?: string;
  source?: string;
  'detail-type'?: string;
} = {}): DeniedEvent => ({
  version: '0',
  id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.eks',
  account: ACCOUNT,
  time: at(-60).replace('.000', ''),
  region: 'eu-west-1',
  resources: [],
  ...change,
  detail: {
    eventVersion: '1.09',
    userIdentity: { ...IDENTITY, arn: PRINCIPAL, accountId: ACCOUNT },
    eventTime: at(-60).replace('.000', ''),
    eventSource: 'eks.amazonaws.com',
    eventName: 'UpdateAddon',
    awsRegion: 'eu-west-1',
    sourceIPAddress: '203.0.113.7',
    userAgent: 'APN/1.0 HashiCorp/1.0 Terraform/1.9.0 (+https://www.terraform.io) terraform-provider-aws/5.75.0',
    errorCode: 'AccessDenied',
    errorMessage: 'Cross-account pass role is not allowed.',
    requestParameters: {
      resolveConflicts: 'OVERWRITE',
      addonName: ADDON,
      clientRequestToken: 'terraform-20241015135717535200000002',
      name: cluster,
      serviceAccountRoleArn: '',
      ...parameters,
    },
    responseElements: null,
    requestID: 'b1d4a3a6-1111-4222-8333-444455556666',
    eventID: '7f2b6f0e-5d0a-4a52-9b7e-0f3b1c2d3e4f',
    readOnly: false,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: ACCOUNT,
    eventCategory: 'Management',
    ...detail,
  },
});
