/**
 * Schemas for names from outside. Each format is defined once, here. No error message repeats the input.
 */
import { z } from 'zod';
import { MAX_ROLE_ARN, ROLE_ARN_PATTERN, parseRoleArn } from '../aws/arn.ts';
import { LONGEST_PRINCIPAL } from '../aws/principal.ts';
import { isOneLine, PORTABLE_CONTROL } from './text.ts';

/** ULID: sorts by time, 26 characters of Crockford's base 32. */
export const migrationId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be a ULID (26 characters, such as 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A)');

export const accountId = z.string().regex(/^\d{12}$/, 'must be an AWS account id (12 digits)');
export const regionName = z
  .string()
  .max(32, { error: 'must be an AWS region such as eu-west-1', abort: true })
  .regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'must be an AWS region such as eu-west-1');
/** EKS API model, CreateCluster.name. */
export const clusterName = z
  .string()
  .regex(
    /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/,
    'must be an EKS cluster name (letters, digits, - and _, at most 100, starting with a letter or digit)',
  );
export const addonName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be an EKS add-on name such as aws-ebs-csi-driver');
export const roleArn = z
  .string()
  .max(MAX_ROLE_ARN, { error: `must have at most ${MAX_ROLE_ARN} characters`, abort: true })
  .refine(
    (arn) => parseRoleArn(arn) !== undefined,
    'must be an IAM role ARN such as arn:aws:iam::111122223333:role/my-role, whose path has no empty parts, no . and no ..',
  )
  .meta({ pattern: ROLE_ARN_PATTERN });
/** A DNS subdomain (Kubernetes documentation, "Object Names and IDs"). */
export const SERVICE_ACCOUNT_PATTERN = String.raw`[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*`;
export const serviceAccountName = z
  .string()
  .max(253, { error: 'must have at most 253 characters', abort: true })
  .regex(
    new RegExp(`^${SERVICE_ACCOUNT_PATTERN}$`),
    'must be the name of a Kubernetes service account such as ebs-csi-controller-sa',
  );
/** A DNS label (Kubernetes documentation, "Object Names and IDs"). */
export const namespaceName = z
  .string()
  .max(63, { error: 'must have at most 63 characters', abort: true })
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be the name of a Kubernetes namespace such as kube-system');

/**
 * One line of text that people read in logs and terminals. It is stored unchanged, and shown with escapes if it has
 * zero-width characters, such as those that join emojis.
 */
export const plainText = (most: number) =>
  z
    .string()
    .max(most, { error: `must have at most ${most} characters`, abort: true })
    .refine(isOneLine, 'must be one line of text, without control characters')
    .meta({ pattern: `^[^${PORTABLE_CONTROL}]*$` });

/**
 * The prefix of `requestedBy` if a call that CloudTrail reported led to the request. The ARN of the caller follows it.
 */
export const BY_CLOUDTRAIL = 'cloudtrail: ';

/**
 * The principal that requests or decides something, as stated by the sender. It has room for the longest ARN, so that
 * no
 * ARN is ever cut: a part of an ARN could be the ARN of another principal.
 */
export const requestedBy = plainText(BY_CLOUDTRAIL.length + LONGEST_PRINCIPAL);
export const reason = plainText(1024);
