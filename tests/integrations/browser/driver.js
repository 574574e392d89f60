// A browser that visits pages: reads one visit as JSON from each line, and writes a line with what it saw.
//
//     {"url": "file:///…#/", "scheme": "dark", "width": 380, "steps": ["press:j", "click:.pick", "type:night", "1 + 1"],
//      "axe": true, "picture": "a.png"}
//     {"errors": [], "requests": ["file:///…"], "violations": [], "values": [2], "wide": 0, "seconds": 0.1}
//
// A step that names no action is an expression, whose value is returned.

const fs = require("fs");
const { chromium } = require("playwright-core");
const readline = require("readline");

const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 60000;

/** In the page: wait until the screen of its address is drawn, which is some time after the address was set. */
function settled(patience) {
  return new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`no screen was drawn for ${location.hash}`)), patience);
    const look = () => requestAnimationFrame(
      document.querySelector("main").dataset.address === location.hash ? () => requestAnimationFrame(done) : look);
    look();
  });
}

async function visit(browser, { url, scheme = "light", width = 1280, media = "screen", steps = [], axe = false, picture }) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const errors = [], requests = [], values = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error.stack)));
  page.on("request", (request) => requests.push(request.url()));
  await page.emulateMedia({ media, colorScheme: scheme });
  const act = {
    press: (key) => page.keyboard.press(key),
    click: (selector) => page.locator(selector).first().click(),
    hover: (selector) => page.locator(selector).first().hover(),
    type: (text) => page.keyboard.type(text),
    wait: (selector) => page.locator(selector).first().waitFor(),
    go: (address) => page.evaluate((hash) => void (location.hash = hash), address),
  };
  const processor = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  };
  try {
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.goto(url);
    const settle = () => page.evaluate(settled, PATIENCE);
    await settle();
    const seconds = [await processor()];
    for (const step of steps) {
      const [, name, rest] = /^(\w+):(.*)$/s.exec(step) ?? [];
      if (act[name]) await act[name](rest);
      else values.push(await page.evaluate(step));
      await settle();
      seconds.push(await processor());
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (picture) await page.screenshot({ path: picture, fullPage: true });
    const seen = [...errors];
    let violations = [];
    if (axe) {
      await session.send("Page.setBypassCSP", { enabled: true });
      await page.evaluate(AXE);
      const { violations: all } = await page.evaluate(() => globalThis.axe.run({ preload: false }));
      violations = all.filter(({ impact }) => ["serious", "critical"].includes(impact))
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(" ")}`);
    }
    return { errors: seen, requests, violations, values, wide, seconds };
  } finally {
    await context.close();
  }
}

(async () => {
  const browser = await chromium.launch({ executablePath: process.argv[2] });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const answer = await visit(browser, JSON.parse(line)).catch((error) => ({ failed: String(error.stack) }));
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  await browser.close();
})();
