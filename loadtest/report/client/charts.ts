/** Draws the charts of a report's page from the data in it. Runs in the browser; bundled into the page. */
import UPlot from 'uplot';
import type { Phase } from '../../load/phases.ts';
import type { Chart, Tone } from '../chart.ts';

interface PageData {
  readonly charts: readonly Chart[];
  readonly phases: readonly Phase[];
}

const HEIGHT = 260;
const { charts, phases } = JSON.parse(document.getElementById('charts')?.textContent ?? '{}') as PageData;
const containers = new Map(
  [...document.querySelectorAll<HTMLElement>('[data-chart]')].map((element) => [
    element.dataset.chart,
    element,
  ]),
);
const drawn: UPlot[] = [];

/** Colours live in the style sheet, so that they follow the reader's scheme. */
function colour(name: Tone | 'ink' | 'grid' | 'band'): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function draw(chart: Chart, container: HTMLElement): UPlot {
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = (scale: string, label: string | null, side: number): UPlot.Axis => ({
    scale,
    side,
    stroke: colour('ink'),
    font,
    labelFont: font,
    ...(label === null ? {} : { label }),
    labelSize: 20,
    size: side === 2 ? 36 : 56,
    grid: { stroke: colour('grid'), width: 1, show: scale !== 'right' },
    ticks: { stroke: colour('grid'), width: 1 },
    values: (_, splits) => splits.map((split) => (split === null ? '' : toShort(split))),
  });
  return new UPlot(
    {
      width: container.clientWidth,
      height: HEIGHT,
      cursor: { sync: { key: 'loadtest' }, drag: { x: true, y: false } },
      scales: {
        x: { time: false },
        left: chart.isLogarithmic
          ? { distr: 3, log: 10 }
          : { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
        ...(chart.rightUnit === null
          ? {}
          : { right: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } }),
      },
      series: [
        { label: 'Time', value: (_, value) => (value === null ? '-' : `${value} s`) },
        ...chart.lines.map(
          ({ label, tone, axis: scale, values }): UPlot.Series => ({
            label,
            scale,
            stroke: colour(tone),
            width: 2,
            // A lone point has no line to be seen by.
            points: { show: values.length < 2 },
            value: (_, value) => (value === null ? '-' : toShort(value)),
          }),
        ),
      ],
      axes: [
        axis('x', 'seconds since the start', 2),
        axis('left', chart.leftUnit, 3),
        ...(chart.rightUnit === null ? [] : [axis('right', chart.rightUnit, 1)]),
      ],
      hooks: { drawClear: [drawPhases] },
    },
    [[...chart.timesS], ...chart.lines.map(({ values }) => [...values])],
    container,
  );
}

/** Every other phase as a band, each with its name at the top where there is room for it. */
function drawPhases(plot: UPlot): void {
  if (phases.length < 2) return;
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.textBaseline = 'top';
  ctx.font = `${11 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
  for (const [index, { name, fromMs }] of phases.entries()) {
    const left = plot.valToPos(fromMs / 1_000, 'x', true);
    const next = phases[index + 1];
    const right = next === undefined ? bbox.left + bbox.width : plot.valToPos(next.fromMs / 1_000, 'x', true);
    if (index % 2 === 0) {
      ctx.fillStyle = colour('band');
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.fillStyle = colour('ink');
    const gap = 4 * devicePixelRatio;
    if (ctx.measureText(name).width + 2 * gap > right - left) continue;
    ctx.fillText(name, left + gap, bbox.top + gap);
  }
  ctx.restore();
}

function toShort(value: number): string {
  return value.toLocaleString('en-US', {
    maximumSignificantDigits: 3,
    notation: value >= 10_000 ? 'compact' : 'standard',
  });
}

function drawAll(): void {
  for (const plot of drawn.splice(0)) plot.destroy();
  for (const chart of charts) {
    const container = containers.get(chart.id);
    if (container !== undefined && chart.timesS.length > 0) drawn.push(draw(chart, container));
  }
}

document.getElementById('unscripted')?.remove();
drawAll();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
new ResizeObserver(() => {
  for (const plot of drawn) {
    const width = plot.root.parentElement?.clientWidth ?? plot.width;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  }
}).observe(document.body);
