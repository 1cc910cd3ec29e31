/** Questions before a change. */

import { fill, h } from "./element.js";
import { failure, field } from "./parts.js";

/**
 * Ask whether to make a change, and make it. The dialog shows the failure if the change fails.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {import("./element.js").Children} question.text
 * @param {string} question.action Text of the button.
 * @param {boolean} [question.danger] Whether the change cannot be undone.
 * @param {string} [question.typed] Text that must be typed before the change can be made.
 * @param {() => Promise<void>} question.change
 * @returns {Promise<boolean>} Whether the change was made.
 */
export function confirmed({ title, text, action, danger = false, typed, change }) {
  return new Promise((resolve) => {
    const message = h("div");
    const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const go = h("button", { type: "submit", class: danger ? "danger" : "primary", disabled: typed !== undefined }, action);
    const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", oninput: () => (go.disabled = input.value !== typed) });
    const form = h(
      "form",
      { onsubmit: submit },
      h("h2", { id: "dialog-title" }, title),
      h("p", { id: "dialog-text" }, text),
      typed !== undefined && field("Type the name to confirm", input),
      message,
      h("div", { class: "actions" }, cancel, go),
    );
    const dialog = h("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-text" }, form);
    let made = false;

    async function submit(/** @type {SubmitEvent} */ event) {
      event.preventDefault();
      go.disabled = cancel.disabled = true;
      try {
        await change();
        made = true;
        dialog.close();
      } catch (error) {
        fill(message, failure(error));
        go.disabled = cancel.disabled = false;
      }
    }

    const leave = () => dialog.close();
    addEventListener("hashchange", leave); // the user has opened another view
    dialog.addEventListener("close", () => {
      removeEventListener("hashchange", leave);
      dialog.remove();
      resolve(made);
    });
    document.body.append(dialog);
    dialog.showModal();
    (typed === undefined ? cancel : input).focus();
  });
}
