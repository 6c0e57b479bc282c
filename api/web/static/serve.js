// The worker's side of worker.js: answers commands once the program has started.

export function serve(started, commands) {
  onmessage = async ({ data: { id, command, argument } }) => {
    try {
      await started;
      postMessage({ id, result: await commands[command](argument) });
    } catch (error) {
      postMessage({ id, error: String(error) });
    }
  };
}
