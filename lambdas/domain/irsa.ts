import type { Addon, ServiceAccountState } from './model.ts';

/** The role that an add-on, or a service account, has by IRSA, of whatever has either; `undefined` where it has none, or nobody could see. */
export const irsaRoleOf = ({ addon, serviceAccount }: { addon?: Addon | undefined; serviceAccount?: ServiceAccountState | undefined }): string | undefined => addon?.serviceAccountRoleArn ?? serviceAccount?.roleArn;
