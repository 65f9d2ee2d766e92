"""The health page's Jinja template: one file, no requests, light and dark, readable on a phone."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Health of the pseudo-labels</title>
<style>
:root{--ink:#1b1b1b;--soft:#5b5b5b;--paper:#fff;--line:#d8d8d8}
@media(prefers-color-scheme:dark){:root{--ink:#ececec;--soft:#a9a9a9;--paper:#161616;--line:#3a3a3a}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:72rem;margin:0 auto;
padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .3rem}
.sum{display:flex;flex-wrap:wrap;gap:.5rem 1.6rem;padding:0;list-style:none}.sum b{font-size:1.5rem;display:block}
.scroll{overflow-x:auto}table{border-collapse:collapse}
th,td{padding:.25rem .6rem .25rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:bottom}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(7rem,1fr));gap:.6rem}
figure{margin:0}figure img{width:100%;display:block}img.plot{max-width:28rem;width:100%;background:#fff}
figcaption,small{font-size:.82rem;color:var(--soft)}
</style></head><body>
<h1>Health of the pseudo-labels</h1>
<ul class="sum"><li><b>{{ metrics.frames }}</b>frames</li><li><b>{{ metrics.people_found }}</b>people found</li>
<li><b>{{ metrics.people_kept }}</b>people kept</li><li><b>{{ "%.0f"|format(100 * metrics.joint_share.kept) }} %</b>of
joints accepted</li></ul>
<p>{{ trust_line }}</p>
<h2>Why joints and people are dropped</h2>
<div class="scroll"><table><tbody>
{% for reason, share in metrics.joint_share.items() %}<tr><td>joints {{ reason }}</td>
<td class="n">{{ "%.1f"|format(100 * share) }} %</td><td>{{ joints_mean[reason] }}</td></tr>
{% endfor %}{% for reason, count in metrics.people_dropped.items() %}<tr><td>people dropped: {{ reason.replace("_", " ")
}}</td><td class="n">{{ count }}</td><td>{{ people_mean[reason] }}</td></tr>
{% endfor %}</tbody></table></div>
<p>Of several reasons the first in this order counts. Trust, below, is what an accepted joint weighs in training, 0 to
1.</p>
<h2>Acceptance by joint and film</h2>
<p>Share of each joint that is accepted, 0 to 1.</p>
<div class="scroll"><table><thead><tr><th>film</th><th>people</th>{% for joint in joints %}<th>{{ joint }}</th>{% endfor
%}</tr></thead><tbody>
{% for film in films %}<tr><td>{{ film.name }}</td><td class="n">{{ film.people }}</td>{% for share in film.shares
%}<td class="n">{{ "%.2f"|format(share) }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
<h2>Precision on labelled people</h2>
{% if precision %}<p>The validation people, each scored by what was learned on other groups. They chose the cutoffs, so
these figures are a little too good.</p>
<div class="scroll"><table><thead><tr><th>joint</th><th>labelled</th><th>accepted</th><th>right of these</th></tr>
</thead><tbody>{% for row in precision %}<tr><td>{{ row.joint }}</td><td class="n">{{ row.labelled }}</td>
<td class="n">{{ "%.3f"|format(row.coverage) }}</td><td class="n">{{ row.precision }}</td></tr>
{% endfor %}</tbody></table></div>
<p><img class="plot" src="{{ reliability }}" alt="Reliability of BlazePose's confidence, and of the calibrated one"></p>
{% else %}<p>Nobody measured it: {{ why_not }}.</p>{% endif %}
{% for title, pictures in sheets %}<h2>{{ title }}</h2>
<div class="grid">{% for picture in pictures %}<figure><img src="{{ picture.uri }}" alt="{{ picture.caption }}">
<figcaption>{{ picture.caption }}</figcaption></figure>
{% endfor %}</div>
{% endfor %}</body></html>
"""
