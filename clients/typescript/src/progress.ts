import type { OnProgress } from "./client.js";

/** A progress bar on a terminal; silent elsewhere, so that logs stay readable. Call `close` at the end. */
export function progressBar(title = "", stream: NodeJS.WriteStream = process.stderr, width = 30): OnProgress & { close(): void } {
  const show: OnProgress = (fraction, message) => {
    if (stream.isTTY) {
      const done = Math.round(fraction * width);
      const bar = "█".repeat(done) + "░".repeat(width - done);
      stream.write(`\r\u001b[K${title} ${bar} ${Math.round(fraction * 100)} % ${message}`);
    }
  };
  const close = () => {
    if (stream.isTTY) stream.write("\r\u001b[K");
  };
  return Object.assign(show, { close });
}
