/** What is known about each tool: its name, when it reverts a change, and what its next apply does. */
import type { HandOffFormat } from '../terms/hand-off.ts';
import type { Owner, OwnerTool } from './model.ts';

export interface Tool {
  /** The name in texts. */
  title: string;
  reverts: Owner['reverts'];
  /** Type of the EKS capability with which AWS runs the controller. */
  capability?: 'ACK' | 'ARGOCD' | 'KRO';
  /** The format of its hand-off. Absent for a tool without one. */
  format?: HandOffFormat;
}

export const TOOLS: Readonly<Record<OwnerTool, Tool>> = {
  terraform: { title: 'Terraform', reverts: 'at-next-apply', format: 'terraform' },
  pulumi: { title: 'Pulumi', reverts: 'at-next-apply' },
  cloudformation: { title: 'CloudFormation', reverts: 'at-next-apply', format: 'cloudformation' },
  cdk: { title: 'AWS CDK', reverts: 'at-next-apply', format: 'cloudformation' },
  eksctl: { title: 'eksctl', reverts: 'at-next-apply', format: 'eksctl' },
  ack: { title: 'ACK', reverts: 'by-itself', capability: 'ACK' },
  crossplane: { title: 'Crossplane', reverts: 'by-itself' },
  'cluster-api': { title: 'Cluster API Provider AWS', reverts: 'by-itself' },
  kro: { title: 'kro', reverts: 'by-itself', capability: 'KRO' },
  'argo-cd': { title: 'Argo CD', reverts: 'by-itself', capability: 'ARGOCD', format: 'helm-values' },
  flux: { title: 'Flux', reverts: 'by-itself', format: 'helm-values' },
  helm: { title: 'Helm', reverts: 'at-next-apply', format: 'helm-values' },
};
