"""The Jinja template of a round's page: one file, no requests, light and dark, readable on a phone."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>{{ title }}</title>
<style>
:root{--ink:#1b1f23;--soft:#57606a;--paper:#fff;--line:#d0d7de;--promote:#00694d;--reject:#b3410c;--open:#7d5a00}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a7afb8;--paper:#14171a;--line:#3a4148;--promote:#46cfa0;
--reject:#ff9361;--open:#f0c14c}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:66rem;margin:0 auto;
padding:1rem 1rem 3rem;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.3rem 0}h2{font-size:1.2rem;margin:2.2rem 0 .4rem}
p{margin:.4rem 0}.soft,small,figcaption{color:var(--soft);font-size:.86rem}
.sum{display:flex;flex-wrap:wrap;gap:.5rem 1.6rem;padding:0;list-style:none}.sum b{font-size:1.4rem;display:block}
.verdict{border:1px solid var(--mark);border-left:.5rem solid var(--mark);border-radius:.5rem;padding:.8rem 1rem}
.promote{--mark:var(--promote)}.reject{--mark:var(--reject)}.not-enough-evidence{--mark:var(--open)}
.warning{border-left:.3rem solid var(--open);padding:.1rem .8rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{padding:.3rem .6rem .3rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}th{font-size:.86rem;color:var(--soft)}
figure{margin:1rem 0}figure img{max-width:100%;display:block}
dl{display:grid;grid-template-columns:minmax(7rem,14rem) 1fr;gap:.2rem 1rem;margin:0}dt{color:var(--soft)}dd{margin:0}
</style></head><body>
{% macro figure(name) %}{% if pictures[name] %}<figure><img alt="{{ name }}" src="{{ pictures[name] }}">
<figcaption>{{ name }}</figcaption></figure>{% endif %}{% endmacro %}
{% macro interval(i, sign="") %}{{ ("%" ~ sign ~ ".3f")|format(i.value) }}
<small>[{{ ("%" ~ sign ~ ".3f")|format(i.low) }}, {{ ("%" ~ sign ~ ".3f")|format(i.high) }}]</small>{% endmacro %}
{% macro requests(rows, served) %}<div class="scroll"><table><thead><tr><th>request</th><th>asked by</th><th>about</th>
<th>reason</th><th class="n">renders</th><th class="n">labels</th>
{% if served %}<th>what it brought</th>{% endif %}</tr></thead><tbody>
{% for r in rows %}<tr><td>{{ r.id }}</td><td>{{ r.asked_by }}, round {{ r.round }}</td>
<td>{{ r.part or "these poses" }}</td><td>{{ r.reason }}</td><td class="n">{{ r.renders }}</td>
<td class="n">{{ r.labels }}</td>{% if served %}<td>{{ r.brought.words or "not known yet" }}</td>{% endif %}</tr>
{% endfor %}</tbody></table></div>{% endmacro %}
<h1>{{ title }}</h1>
<p class="soft">Begun {{ round.started }}, ended {{ round.ended }}, from commit {{ round.commit[:12] }}</p>
{% if round.uncommitted %}<p class="warning">This round cannot be repeated from a commit. Not in git:
{{ round.uncommitted|join(", ") }}</p>{% endif %}
{% if f.decided %}<div class="verdict {{ f.decided.verdict }}"><b>{{ f.decided.verdict }}</b>{% if f.decided.outcome %}
&rarr; {{ f.decided.outcome }}{% endif %}<p>{{ f.decided.reason }}</p></div>
{% for warning in f.decided.warnings %}<p class="warning">{{ warning }}</p>{% endfor %}{% endif %}
<ul class="sum">{% for value, what in tiles %}<li><b>{{ value }}</b>{{ what }}</li>{% endfor %}</ul>

<h2>Asked</h2>
{% if f.asked %}{{ requests(f.asked, true) }}{% else %}<p>No request was open in this round.</p>{% endif %}
<h2>Rendered</h2>
{% if f.rendered %}<p>{{ f.rendered.images }} images with {{ f.rendered.people }} people from the library,
{{ f.rendered.requested }} images for requests.</p>
{% if f.rendered.requests %}<ul>{% for id, made in f.rendered.requests.items() %}
<li>{{ id }}: {{ made.renders }} images;
{{ made.fitted }} of {{ made.people }} example poses fitted{% if made.why %} ({{ made.why }}){% endif %}</li>
{% endfor %}</ul>{% endif %}{% else %}<p>Nothing: this pipeline does not render.</p>{% endif %}
{{ figure("Renders for requests") }}{{ figure("Renders") }}
<h2>Labelled</h2>
{% if f.labelled %}{% if f.labelled.by_people %}<p>By people since the round before: {{ f.labelled.by_people.images }}
pictures, {{ f.labelled.by_people.joints }} joints{% if f.labelled.by_people.minutes %},
{{ f.labelled.by_people.minutes }} minutes{% endif %}.</p>{% endif %}
{% if f.labelled.by_teachers %}<p>By the teachers: {{ f.labelled.by_teachers.people_kept }} of
{{ f.labelled.by_teachers.people_found }} people in {{ f.labelled.by_teachers.frames }} frames.</p>{% endif %}
{% else %}<p>Nothing is known of labels.</p>{% endif %}
<h2>Learnt</h2>
{% if f.learnt.test %}<p>AP on the test set: {{ interval(f.learnt.test.AP) }}{% if f.learnt.test.champion_AP %}; the
champion {{ interval(f.learnt.test.champion_AP) }}; gain {{ interval(f.learnt.test.gain, "+") }}{% endif %}
{% if before and before.learnt and before.learnt.test %}. The round before: {{ interval(before.learnt.test.AP) }}
{% endif %}.</p>{% endif %}
<dl>{% for stage in ("fit-teacher", "fit-student") %}{% if f.learnt[stage] %}<dt>{{ stage }}</dt>
<dd>validation AP {{ "%.3f"|format(f.learnt[stage].val_oks_ap) }}</dd>{% endif %}{% endfor %}</dl>
{% if f.learnt.slices %}<div class="scroll"><table><thead><tr><th>slice</th><th class="n">people</th><th>AP</th>
<th>gain over the champion</th></tr></thead><tbody>{% for name, s in f.learnt.slices.items() %}<tr><td>{{ name }}</td>
<td class="n">{{ s.people }}</td><td>{{ interval(s.AP) }}</td><td>{% if s.gain %}{{ interval(s.gain, "+") }}{% endif %}
</td></tr>{% endfor %}</tbody></table></div>{% endif %}
{{ figure("Student on validation people") }}
{% if f.drift %}<h2>Drift</h2>
<p>{{ f.drift.words }}</p>
{% if f.drift.farthest_films %}<p>Farthest from the training people, in their spread:
{% for film in f.drift.farthest_films %}{{ film.film }} ({{ film.distance }}){{ "" if loop.last else ", " }}
{% endfor %}</p>{% endif %}
{% if f.drift.new_films %}<p>New films in the pool: {{ f.drift.new_films|join(", ") }}</p>{% endif %}
<dl>{% for test in f.drift.tests %}<dt>{{ test.what }}</dt><dd>{{ test.words }}</dd>{% endfor %}</dl>{% endif %}
<h2>Decided</h2>
{% if f.decided %}<p>{{ f.decided.outcome_reason or f.decided.reason }}</p><dl><dt>candidate</dt>
<dd>{{ f.decided.candidate }}</dd><dt>champion</dt><dd>{{ f.decided.champion or "none" }}</dd></dl>
{% else %}<p>Nothing: this pipeline does not compare.</p>{% endif %}
<h2>Asked of the next round</h2>
{% if f.next %}{{ requests(f.next, false) }}{% else %}<p>No request waits.</p>{% endif %}
{% if f.to_label %}<p>To label: {{ f.to_label.images }} images, {{ f.to_label.people }} people
{%- if f.to_label.minutes %}, about {{ f.to_label.minutes }} minutes{% endif %},
chosen by {{ f.to_label.strategy }}.</p>
<ol>{% for pick in f.to_label.first %}<li>{{ pick.why }}</li>{% endfor %}</ol>{% endif %}
{{ figure("To label") }}
<h2>How long it took</h2>
<dl>{% for name, seconds in f.seconds.items() %}<dt>{{ name }}</dt><dd>{{ "%.0f"|format(seconds) }} s</dd>
{% endfor %}</dl>
</body></html>
"""
