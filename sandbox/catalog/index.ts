/**
 * What EKS offers in the sandbox. Versions and schemas are a small, realistic choice for Kubernetes 1.29 to 1.33, not
 * a copy of what AWS publishes: names, namespaces, service accounts and the first versions with Pod Identity are right
 * (EKS User Guide), the rest is only plausible.
 */
import type { Catalogue } from './catalogue.ts';
import { networking } from './networking.ts';
import { observability } from './observability.ts';
import { storage } from './storage.ts';

const frozen = <T extends object>(value: T): T => {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) frozen(inner as object);
  return Object.freeze(value);
};

const offered = [...storage, ...networking, ...observability].map((addon) => frozen(addon));

/** Each world has its own versions, since a scenario may withdraw some; all else is shared, and can't be changed. */
export const loadCatalogue = (): Catalogue =>
  new Map(
    offered.map((addon) => [addon.name, { ...addon, versions: addon.versions.map((version) => ({ ...version })) }]),
  );
