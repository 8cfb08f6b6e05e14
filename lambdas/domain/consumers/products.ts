/** The software whose objects are found by their own fields, and not by pods. */
import { CERT_MANAGER } from './cert-manager.ts';
import { CROSSPLANE } from './crossplane.ts';
import { EXTERNAL_SECRETS_OPERATOR } from './external-secrets.ts';
import { EXTERNAL_SECRETS_WITH_VAULT } from './external-secrets-vault.ts';
import { FLUX } from './flux.ts';
import { KEDA } from './keda.ts';
import type { Detector } from './seen.ts';
import { VAULT_SECRETS_OPERATOR } from './vault.ts';
import { VOLUMES } from './volumes.ts';

/** In the order of the documentation. */
export const PRODUCTS: readonly Detector[] = [
  EXTERNAL_SECRETS_OPERATOR,
  EXTERNAL_SECRETS_WITH_VAULT,
  CERT_MANAGER,
  VAULT_SECRETS_OPERATOR,
  FLUX,
  KEDA,
  CROSSPLANE,
  VOLUMES,
];
