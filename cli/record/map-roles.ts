/** Maps roles of IAM to those of a scenario. */
import { parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { RolePolicy } from '../../lambdas/ports/index.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { keptDocument } from './keep-documents.ts';
import { keptTags } from './keep.ts';
import type { RoleAnswers } from './recording.ts';
import type { Unread } from './reader.ts';

export type RoleInput = NonNullable<ScenarioInput['accounts'][number]['roles']>[number];

/** A document for a policy that could not be read. It allows only what needs no permission; IAM has no empty policies. */
const NOTHING = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:GetCallerIdentity', Resource: '*' }],
};

const isOfAws = (arn: string): boolean => arn.split(':')[4] === 'aws';

type Managed = NonNullable<RoleInput['attachedPolicies']>[number];

/** Returns a managed policy. A document that the sandbox refuses, or that could not be read, allows nothing. */
const managed = (arn: string, { name, document }: RolePolicy, unread: Unread[]): Managed => {
  const isUsable = document !== undefined && parsePolicy(document, 'identity').valid;
  if (isUsable) return { arn, document: keptDocument(document) };
  if (isOfAws(arn)) return { arn };
  unread.push({ what: `policy ${name}`, why: 'its document could not be read', effect: 'it allows nothing' });
  return { arn, document: NOTHING };
};

export const roleInput = ({ role, trustPolicy, policies, boundary }: RoleAnswers, unread: Unread[]): RoleInput => {
  const inline = policies.flatMap(({ name, arn, document }) => {
    if (arn !== undefined || document === undefined) return [];
    if (parsePolicy(document, 'identity').valid) return [{ name, document: keptDocument(document) }];
    unread.push({ what: `policy ${name}`, why: 'its document is not valid', effect: 'it is left out' });
    return [];
  });
  const attached = policies.flatMap((one) => (one.arn === undefined ? [] : [managed(one.arn, one, unread)]));
  const tags = keptTags(Object.fromEntries((role.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])));
  return {
    arn: role.Arn ?? '',
    trustPolicy: keptDocument(trustPolicy),
    ...(inline.length > 0 ? { policies: inline } : {}),
    ...(attached.length > 0 ? { attachedPolicies: attached } : {}),
    ...(boundary?.arn === undefined ? {} : { permissionsBoundary: managed(boundary.arn, boundary, unread) }),
    ...(Object.keys(tags).length > 0 ? { tags } : {}),
    ...(role.CreateDate ? { createdAt: role.CreateDate.toISOString() } : {}),
  };
};
