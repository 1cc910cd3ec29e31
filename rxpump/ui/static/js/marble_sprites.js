/** The images of marbles, each drawn once. A larger marble stands for more events. */

import { PATHS, markerOf } from "./colors.js";
import { h } from "./element.js";

/** @typedef {import("./marble_lines.js").Marble} Marble */

const RADIUS = 6.5;
const GROWTH = 0.75;
const MOST_STEPS = 6;
const EDGE = 1.5;

export class MarbleSprites {
  /** @type {Map<string, HTMLCanvasElement>} */
  #images = new Map();

  /** @param {Record<string, string>} colors Values of the custom properties of CSS. */
  constructor(colors) {
    this.colors = colors;
  }

  /**
   * Return the image of a marble, with the density of the screen.
   *
   * @param {Marble} marble
   */
  image(marble) {
    const { color, shape } = markerOf(marble.event.type);
    const radius = radiusOf(marble);
    const key = `${color} ${shape} ${radius}`;
    let image = this.#images.get(key);
    if (image === undefined) {
      image = this.#draw(`--type-${color}`, new Path2D(PATHS[shape]), radius);
      this.#images.set(key, image);
    }
    return image;
  }

  /**
   * @param {string} color
   * @param {Path2D} path Outline in a box of 12 by 12.
   * @param {number} radius
   */
  #draw(color, path, radius) {
    const size = 2 * (radius + EDGE);
    const image = h("canvas");
    image.width = image.height = Math.ceil(size * devicePixelRatio);
    const context = /** @type {CanvasRenderingContext2D} */ (image.getContext("2d"));
    context.scale(image.width / size, image.width / size);
    context.translate(EDGE, EDGE);
    context.scale(radius / 6, radius / 6);
    context.lineJoin = "round";
    context.lineWidth = (2 * EDGE * 6) / radius; // the outer half of it is an edge that keeps marbles apart
    context.strokeStyle = this.colors["--surface"];
    context.fillStyle = this.colors[color];
    context.stroke(path);
    context.fill(path);
    return image;
  }
}

/**
 * Return the radius of a marble in pixels.
 *
 * @param {Marble} marble
 */
export function radiusOf(marble) {
  return RADIUS + GROWTH * Math.min(MOST_STEPS, Math.ceil(Math.log2(1 + marble.more)));
}
