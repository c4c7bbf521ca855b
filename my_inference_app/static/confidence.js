/** How sure an answer is, in words. api/confidence.py says the same without JavaScript. */

const UNSURE = 0.5;
const HARDLY = 0.25;
const UNFAMILIAR = 0.05;
const MOST_NAMED = 3;

export function percent(score) {
  return `${(score * 100).toFixed(1)} %`;
}

/** Only answers of calibrated models have `set` and `familiar`. */
export function confidence({ predictions: [best], set = [], familiar = 1 }) {
  const hedge = best.score < HARDLY ? "Not sure. Perhaps" : "Perhaps";
  if (familiar < UNFAMILIAR) {
    const note = "The photos that the model was calibrated with look different: do not rely on this answer.";
    return { level: "unfamiliar", hedge: "An unfamiliar image. Perhaps", note };
  }
  if (set.length > 1) return { level: "unsure", hedge, note: alternatives(set.slice(1)) };
  if (best.score >= UNSURE) return { level: "sure", hedge: "", note: "" };
  return { level: "unsure", hedge, note: `The best guess has only ${percent(best.score)}: look at the others too.` };
}

/** The first name of each label: some have several. */
function alternatives(labels) {
  const names = labels.slice(0, MOST_NAMED).map((label) => label.split(",")[0]);
  if (labels.length > names.length) names.push(`one of ${labels.length - names.length} more`);
  const last = names.pop();
  return `It could also be ${[names.join(", "), last].filter(Boolean).join(" or ")}.`;
}
