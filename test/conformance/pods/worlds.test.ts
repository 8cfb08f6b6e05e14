import { describe, expect, it } from 'vitest';
import type { KubeContainer } from '../../../conformance/pods/kube-pod.ts';
import { worldsOf } from '../../../conformance/pods/worlds.ts';
import { words } from '../../words.ts';

const of = (container: Omit<KubeContainer, 'name'>): string[] => {
  const given = { name: 'c', ...container };
  const volumes = [{ name: 'scratch', emptyDir: {} }];
  return worldsOf({ metadata: { name: 'p' }, spec: { containers: [given], volumes } }, given).map(({ settled }) =>
    settled.join('; '),
  );
};
const from = (optional: boolean) => ({ secretKeyRef: { name: 's', key: 'k', optional } });

describe('the worlds of a container', () => {
  it('are one if the spec shows everything', () =>
    expect(of({ env: [{ name: 'AWS_ROLE_ARN', value: 'r' }] })).toEqual(['']));
  it('have each value of a Secret', () => {
    expect(of({ env: [{ name: 'AWS_ACCESS_KEY_ID', valueFrom: from(false) }] })).toEqual([
      'AWS_ACCESS_KEY_ID: AKIAHIDDEN',
    ]);
    expect(of({ env: [{ name: 'AWS_ACCESS_KEY_ID', valueFrom: from(true) }] })).toEqual([
      'AWS_ACCESS_KEY_ID: no object',
      'AWS_ACCESS_KEY_ID: AKIAHIDDEN',
    ]);
  });
  it('have what envFrom may add, with its prefix', () => {
    expect(of({ envFrom: [{ secretRef: { name: 's' } }] })).toHaveLength(3);
    expect(of({ envFrom: [{ prefix: 'AWS_', secretRef: { name: 's' } }] })).toHaveLength(3);
    expect(of({ envFrom: [{ prefix: 'APP_', secretRef: { name: 's' } }] })).toEqual(['envFrom: other keys']);
  });
  it('have files that a profile or a variable names', () => {
    const three = ['files: none', 'files: without keys', 'files: with keys'];
    expect(of({ env: [{ name: 'AWS_PROFILE', value: 'x' }] })).toEqual(three);
    expect(of({ env: [{ name: 'AWS_PROFILE', value: '' }] })).toEqual(['']);
    expect(of({ volumeMounts: [{ name: 'scratch', mountPath: '/root/.aws' }] })).toEqual(three);
  });
  it('have a token where a volume may hold one, and none where no volume is', () => {
    const env = [{ name: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', value: '/s/token' }];
    expect(of({ env })).toEqual(['']);
    expect(of({ env, volumeMounts: [{ name: 'scratch', mountPath: '/s' }] })).toEqual(['', 'a token at /s/token']);
  });
  it('are never more than 48', () => {
    const names = words`
      AWS_CONTAINER_CREDENTIALS_FULL_URI NO_PROXY AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_PROFILE
    `;
    expect(
      of({ env: names.map((name) => ({ name, valueFrom: from(true) })), envFrom: [{ secretRef: { name: 's' } }] }),
    ).toHaveLength(48);
  });
});
