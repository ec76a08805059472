// The style sheet of a report: light and dark by the reader's preference, readable from 400 pixels of width on.
#pragma once

#include <string_view>

namespace loom::report {

inline constexpr std::string_view kReportStyle = R"css(
:root { --page: #ffffff; --panel: #f5f6f8; --text: #1b1f24; --faint: #59636e; --line: #d9dde2; --first: #1f66d0; --second: #c2570c;
        --third: #59636e; --fourth: #178a5a; --fifth: #a3268f; --sixth: #8a6d00; --seventh: #0b7f93; --eighth: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171b; --panel: #1e2329; --text: #e6e9ed; --faint: #9aa5b1; --line: #333b44; --first: #7db2ff; --second: #ffb066;
        --third: #9aa5b1; --fourth: #5fd3a0; --fifth: #f08be0; --sixth: #e3c44f; --seventh: #5fd0e3; --eighth: #ff8f87; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.2rem 1rem 3rem; background: var(--page); color: var(--text);
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { margin: 0; font-size: 1.7rem; }
h1 + p { margin: .2rem 0 1rem; color: var(--faint); }
.finding { margin: 1rem 0 0; white-space: pre-line; }
h2 { margin: 2rem 0 .7rem; font-size: 1.15rem; }
.tiles { display: grid; gap: .7rem; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); }
.tile { padding: .6rem .8rem; border-radius: .5rem; background: var(--panel); }
.tile span, .tile small { display: block; color: var(--faint); font-size: .8rem; overflow-wrap: anywhere; }
.tile strong { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; }
.charts { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr)); }
figure { margin: 0; padding: .5rem; border-radius: .5rem; background: var(--panel); }
figcaption { padding-top: .4rem; color: var(--faint); font-size: .85rem; }
.pictures { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); align-items: start; }
.pictures img { display: block; width: 100%; height: auto; image-rendering: pixelated; }
.traversal > div { display: grid; grid-template-columns: auto 1fr; gap: .6rem; }
.traversal .rows { display: grid; grid-auto-rows: 1fr; align-items: center; color: var(--faint); font-size: .8rem; white-space: nowrap; }
.chart { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
.chart .title { fill: var(--text); font-weight: 600; }
.chart .label { fill: var(--faint); font-size: 11px; }
.chart .grid { stroke: var(--line); }
.chart .mark { stroke: var(--second); stroke-width: 1.4; stroke-dasharray: 4 3; }
.chart path { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.chart .series-0 path { stroke: var(--first); } .chart .series-0 circle { fill: var(--first); }
.chart .series-1 path { stroke: var(--second); } .chart .series-1 circle { fill: var(--second); }
.chart .series-2 path { stroke: var(--third); } .chart .series-2 circle { fill: var(--third); }
.chart .series-3 path { stroke: var(--fourth); } .chart .series-3 circle { fill: var(--fourth); }
.chart .series-4 path { stroke: var(--fifth); } .chart .series-4 circle { fill: var(--fifth); }
.chart .series-5 path { stroke: var(--sixth); } .chart .series-5 circle { fill: var(--sixth); }
.chart .series-6 path { stroke: var(--seventh); } .chart .series-6 circle { fill: var(--seventh); }
.chart .series-7 path { stroke: var(--eighth); } .chart .series-7 circle { fill: var(--eighth); }
.chart .bars path { fill: var(--first); stroke: none; }
.by-time, #axis-time:checked ~ .charts .by-steps { display: none; }
#axis-time:checked ~ .charts .by-time { display: block; }
.curves > label { margin: 0 1rem 0 .2rem; color: var(--faint); font-size: .88rem; }
.curves > .charts { margin-top: .5rem; }
.note { margin: .6rem 0 0; color: var(--faint); font-size: .88rem; }
.wide { overflow-x: auto; }
.columns { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); align-items: start; }
table { width: 100%; border-collapse: collapse; font-size: .88rem; }
th, td { padding: .25rem .6rem .25rem .3rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
tbody th, table:not(.graph):not(.history) th { width: 9rem; color: var(--faint); font-weight: 500; }
.graph td { white-space: nowrap; }
.history th { color: var(--faint); font-weight: 500; }
.history .what { white-space: pre-line; overflow-wrap: anywhere; min-width: 20rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font: .92em/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
details { margin-top: 1rem; }
summary { cursor: pointer; }
pre { padding: .8rem; overflow-x: auto; border-radius: .5rem; background: var(--panel); }
)css";

}  // namespace loom::report
