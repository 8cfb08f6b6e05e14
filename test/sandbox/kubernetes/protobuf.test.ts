import { describe, expect, test } from 'vitest';
import { Refusal } from '../../../sandbox/kubernetes/answers.ts';
import { PROTOBUF, readProtobuf } from '../../../sandbox/kubernetes/protobuf.ts';
import { newEbsLab } from './support.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const GROUP = 'rbac.authorization.k8s.io';

/** Bodies as kubectl 1.32 sends them. */
const BODIES: [string, string, object][] = [
  [
    'auth can-i list pods --subresource=log',
    '6b3873000a320a17617574686f72697a6174696f6e2e6b38732e696f2f7631121753656c665375626a65637441636365737352657669657712440a100a0012001a0022002a0032003800420012260a240a0b6b7562652d73797374656d12046c6973741a0022002a04706f647332036c6f673a001a08080012001a0020001a002200',
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      metadata: {},
      spec: { resourceAttributes: { namespace: 'kube-system', verb: 'list', resource: 'pods', subresource: 'log' } },
    },
  ],
  [
    'create pdb --min-available=50%',
    '6b3873000a200a09706f6c6963792f76311213506f6444697372757074696f6e427564676574124c0a1d0a02703212001a0b6b7562652d73797374656d22002a00320038004200121f0a09080110001a0335302512120a080a036170701201780a060a01621201631a0a080018002000280030001a002200',
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'p2', namespace: 'kube-system' },
      spec: { minAvailable: '50%', selector: { matchLabels: { app: 'x', b: 'c' } } },
    },
  ],
  [
    'create pdb --max-unavailable=1',
    '6b3873000a200a09706f6c6963792f76311213506f6444697372757074696f6e42756467657412410a1d0a02703412001a0b6b7562652d73797374656d22002a003200380042001214120a0a080a036170701201791a06080010011a001a0a080018002000280030001a002200',
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'p4', namespace: 'kube-system' },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'y' } } },
    },
  ],
  [
    'create role',
    '6b3873000a240a1c726261632e617574686f72697a6174696f6e2e6b38732e696f2f76311204526f6c65125a0a1d0a02723212001a0b6b7562652d73797374656d22002a0032003800420012160a036765740a046c69737412001a04706f647322016112210a036765740a046c6973741204617070731a0b6465706c6f796d656e74732201611a002200',
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'Role',
      metadata: { name: 'r2', namespace: 'kube-system' },
      rules: [
        { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] },
        { verbs: ['get', 'list'], apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['a'] },
      ],
    },
  ],
  [
    'create rolebinding',
    '6b3873000a2b0a1c726261632e617574686f72697a6174696f6e2e6b38732e696f2f7631120b526f6c6542696e64696e67129d010a1e0a0372623212001a0b6b7562652d73797374656d22002a0032003800420012270a04557365721219726261632e617574686f72697a6174696f6e2e6b38732e696f1a026a6f220012220a0e536572766963654163636f756e7412001a0178220b6b7562652d73797374656d1a2e0a19726261632e617574686f72697a6174696f6e2e6b38732e696f120b436c7573746572526f6c651a04766965771a002200',
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'rb2', namespace: 'kube-system' },
      subjects: [
        { kind: 'User', apiGroup: GROUP, name: 'jo' },
        { kind: 'ServiceAccount', name: 'x', namespace: 'kube-system' },
      ],
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'view' },
    },
  ],
];

const outcomeOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('bodies in protobuf', () => {
  test.each(BODIES)('kubectl %s', (_, body, object) => expect(readProtobuf(hex(body))).toEqual(object));

  test('a truncated body is rejected, or yields an object with fewer fields; nothing else', () => {
    for (const [, body] of BODIES) {
      const whole = hex(body);
      for (let length = 0; length < whole.length; length += 1) {
        const outcome = outcomeOf(() => readProtobuf(whole.subarray(0, length)));
        expect(outcome).toSatisfy((value) =>
          value instanceof Refusal
            ? value.reason === 'BadRequest'
            : typeof value === 'object' && value !== null && 'kind' in value,
        );
      }
    }
  });

  test.each([
    ['JSON', Buffer.from('{}'), /expected prefix \[107 56 115 0\]/],
    [
      'a kind that only JSON supports',
      hex(BODIES[3]![1].replace('526f6c65', '526f6c78')),
      /no kind "Rolx" is registered/,
    ],
    ['a group, which no Kubernetes message uses', hex('6b3873000b'), /wire type 3/],
    ['a number instead of the object', hex('6b3873000801'), /a number where a string or an object is expected/],
  ])('%s is rejected', (_, body, message) => expect(() => readProtobuf(body)).toThrow(message));

  test('yield ordinary objects: created, returned as JSON, and effective', async () => {
    const lab = newEbsLab();
    const post = (path: string, index: number) =>
      lab.call('POST', path, { headers: { 'content-type': PROTOBUF }, body: hex(BODIES[index]![1]) });
    const created = await post(`/apis/${GROUP}/v1/namespaces/kube-system/roles`, 3);
    expect([created.status, created.body]).toMatchObject([201, BODIES[3]![2]]);
    expect((await post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 0)).body.status).toMatchObject({
      allowed: true,
    });
    expect((await post('/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets', 1)).body.spec).toMatchObject({
      minAvailable: '50%',
    });
  });
});
