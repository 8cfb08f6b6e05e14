import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { toManagedFields, managedFieldsEntries } from '../../../lambdas/adapters/managed-fields.ts';
import { refusal } from '../../../sandbox/gateway/protocols.ts';
import { throttledResponse } from '../../../sandbox/gateway/faults.ts';

interface Recorded {
  id: string;
  answer: { status: number; headers: Record<string, string>; body: Record<string, unknown> };
}
const recorded = JSON.parse(readFileSync(new URL('recorded/field-owners.json', import.meta.url), 'utf8')) as Recorded[];
const answerTo = (id: string): Recorded['answer'] => recorded.find((each) => each.id === id)!.answer;

test('a throttled call is refused as by a real API server', () => {
  const { status, headers, body } = answerTo('list-throttled');
  const call = { service: 'kubernetes', operation: 'list pods', protocol: 'kubernetes', input: {} };
  const { 'audit-id': _, 'x-kubernetes-pf-flowschema-uid': __, ...kept } = headers;
  expect(throttledResponse(call as unknown as Parameters<typeof throttledResponse>[0], 'r')).toEqual({
    status,
    headers: { ...kept, 'audit-id': 'r' },
    body: body['text'],
  });
  expect(refusal('kubernetes', 403, 'Forbidden', 'no', 'r').headers['content-type']).toBe('application/json');
});

test('the service can parse recorded owners of fields', () => {
  const { managedFields } = answerTo('deployment-kubectl-restart').body['metadata'] as { managedFields: unknown };
  const owners = toManagedFields(managedFieldsEntries.parse(managedFields));
  expect(owners.map(({ manager }) => manager)).toEqual(['helm', 'eks-pod-identity-migrator', 'kubectl-rollout']);
  expect(owners[2]?.fields).toEqual(['.spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt']);
});
