/** What the step plan answers for a migration that needs nothing in addition. */
export const PLAIN_ANSWER = {
  installsAgent: false,
  repairsTrust: false,
  createsStandalone: false,
  removesAnnotation: false,
  needsApproval: false,
  approvalSeconds: 86_400,
  hasWindow: false,
};
