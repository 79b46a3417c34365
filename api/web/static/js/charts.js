/** Draws the tables of macros/chart.html with uPlot, in the colours of the page. */

/* global uPlot */

const HEIGHT = 240;
const SERIES = 6;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 4]];
const DAY_SECONDS = 86400;
const DAY_STEPS = [1, 2, 5, 7, 14, 28, 91, 182, 365].map((days) => days * DAY_SECONDS);

/**
 * Return the colour that a custom property of the page stands for.
 * @param {string} name such as "--series-1"
 * @returns {string}
 */
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/**
 * Return a cell's number: seconds for a day, null for an empty cell.
 * @param {HTMLTableCellElement} cell
 * @returns {number|null}
 */
function read(cell) {
  const day = cell.querySelector("time")?.dateTime;
  if (day) return Date.parse(day) / 1000;
  const told = cell.dataset.value ?? cell.textContent.trim();
  return told === "" ? null : Number(told);
}

/**
 * Return the columns of a table that are drawn: names, numbers by row, and the cells themselves.
 * @param {HTMLTableElement} table
 * @returns {{names: string[], columns: (number|null)[][], cells: HTMLTableCellElement[][]}}
 */
export function readTable(table) {
  const heads = [...table.tHead.rows[0].cells].filter((cell) => !("aside" in cell.dataset));
  const rows = [...table.tBodies[0].rows];
  const cells = heads.map((head) => rows.map((row) => row.cells[head.cellIndex]));
  const names = heads.map((head) => head.textContent.trim());
  return { names, columns: cells.map((column) => column.map(read)), cells };
}

/**
 * Return what uPlot is told of a figure.
 * @param {HTMLElement} figure
 * @param {string[]} names
 * @param {(number|null)[][]} columns
 * @param {HTMLTableCellElement[][]} cells
 * @param {number} width
 */
function options(figure, names, columns, cells, width) {
  const { chart: kind, unit } = figure.dataset;
  // Chromium knows no Kazakh, whose numbers are written as Russian ones are.
  const language = document.documentElement.lang === "en" ? "en-GB" : "ru";
  const style = unit === "share" ? "percent" : "decimal";
  const number = new Intl.NumberFormat(language, { style, maximumFractionDigits: 1 });
  const days = new Map(columns[0].map((value, row) => [value, cells[0][row].textContent.trim()]));
  const told = (value) => (value === null ? "" : number.format(value));
  const isTime = kind === "time" || kind === "stack";
  const x = (value) => (isTime ? days.get(value) ?? "" : told(value));
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 } };
  const square = kind === "diagonal" ? { range: [0, 1] } : {};
  const isShare = unit === "share";
  const range = (_, least, most) => (isShare ? [0, 1] : [0, Math.max(most * 1.05, 1)]);
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: isTime, ...square }, y: { range } },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(x), ...(isTime ? { incrs: DAY_STEPS } : {}) },
      { ...axis, values: (_, ticks) => ticks.map(told), size: 60 },
    ],
    series: names.map((label, index) => (index === 0
      ? { label, value: (_, value) => (value === null ? "" : x(value)) }
      : {
        label,
        stroke: colour(`--series-${((index - 1) % SERIES) + 1}`),
        width: 2,
        // Not by colour alone; what is stacked is told by its place.
        dash: kind === "stack" ? [] : DASHES[(index - 1) % SERIES],
        // In a calibration plot each row has a number of one series.
        spanGaps: kind === "diagonal",
        points: { show: kind === "diagonal", size: 8 },
        // What lies between two series is filled by the bands, what lies below the first one here.
        fill: kind === "stack" && index === 1 ? colour("--series-1") : undefined,
        value: (_, __, series, row) => (row === null ? "" : told(columns[series][row])),
      })),
    bands: kind === "stack" ? names.slice(2).map((_, index) => ({
      series: [index + 2, index + 1],
      fill: colour(`--series-${((index + 1) % SERIES) + 1}`),
    })) : [],
    legend: { markers: { fill: (_, index) => (index ? colour(`--series-${((index - 1) % SERIES) + 1}`) : "") } },
    hooks: kind === "diagonal" ? { draw: [drawDiagonal, (plot) => drawIntervals(plot, cells)] } : {},
  };
}

/**
 * Return columns of numbers, each on top of those before it; the first is x and stays.
 * @param {number[][]} columns
 * @returns {number[][]}
 */
function stack([x, ...columns]) {
  const sums = x.map(() => 0);
  return [x, ...columns.map((column) => column.map((value, row) => (sums[row] += value)))];
}

/** @param {uPlot} plot */
function drawDiagonal(plot) {
  const at = (share) => [plot.valToPos(share, "x", true), plot.valToPos(share, "y", true)];
  plot.ctx.save();
  plot.ctx.strokeStyle = colour("--line-strong");
  plot.ctx.setLineDash([6, 6]);
  plot.ctx.beginPath();
  plot.ctx.moveTo(...at(0));
  plot.ctx.lineTo(...at(1));
  plot.ctx.stroke();
  plot.ctx.restore();
}

/**
 * Draw the interval of each cell that has one, and below it how many it rests on.
 * @param {uPlot} plot
 * @param {HTMLTableCellElement[][]} cells
 */
function drawIntervals(plot, cells) {
  const { ctx } = plot;
  ctx.save();
  ctx.textAlign = "center";
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  cells.forEach((column, series) => column.forEach((cell, row) => {
    if (series === 0 || !cell.dataset.low) return;
    const x = plot.valToPos(plot.data[0][row], "x", true);
    const [low, high] = [cell.dataset.low, cell.dataset.high].map((one) => plot.valToPos(Number(one), "y", true));
    ctx.strokeStyle = ctx.fillStyle = colour(`--series-${series}`);
    ctx.beginPath();
    ctx.moveTo(x, low);
    ctx.lineTo(x, high);
    ctx.stroke();
    ctx.fillText(cell.dataset.n, x, low + 11 * devicePixelRatio);
  }));
  ctx.restore();
}

/** @param {HTMLElement} figure */
function draw(figure) {
  const target = figure.querySelector(".chart");
  const { names, columns, cells } = readTable(figure.querySelector("table"));
  if (!columns[0].length) return;
  target.classList.add("drawn");
  const plot = new uPlot(
    options(figure, names, columns, cells, target.clientWidth),
    figure.dataset.chart === "stack" ? stack(columns) : columns,
    target,
  );
  figure.querySelector("details").open = false;
  new ResizeObserver(() => plot.setSize({ width: target.clientWidth, height: HEIGHT })).observe(target);
}

document.querySelectorAll("[data-chart]").forEach(draw);
document.addEventListener("htmx:load", (event) => {
  event.detail.elt.querySelectorAll("[data-chart]:not(:has(.drawn))").forEach(draw);
});
