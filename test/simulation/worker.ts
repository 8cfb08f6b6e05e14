/** A child of `main.ts`: does the tasks that it is sent, one after the other. It can only be forked. */
import { defectiveModules } from './defective-modules.ts';
import type { Task } from './tasks.ts';

const modules = defectiveModules();

process.on('message', (task: Task) => {
  // Imports no module of the service before `defectiveModules` notes which imports which.
  void import('./tasks.ts')
    .then(({ answer }) => answer(task, modules))
    .then(
      (result) => process.send?.({ result }),
      (error: unknown) =>
        process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
});
