/**
 * Key of a property of the constructs. If true, everything is deployed, for every role of every account, so that the
 * sandbox can run any scenario. The package does not export it, so that a deployment to AWS must name its roles.
 */
export const EVERY_ROLE: unique symbol = Symbol('every role');
