/**
 * Server-sent events that the page reads as fast as it can show them.
 *
 * The browser's own EventSource reads whether or not the page keeps up. This one reads the response itself: it reads no
 * further while it is paused, and takes a bounded number of events in each animation frame. Bytes that are not read
 * fill the buffers of the connection, which are bounded, and then the server pauses its subscription. So a slow or
 * paused page pauses the source of the events.
 *
 * After the connection is lost, the next request carries the id of the last message, and the server continues after
 * it. A hidden page closes its connection and does the same when it is shown again.
 */

import { Failure, describe } from "./api.js";
import { suspect } from "./connection.js";
import { delay, visible } from "./polling.js";

/** @typedef {{name: string, data: any, id: string | null}} Message */

const RETRY_SECONDS = 1;
const EVENTS_PER_FRAME = 400;

export class LiveFeed {
  /** @type {string | null} */
  #last = null;
  #paused = false;
  #wake = () => {};

  /**
   * @param {string} path
   * @param {(message: Message) => void} receive Called for each message, and for these of the feed itself: `open` when
   *   a response begins, `lost` when it ends early, `refused` with the failure when the server refuses the request.
   * @param {AbortSignal} signal Ends the feed.
   */
  constructor(path, receive, signal) {
    this.path = path;
    this.receive = receive;
    this.signal = signal;
    signal.addEventListener("abort", () => this.#wake());
    void this.#run();
  }

  get paused() {
    return this.#paused;
  }

  /** Read no further until `resume`. */
  pause() {
    this.#paused = true;
  }

  resume() {
    this.#paused = false;
    this.#wake();
  }

  async #run() {
    while (!this.signal.aborted) {
      const connection = new AbortController();
      const end = () => {
        if (document.hidden || this.signal.aborted) connection.abort();
      };
      this.signal.addEventListener("abort", end);
      document.addEventListener("visibilitychange", end);
      try {
        await this.#read(connection.signal);
      } catch (error) {
        if (this.signal.aborted) return;
        if (error instanceof Failure && error.status < 500) return this.#hand("refused", error);
        if (!connection.signal.aborted) {
          suspect();
          this.#hand("lost", null);
        }
      } finally {
        connection.abort();
        this.signal.removeEventListener("abort", end);
        document.removeEventListener("visibilitychange", end);
      }
      await delay(RETRY_SECONDS, this.signal);
      await visible(this.signal);
    }
  }

  /** @param {AbortSignal} signal */
  async #read(signal) {
    const headers = this.#last === null ? undefined : { "Last-Event-ID": this.#last };
    const response = await fetch(this.path, { headers, signal, cache: "no-store", credentials: "same-origin" });
    if (!response.ok || response.body === null) throw await describe(response);
    this.#hand("open", null);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new Parser();
    let inFrame = 0;
    for (;;) {
      await this.#demand();
      const { done, value } = await reader.read();
      if (done) throw new Error("the response has ended");
      for (const message of parser.parse(value)) {
        await this.#demand();
        if (signal.aborted) throw new Error("the connection was closed");
        if (message.name === "failed" && !message.data.error.retryable) throw new Failure(message.data.error.message, 400);
        this.receive(message);
        if (message.id !== null) this.#last = message.id;
        inFrame += Array.isArray(message.data) ? message.data.length : 1;
        if (inFrame >= EVENTS_PER_FRAME) {
          await frame(signal);
          inFrame = 0;
        }
      }
    }
  }

  /** Wait while the feed is paused. */
  async #demand() {
    while (this.#paused && !this.signal.aborted) {
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    }
  }

  /**
   * @param {string} name
   * @param {any} data
   */
  #hand(name, data) {
    this.receive({ name, data, id: null });
  }
}

/** Messages from chunks of text (HTML Living Standard, section 9.2.6), as far as this server uses the format. */
class Parser {
  #rest = "";

  /**
   * @param {string} chunk
   * @returns {Generator<Message>}
   */
  *parse(chunk) {
    const blocks = (this.#rest + chunk).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    for (const block of blocks) {
      let name = "message";
      let data = "";
      let id = null;
      for (const line of block.split("\n")) {
        if (line.startsWith("data: ")) data = line.slice(6);
        else if (line.startsWith("event: ")) name = line.slice(7);
        else if (line.startsWith("id: ")) id = line.slice(4);
      }
      if (data !== "") yield { name, data: JSON.parse(data), id };
    }
  }
}

/**
 * Wait for the next animation frame, or until the signal is aborted.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function frame(signal) {
  return new Promise((resolve) => {
    requestAnimationFrame(done);
    signal.addEventListener("abort", done);
    function done() {
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
