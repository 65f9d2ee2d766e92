"""The quality page's Jinja template: one file, no requests, light and dark, readable on a phone."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Quality of the labelled set</title>
<style>
:root{--ink:#1b1b1b;--soft:#5b5b5b;--paper:#fff;--line:#d8d8d8;--bad:#b3410c;--doubt:#8a6100;--good:#00795a}
@media(prefers-color-scheme:dark){:root{--ink:#ececec;--soft:#a9a9a9;--paper:#161616;--line:#3a3a3a;--bad:#ff8a50;
--doubt:#f0bf4c;--good:#3fc89d}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:64rem;margin:0 auto;
padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .3rem}
.sum{display:flex;flex-wrap:wrap;gap:.5rem 1.6rem;padding:0;list-style:none}.sum b{font-size:1.5rem;display:block}
.scroll{overflow-x:auto}table{border-collapse:collapse;min-width:100%}
th,td{padding:.3rem .7rem .3rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}.quarantine{color:var(--bad)}.suspect{color:var(--doubt)}
.none{color:var(--soft)}.good{color:var(--good)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.8rem}
.pairs{grid-template-columns:repeat(auto-fill,minmax(17rem,1fr))}
figure{margin:0}figure img{width:100%;height:auto;display:block;background:#888}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:2px;align-items:start}
figcaption,small{font-size:.82rem;color:var(--soft)}figcaption b{color:var(--ink)}
</style></head><body>
<h1>Quality of the labelled set</h1>
<ul class="sum">
{% for name in ("in", "kept", "quarantined", "merged", "left_out", "passed_over") if name not in
("left_out", "passed_over") or document.counts[name] %}<li><b>{{ document.counts[name] }}</b>records
{{ name.replace("_", " ") }}</li>
{% endfor %}<li><b>{{ document.kept.suspect_people }}</b>people suspect</li></ul>
<p>{{ document.counts["in"] }} = {{ document.counts.kept }} kept + {{ document.counts.quarantined }} quarantined +
{{ document.counts.merged }} merged{% if document.counts.left_out %} + {{ document.counts.left_out }} left out{% endif
%}{% if document.counts.passed_over %} + {{ document.counts.passed_over }} passed over{% endif
%}, images and annotations together. Kept: {{ document.kept.images }} images, {{ document.kept.people }} people.
Suspects are kept: look at them, then correct or drop them.</p>
{% if document.passed_over or document.assumed %}<h2>What was read</h2>
<div class="scroll"><table><tbody>{% for kind, count in document.passed_over.items() %}<tr><td>passed over: {{ kind
}}</td><td class="n">{{ count }}</td><td>{{ passed_over[kind] }}{% if kind == "other category" %}: {% for name, number
in document.other_categories.items() %}{{ name }} {{ number }}{{ ", " if not loop.last }}{% endfor %}{% endif %}</td>
</tr>{% endfor %}{% for what, count in document.assumed.items() %}<tr><td>taken for granted</td><td class="n">{{ count
}}</td><td>{{ what }}</td></tr>{% endfor %}</tbody></table></div>
<p>What is passed over is valid and holds nothing to learn from; it counts neither as kept nor as bad.</p>{% endif %}
<h2>Checks</h2>
<div class="scroll"><table><thead><tr><th>check</th><th>found</th><th>what it means</th></tr></thead><tbody>
{% for name, check in document.checks.items() %}<tr><td>{% if check.found %}<a class="{{ check.severity }}"
href="#{{ name }}">{{ name }}</a>{% else %}<span class="none">{{ name }}</span>{% endif %}</td>
<td class="n">{{ check.found }}</td><td>{{ check.says }} <small>({{ check.severity }})</small></td></tr>
{% endfor %}</tbody></table></div>
<h2>Splits</h2>
<p>{% for name, count in document.splits.items() %}{{ name }} {{ count }} images{{ ", " if not loop.last }}{% endfor %}.
{% if document.near_duplicates.across_splits %}<strong class="quarantine">{{ document.near_duplicates.across_splits }}
near-duplicate pairs lie across splits.</strong>{% else %}<span class="good">No near duplicates lie across
splits.</span>{% endif %}
{% if document.info.near_duplicates_note %}{{ document.info.near_duplicates_note }}{% endif %}</p>
{% if document.pool %}<h2>Pool</h2>
<p>{{ document.pool.kept }} unlabelled frames kept, {{ document.pool.frames|length }} left out{% if
document.pool.frames %}: {% for kind, count in document.pool.left_out.items() if count %}{{ count }} {{ kind
}}{{ ", " if not loop.last }}{% endfor %}. What validation or test holds is not offered for labelling or learning;
quality.json names every frame{% endif %}.</p>
{% if document.pool.films %}<div class="scroll"><table><thead><tr><th>film</th><th>name of its frames</th>
<th>decoded</th><th>lost</th><th>damaged</th><th>sampled</th></tr></thead><tbody>{% for film in document.pool.films %}
<tr><td>{{ film.file }}</td>
<td>{{ film.name }}</td><td class="n">{{ film.decoded }}</td>{% for count in (film.lost, film.damaged)
%}<td class="n">{% if count %}<strong class="quarantine">{{ count }}</strong>{% else %}0{% endif %}</td>{% endfor
%}<td class="n">{{ film.sampled }}</td></tr>
{% endfor %}</tbody></table></div>{% endif %}{% endif %}
{% if pairs %}<h2>Near duplicates</h2>
<p>{{ document.near_duplicates.pairs }} pairs in {{ document.near_duplicates.clusters }} clusters of together
{{ document.near_duplicates.images }} images.{% if document.near_duplicates.pairs > pairs|length %}
{{ pairs|length }} are shown, the least alike first.{% endif %}</p>
<div class="grid pairs">{% for pair in pairs %}<figure><div class="pair"><img alt="" loading="lazy"
src="{{ pair.first }}"><img alt="" loading="lazy" src="{{ pair.second }}"></div>
<figcaption>{{ pair.caption }}</figcaption></figure>
{% endfor %}</div>{% endif %}
{% for section in sections %}<h2 id="{{ section.name }}" class="{{ section.severity }}">{{ section.name }}:
{{ section.found }}</h2><p>{{ section.says }}{% if section.found > section.shown %}; the {{ section.shown }} worst
are shown, quality.json lists all{% endif %}.</p>
<div class="grid">{% for item in section.pictures %}<figure><img alt="" loading="lazy" src="{{ item.source }}">
<figcaption><b>{{ item.id }}</b> {{ item.file }}<br>{{ item.reason }}</figcaption></figure>
{% endfor %}</div>
{% if section.lines %}<div class="scroll"><table><tbody>{% for item in section.lines %}<tr><td>{{ item.file }}</td>
<td>{{ item.table }} {{ item.id }}</td><td>{{ item.reason }}</td></tr>
{% endfor %}</tbody></table></div>{% endif %}
{% endfor %}
{% if document.info %}<h2>Facts</h2><div class="scroll"><table><tbody>{% for name, value in document.info.items() %}<tr>
<td>{{ name.replace("_", " ") }}</td><td>{{ value }}</td></tr>{% endfor %}</tbody></table></div>{% endif %}
<p><small>Drawn joints: the person's left is blue, right is orange; hollow joints are labelled as occluded.</small></p>
</body></html>
"""
