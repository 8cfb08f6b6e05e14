import type { Backend, SandboxBackend } from './backend.ts';

const isSandbox = (backend: Backend): backend is SandboxBackend => 'sandbox' in backend;

/** Returns the sandbox of a backend opened by --sandbox or --state. Throws for any other backend. */
export const sandboxOf = (backend: Backend): SandboxBackend['sandbox'] => {
  if (isSandbox(backend)) return backend.sandbox;
  throw new Error('This backend is no sandbox.');
};
