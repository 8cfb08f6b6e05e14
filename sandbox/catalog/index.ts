/**
 * What EKS offers in the sandbox. Versions and schemas are a small, realistic choice for Kubernetes 1.29 to 1.33, not
 * a copy of what AWS publishes: names, namespaces, service accounts and the first versions with Pod Identity are right
 * (EKS User Guide), the rest is only plausible.
 */
import { copyOf } from '../json.ts';
import type { Catalogue } from './catalogue.ts';
import { communityAddons } from './community.ts';
import { networking } from './networking.ts';
import { observability } from './observability.ts';
import { storage } from './storage.ts';

/** A copy of its own for each world, since a scenario may withdraw versions. */
export const loadCatalogue = (): Catalogue =>
  new Map(
    [...storage, ...networking, ...observability, ...communityAddons].map((addon) => [addon.name, copyOf(addon)]),
  );
