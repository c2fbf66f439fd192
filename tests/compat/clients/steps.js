// What the Node.js clients share: the steps of ../README.md are run in order, or those named on the command line.
'use strict';

const prefix = process.env.COMPAT_PREFIX;

exports.key = (name) => `${prefix}${name}`;
exports.seconds = Number(process.env.COMPAT_SECONDS);
exports.sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Waits until the condition holds; the test's own deadline ends a wait in vain.
exports.until = async (condition) => {
  while (!(await condition())) await exports.sleep(5);
};

exports.run = async (steps) => {
  const chosen = process.argv.slice(2);
  for (const [name, step] of Object.entries(steps)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    await step();
    console.log(`  ok ${name}`);
  }
};
