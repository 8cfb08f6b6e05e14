import type { Backend, SandboxBackend } from './backend.ts';

const isSandbox = (backend: Backend): backend is SandboxBackend => 'sandbox' in backend;

/** The sandbox of a backend that is one, as those of --sandbox and --state are. */
export const sandboxOf = (backend: Backend): SandboxBackend['sandbox'] => {
  if (isSandbox(backend)) return backend.sandbox;
  throw new Error('This backend is no sandbox.');
};
