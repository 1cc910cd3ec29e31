import { fill } from "../element.js";
import { viewHead } from "../parts.js";
/** @type {import("../router.js").View} */
export async function groupView(root) { fill(root, viewHead("Group")); }
