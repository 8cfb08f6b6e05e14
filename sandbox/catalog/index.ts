/**
 * What EKS offers in the sandbox. Versions and schemas are a small, realistic choice for Kubernetes 1.29 to 1.35, not
 * a copy of what AWS publishes: names, namespaces, service accounts and the first versions with Pod Identity are right
 * (EKS User Guide), the rest is only plausible. Those for 1.34 and 1.35 are versions that public Terraform and
 * CloudFormation code for such clusters names (aws-ebs-csi-driver v1.55.0-eksbuild.2, eks-pod-identity-agent
 * v1.3.10-eksbuild.2, …); for which other Kubernetes versions EKS offers them, and which it defaults to, is a guess.
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
