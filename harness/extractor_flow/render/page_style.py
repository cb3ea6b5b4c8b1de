"""The look of the HTML report: one style sheet, light and dark, from a phone to a wide screen."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfbf9; --card: #ffffff; --ink: #1d2125; --quiet: #5b646e; --line: #dfe2e6; --accent: #2f5fb3;
  --good: #1f7a4d; --good-ground: #e3f4ea; --bad: #b3261e; --bad-ground: #fce8e6;
  --wait: #8a5a00; --wait-ground: #fdf1d8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1c2024; --ink: #e6e8ea; --quiet: #9aa4ae; --line: #33393f; --accent: #8ab0f5;
    --good: #7fd6a4; --good-ground: #17352a; --bad: #f4a29b; --bad-ground: #40201e;
    --wait: #f0c674; --wait-ground: #3a2f17;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 1.5rem clamp(0.9rem, 3vw, 2.5rem) 4rem;
  background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1 { font-size: clamp(1.35rem, 4.5vw, 1.9rem); line-height: 1.2; margin: 0 0 0.75rem; }
h2 { font-size: 1.15rem; margin: 0 0 0.75rem; }
section, header { margin-bottom: 2.25rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0; }
dl.facts dt { color: var(--quiet); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 0.75rem; }
.tiles { margin-top: 1.25rem; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; padding: 0.7rem 0.9rem; }
.tile b { display: block; font-size: 1.25rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); font-size: 0.9rem; }
.card, .scroll { background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; }
.card { padding: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 0.7rem; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
td.long { min-width: 12rem; max-width: 32rem; overflow-wrap: break-word; white-space: pre-wrap; }
td.short { white-space: pre; }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--card); }
tr:last-child td { border-bottom: 0; }
.none { color: var(--quiet); }
.status { display: inline-block; border-radius: 1rem; padding: 0 0.6rem; font-size: 0.86rem; font-weight: 600; }
.success { color: var(--good); background: var(--good-ground); }
.failed { color: var(--bad); background: var(--bad-ground); }
.skipped { color: var(--wait); background: var(--wait-ground); }
.banner { border-radius: 0.6rem; padding: 0.7rem 1rem; margin: 1rem 0 0; }
details { margin-top: 0.6rem; }
summary { cursor: pointer; color: var(--accent); overflow-wrap: anywhere; }
pre {
  overflow-x: auto; margin: 0.5rem 0 0; padding: 0.8rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 0.6rem; font-size: 0.84rem;
}
.chart { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: 0 1rem; align-items: center; }
.chart .name { overflow-wrap: anywhere; max-width: 40vw; font-size: 0.92rem; }
.track { position: relative; height: 2rem; margin: 0 1.6rem; border-bottom: 1px solid var(--line); }
.track > * { position: absolute; top: 50%; transform: translate(-50%, -50%); }
.track .interval { height: 0.5rem; border-radius: 0.25rem; background: var(--accent); opacity: 0.3; }
.track .interval { transform: translateY(-50%); }
.track .centre { width: 0.2rem; height: 1.2rem; background: var(--accent); border-radius: 0.1rem; }
.track .dot { width: 0.7rem; height: 0.7rem; border: 2px solid var(--accent); border-radius: 50%; }
.axis { border: 0; height: 1.6rem; color: var(--quiet); font-size: 0.82rem; font-variant-numeric: tabular-nums; }
figure { margin: 0 0 1.25rem; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; }
figcaption { color: var(--quiet); font-size: 0.88rem; margin-top: 0.3rem; }
@media (max-width: 34rem) {
  dl.facts { grid-template-columns: 1fr; } dl.facts dd { margin-bottom: 0.35rem; }
  .chart { grid-template-columns: 1fr; gap: 0.2rem; } .chart .name { max-width: none; margin-top: 0.5rem; }
}
@media print { body { max-width: none; } .scroll { overflow: visible; } }
"""
