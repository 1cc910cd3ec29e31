import { fill } from "../element.js";
import { viewHead } from "../parts.js";
/** @type {import("../router.js").View} */
export async function serverView(root) { fill(root, viewHead("Server")); }
