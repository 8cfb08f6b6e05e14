/** Flags of the commands that migrate, what they are by default, and the request for each. */
import { ROLE, TARGET } from './fixtures.ts';

/** The flags that an add-on, a service account and a sweep have in common, by default. */
export const DEFAULT_FLAGS = {
  trust: 'validate',
  accept: [],
  verification: 'ready',
  agent: 'require',
  approval: 'none',
  dryRun: false,
  yes: false,
  json: false,
  debug: false,
};

/** The request of a command without these flags. */
export const DEFAULT_REQUEST = {
  target: TARGET,
  strategy: 'auto',
  preserve: false,
  roles: {},
  trust: 'validate',
  accept: [],
  verification: 'ready',
  agent: 'require',
  approval: 'none',
  approvalHours: 24,
  dryRun: false,
  requestedBy: 'me',
  annotation: 'keep',
};

/** Another value for each of them, and the field of the request. */
const GIVEN = [
  ['maxDisruption', 'rolling', 'maxDisruption'],
  ['trust', 'repair', 'trust'],
  ['iac', 'helm', 'iac'],
  [
    'accept',
    [
      'condition-key:aws:SourceIp',
      'owner:ack',
      'unknown-credentials:api/app',
      'image:registry.k8s.io/external-dns/external-dns:v0.12.0',
      'consumer:SecretStore/shop/aws',
      'consumer:issuers.cert-manager.io',
      `target-role:${ROLE}2`,
      'network-policy:NetworkPolicy/shop/default-deny',
    ],
    'accept',
  ],
  ['verification', 'api', 'verification'],
  ['agent', 'install', 'agent'],
  ['reason', 'why not', 'reason'],
] as const;
export const GIVEN_FLAGS = Object.fromEntries(GIVEN.map(([flag, value]) => [flag, value]));
export const GIVEN_REQUEST = Object.fromEntries(GIVEN.map(([, value, field]) => [field, value]));
