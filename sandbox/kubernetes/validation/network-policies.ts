/** Rules of network policies: the schema that scenarios and the sandbox's network share. */
import { networkPolicySpec } from '../../objects/network-policy.ts';
import type { KubeObject } from '../../objects/objects.ts';
import type { FieldError } from './field-errors.ts';

/** Returns a path such as `spec.egress[0].ports`, as the API server names fields. */
const fieldOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    'spec',
  );

export const networkPolicyErrors = ({ spec }: KubeObject): FieldError[] => {
  const parsed = networkPolicySpec.safeParse(spec ?? {});
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => ({ reason: 'Invalid', field: fieldOf(path), detail: message }));
};
