"""The comparison report's Jinja template: one file, no requests, light, dark and print, readable on a phone."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>{{ title }}</title>
<style>
:root{--ink:#1b1f23;--soft:#57606a;--paper:#fff;--card:#f6f8fa;--line:#d0d7de;--candidate:#0063a3;--champion:#a3477f;
--promote:#00694d;--reject:#b3410c;--not-enough-evidence:#7d5a00}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a7afb8;--paper:#14171a;--card:#1e2226;
--line:#3a4148;--candidate:#6bb8f0;--champion:#e79bc8;--promote:#46cfa0;--reject:#ff9361;--not-enough-evidence:#f0c14c}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--ink);background:var(--paper);
max-width:66rem;margin:0 auto;padding:1rem 1rem 3rem;overflow-wrap:anywhere}
h1{font-size:clamp(1.4rem,4.5vw,2.1rem);line-height:1.2;margin:0}h2{font-size:1.2rem;margin:2.6rem 0 .6rem}
p{margin:.4rem 0}.soft,figcaption,small{color:var(--soft);font-size:.86rem}
.verdict{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem;align-items:center;padding:1.2rem;
border:1px solid var(--mark);border-left:.5rem solid var(--mark);border-radius:.5rem;
background:color-mix(in srgb,var(--mark) 9%,var(--paper))}
.verdict svg{width:3rem;height:3rem;color:var(--mark)}.verdict p{grid-column:1/-1}
.promote{--mark:var(--promote)}.reject{--mark:var(--reject)}.not-enough-evidence{--mark:var(--not-enough-evidence)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;margin:1rem 0}
.tiles div{border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}
.tiles b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.warning{border-left:.3rem solid var(--not-enough-evidence);padding:.1rem .8rem}
.rows{display:grid;gap:.1rem}
.row{display:grid;grid-template-columns:minmax(9rem,15rem) 1fr 13rem;gap:0 1rem;align-items:center;
border-bottom:1px solid var(--line);padding:.15rem 0}
.row .n{text-align:right;font-variant-numeric:tabular-nums}
.row .plot:has(.interval){position:relative;align-self:stretch;min-height:1.8rem;margin:-.15rem 0}
.interval{position:absolute;inset:0;overflow:visible}.axis,.bars{display:block;overflow:visible}
.axis text{font-size:12px;fill:var(--soft)}.row.last{border:0}.forest{margin-bottom:.8rem}.zero{stroke:var(--soft)}
.bars rect{fill:var(--who)}.bars .champion{fill:var(--paper);stroke:var(--who);stroke-width:1.6}
.errors{grid-template-columns:minmax(9rem,18rem) 1fr repeat({{ columns - 1 }},6rem)}
.candidate{--who:var(--candidate)}.champion{--who:var(--champion)}
.interval .whisker{stroke:var(--who);stroke-width:3}.interval circle{fill:var(--who)}
.champion.interval .whisker{stroke-dasharray:6 4}.champion.interval circle{fill:var(--paper);stroke:var(--who);
stroke-width:2.5}
.mark{stroke:var(--soft);stroke-dasharray:3 3}.grid{stroke:var(--line)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}
.chart{width:100%;height:auto;max-width:26rem}.chart text{font-size:12px;fill:var(--soft)}
.chart polyline{fill:none;stroke:var(--who);stroke-width:2.2}
.chart circle{fill:var(--who)}.chart rect{fill:var(--paper);stroke:var(--who);stroke-width:2}
table{border-collapse:collapse;width:100%}th,td{padding:.35rem .6rem .35rem 0;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line)}.n{text-align:right;font-variant-numeric:tabular-nums}th{font-size:.86rem;
color:var(--soft)}
.n,.answer,th{white-space:nowrap;overflow-wrap:normal}.yes{color:var(--promote)}.no{color:var(--reject)}.open{color:var(--not-enough-evidence)}
.people{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1.1rem}
figure{margin:0;break-inside:avoid}
.panels{display:grid;grid-template-columns:repeat({{ columns }},minmax(0,1fr));gap:3px}
.panels img{width:100%;aspect-ratio:3/4;object-fit:contain;background:#30363d;display:block;border-radius:2px}
.panels span{display:block;font-size:.8rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.key i{display:inline-block;width:1.6rem;border-top:3px solid var(--who);vertical-align:.25rem;margin:0 .4rem 0 .9rem}
.key .champion{border-top-style:dashed}dl{display:grid;grid-template-columns:minmax(7rem,14rem) 1fr;gap:.2rem 1rem;
margin:0}
dt{color:var(--soft)}dd{margin:0}
@media(max-width:44rem){.row{grid-template-columns:1fr auto}.row .plot{grid-column:1/-1;grid-row:2}
.row .n small{display:block}.row.errors{grid-template-columns:1fr repeat({{ columns - 1 }},auto)}
.hide{display:none}dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}th,td{padding-right:.35rem;font-size:.9rem}
th{font-size:.8rem}}
@media print{body{font-size:10.5pt;max-width:none;padding:0}h2{break-after:avoid}
.row,tr,figure,.chart,.verdict,.tiles div{break-inside:avoid}h2+p,.key{break-after:avoid;break-inside:avoid}
.panels span{font-size:6.5pt}
.tiles{grid-template-columns:repeat(5,1fr);gap:.4rem}.tiles b{font-size:1.1rem}
.charts{grid-template-columns:repeat(3,1fr)}
.people{grid-template-columns:repeat(3,1fr)}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
</style></head><body>
{% macro bounds(i, sign="") %}{{ ("%" ~ sign ~ ".3f")|format(i.value) }} <small>[{{ ("%" ~ sign ~ ".3f")|format(i.low)
}},
{{ ("%" ~ sign ~ ".3f")|format(i.high) }}]</small>{% endmacro %}
{% macro answer(passed) %}{% if passed is none %}<b class="open">? open</b>{% elif passed %}<b class="yes">&#10003;
holds</b>
{%- else %}<b class="no">&#10007; fails</b>{% endif %}{% endmacro %}
<header class="verdict {{ c.verdict }}"><svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.4"
stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="12" cy="12" r="10"/>
{% if c.verdict == "promote" %}<path d="M7.5 12.5l3 3 6-6.5"/>{% elif c.verdict == "reject" %}<path d="M8 8l8 8M16 8l-8
8"/>
{% else %}<path d="M9 9.2a3 3 0 1 1 4.2 2.7c-.9.4-1.2 1-1.2 2M12 17.4v.1"/>{% endif %}</svg>
<h1>{{ headline }}</h1><p>{{ c.reason }}</p></header>
{% for warning in c.warnings %}<p class="warning">{{ warning }}</p>{% endfor %}
<div class="tiles">{% for tile in tiles %}<div><small>{{ tile.name }}</small><b>{{ tile.value }}</b>
<small>{{ tile.more }}</small></div>{% endfor %}</div>
{% set key %}<p class="key soft"><i class="candidate"></i>candidate, filled{% if c.champion %}<i
class="champion"></i>champion,
dashed and hollow{% endif %}</p>{% endset %}
<main>
<h2>{{ "Gain and AP" if c.gain else "AP of the first model" }}</h2>{{ key }}
{% for group in deltas %}<div class="rows forest">{% for row in group.rows %}<div class="row"><span>{{ row.name
}}</span><span class="plot">{{ row.svg }}</span>
<span class="n">{{ bounds(row.interval, row.sign) }}</span></div>{% endfor %}<div class="row last"><span></span><span
class="plot">{{ group.axis }}</span></div></div>{% endfor %}
<p class="soft">{{ interval_words }}</p>
<h2>What the policy asks</h2>
<table><thead><tr><th>demand</th><th>answer</th><th class="hide n">measured</th><th class="hide
n">limit</th></tr></thead><tbody>
{% for check in c.checks %}<tr><td><b>{{ check.name }}</b><br><span class="soft">{{ check.sentence }}</span></td>
<td class="answer">{{ answer(check.passed) }}</td><td class="hide n">{{ "-" if check.measured is none else
"%.4g"|format(check.measured) }}</td>
<td class="hide n">{{ "%.4g"|format(check.limit) }}</td></tr>{% endfor %}</tbody></table>
<h2>All figures</h2>
<table><thead><tr><th></th><th class="n">candidate</th>{% if c.champion %}<th class="n">champion</th><th
class="n">gain</th>
{% endif %}</tr></thead><tbody>{% for row in figures %}<tr><td>{{ row.name }}</td>{% for value in row.cells %}
<td class="n">{{ value }}</td>{% endfor %}</tr>{% endfor %}</tbody></table>
<h2>Slices</h2><p class="soft">{{ "Gain of the candidate" if c.gain else "AP of the candidate" }} on parts of the test
set.
{% if c.gain %}Right of the upright line it is better. &#9873; marks
those that the policy guards; the dashed line is how much worse it lets them be. {% endif %}People and effective
clusters stand behind each name.{% if pose_words %} {{ pose_words }}{% endif %}</p>
<div class="rows">{% for row in slices %}<div class="row"><span>{{ row.name }}{% if row.guarded and c.gain %} <span
title="guarded" aria-label="guarded">&#9873;</span>{% endif %}<br><small>{{ row.people }} {{
"people" if row.people != 1 else "person" }}, {{ "%.0f"|format(row.clusters) }}
cluster{{ "s" if "%.0f"|format(row.clusters) != "1" }}</small></span>{%
if row.svg %}<span class="plot">{{ row.svg }}</span><span class="n">{{ bounds(row.interval,
row.sign) }}</span>
{% else %}<span class="plot soft">too few clusters for an interval</span><span class="n">-</span>{% endif %}</div>{%
endfor %}<div class="row last"><span></span><span class="plot">{{ slice_axis }}</span></div></div>
<h2>Precision, recall and reliability</h2>{{ key }}
<div class="charts">{% for chart in charts %}<figure>{{ chart.svg }}<figcaption>{{ chart.caption
}}</figcaption></figure>
{% endfor %}</div>
<h2>Where AP is lost</h2><p class="soft">AP that would be gained if each kind of error were fixed, after those above
it, and how often it happens. Shorter bars are better.</p>{{ key }}
<div class="rows"><div class="row errors soft"><span>error</span><span class="plot"></span>{% for who in models %}
<span class="n">{{ who }}</span>{% endfor %}</div>
{% for row in errors %}<div class="row errors"><span>{{ row.name }}<br><small>{{ row.meaning }}</small></span>
<span class="plot">{{ row.svg }}</span>{% for cost, count in row.cells %}<span class="n">{{ cost }}<br><small>{{ count
}}</small></span>{% endfor %}</div>{% endfor %}</div>
{% if c.shadow %}<h2>In the champion's shadow</h2><p class="soft">Both models answered the same people in production
between {{ c.shadow.since }} and {{ c.shadow.until }}. Two answers agree from an OKS of {{ c.shadow.differ_below }}
on, a joint from that similarity on. The intervals (Wilson, {{ "%.0f"|format(100 * c.policy.level) }} %) take people as
independent, which frames of one film are not. This decides nothing. {{ shadow_words }}</p>
<table><thead><tr><th></th><th class="n">agreed</th><th class="n">compared</th><th
class="n">share</th></tr></thead><tbody>
{% for row in c.shadow.rows %}<tr><td>{{ row.name }}</td><td class="n">{{ row.agreed }}</td>
<td class="n">{{ row.compared }}</td><td class="n">{{ bounds(row.rate) }}</td></tr>{% endfor
%}</tbody></table>{% endif %}
<h2>{{ "Where the two differ most" if c.champion else "Where the candidate is worst" }}</h2>
<p class="soft">{{ people_words }} The person's left is blue, right is orange; hollow joints are labelled as
occluded.</p>
<div class="people">{% for person in people %}<figure><div class="panels">{% for panel in person.panels %}<div><img
alt="{{ panel.alt }}" src="{{ panel.source }}"><span>{{ panel.title }}</span></div>{% endfor %}</div>
<figcaption>{{ person.name }}{% if person.gain is not none %}: {{ "candidate better" if person.gain > 0 else "champion
better" }}
by {{ "%.2f"|format(person.gain|abs) }}{% endif %}</figcaption></figure>{% endfor %}</div>
<h2>Test set and risk of a false promotion</h2>
<dl>{% for name, value in test.items() %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{%
endfor %}</dl>
<h2>Lineage</h2>{% for who, facts in lineage.items() %}<h3>{{ who }}</h3><dl>{% for name, value in facts.items() %}
<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>{% endfor %}
</main></body></html>
"""
