/**
 * Header of AWS's answers with the world's time. AWS does not send it: a program that compares times in the world with
 * the present one needs it, because Date is the machine's time.
 */
export const WORLD_TIME = 'x-sandbox-time';
