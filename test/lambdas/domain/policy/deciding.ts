/** Statements that apply, do not apply, or may apply to a request with some keys, and their verdicts. */
import type { EvaluateOptions } from '../../../../lambdas/domain/policy/evaluate.ts';
import type { Evaluation } from '../../../../lambdas/domain/policy/request.ts';
import { allowPods, denyPods, ABSENT, ask, PRESENT, request, type Keys } from './requests.ts';

export const CLUSTER = 'arn:aws:eks:eu-west-1:111122223333:cluster/dev';
export const keys: Keys = {
  'aws:SourceArn': CLUSTER,
  'aws:SourceAccount': '111122223333',
  'sts:ExternalId': ABSENT,
  'sts:RoleSessionName': PRESENT,
  'aws:TagKeys': ['a', 'b'],
};
export const when = (Condition: unknown): object => ({ ...allowPods, Condition });
export const unless = (Condition: unknown): object => ({ ...denyPods, Condition });
export const yes = { StringEquals: { 'aws:SourceAccount': '111122223333' } };
export const no = { StringEquals: { 'aws:SourceAccount': '444455556666' } };
export const vpc = { StringEquals: { 'aws:SourceVpc': 'vpc-1' } };
export const org = { StringEquals: { 'aws:SourceOrgID': 'o-1' } };
export const of = (statements: unknown, options?: EvaluateOptions): Evaluation =>
  ask(statements, request(keys), options);
export const messages = (statements: unknown, options?: EvaluateOptions): string[] =>
  of(statements, options).reasons.map((one) => one.message);
