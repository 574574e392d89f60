"""Chat templates: every way to Python that runs under plain Jinja is hostile, and what well-known models do is plain."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mvc.scan.formats.jinja import templates
from mvc.scan.verdict import Rule, Verdict
from tests.scan.formats.cases import Case, broken, check, report

MADE = ".os.mkdir('ran')"
SUBCLASS = "{{ c.__init__.__globals__['mkdir']('ran') }}{% endfor %}"
PICK = "{% set u = bos_token[7] %}"

HOSTILE = {
    "subclasses": (
        "{% for c in ''.__class__.__mro__[1].__subclasses__() if c.__name__ == '_wrap_close' %}" + SUBCLASS,
        "template-underscore",
    ),
    "lipsum": ("{{ lipsum.__globals__" + MADE + " }}", "template-global", "template-underscore"),
    "cycler": ("{{ cycler.__init__.__globals__" + MADE + " }}", "template-global", "template-underscore"),
    "joiner in a branch": (
        "{% if true %}{% set x = joiner %}{{ x.__init__.__globals__" + MADE + " }}{% endif %}",
        "template-global",
        "template-underscore",
    ),
    "namespace": ("{{ namespace.__init__.__globals__" + MADE + " }}", "template-underscore"),
    "self": (
        "{{ self._TemplateReference__context.environment.undefined.__init__.__globals__['sys'].modules['os'].mkdir('ran') }}",
        "template-global",
        "template-underscore",
    ),
    "string key": ("{{ namespace['__init__']['__globals__']" + MADE + " }}", "template-underscore"),
    "escaped key": (
        r"{{ namespace['\x5f\x5finit\x5f\x5f']['\137_globals\u005f_']" + MADE + " }}",
        "template-underscore",
    ),
    "spaces and signs": ("{{- namespace . __init__\n. __globals__ " + MADE + " -}}", "template-underscore"),
    "joined key": (
        "{{ namespace['_' ~ '_init_' ~ '_']['_' ~ '_globals_' ~ '_']" + MADE + " }}",
        "template-computed",
    ),
    "added key": (
        "{{ namespace['_' + '_init_' + '_']['_' + '_globals_' + '_']" + MADE + " }}",
        "template-computed",
    ),
    "joined list": (
        "{{ namespace[['_', '_init_', '_']|join][['_', '_globals_', '_']|join]" + MADE + " }}",
        "template-computed",
    ),
    "replaced key": (
        "{{ namespace['@@init@@'.replace('@', '_')]['@@globals@@'|replace('@', '_')]" + MADE + " }}",
        "template-computed",
    ),
    "formatted key": (
        "{{ namespace['%c%cinit%c%c'|format(95, 95, 95, 95)]['%c%cglobals%c%c' % (95, 95, 95, 95)]" + MADE + " }}",
        "template-computed",
    ),
    "underscore of the data": (
        PICK
        + "{% set i = u * 2 ~ 'init' ~ u * 2 %}{% set k = u * 2 ~ 'globals' ~ u * 2 %}{{ namespace[i][k]"
        + MADE
        + " }}",
        "template-computed",
    ),
    "block set": (
        PICK + "{% set k %}{{ u }}{{ u }}globals{{ u }}{{ u }}{% endset %}"
        "{% set i %}{{ u }}{{ u }}init{{ u }}{{ u }}{% endset %}{{ namespace[i|string][k|string]" + MADE + " }}",
        "template-computed",
    ),
    "through a list": (
        PICK + "{% set names = [u * 2 ~ 'init' ~ u * 2, u * 2 ~ 'globals' ~ u * 2] %}"
        "{{ namespace[names[0]][names[1]]" + MADE + " }}",
        "template-computed",
    ),
    "through a namespace": (
        PICK
        + "{% set ns = namespace() %}{% set ns.i = u * 2 ~ 'init' ~ u * 2 %}{% set ns.k = u * 2 ~ 'globals' ~ u * 2 %}"
        "{{ namespace[ns.i][ns['k']]" + MADE + " }}",
        "template-computed",
    ),
    "through a loop": (
        PICK + "{% for k in [u * 2 ~ 'globals' ~ u * 2] %}{% for i in [u * 2 ~ 'init' ~ u * 2] %}"
        "{{ namespace[i][k]" + MADE + " }}{% endfor %}{% endfor %}",
        "template-computed",
    ),
    "through a macro": (
        PICK + "{% macro get(x, i, k) %}{{ x[i][k]" + MADE + " }}{% endmacro %}"
        "{{ get(namespace, u * 2 ~ 'init' ~ u * 2, u * 2 ~ 'globals' ~ u * 2) }}",
        "template-computed",
    ),
    "through append": (
        PICK + "{% set names = [] %}{% if names.append(u * 2 ~ 'init' ~ u * 2) %}{% endif %}"
        "{% if names.append(u * 2 ~ 'globals' ~ u * 2) %}{% endif %}{{ namespace[names[0]][names[1]]" + MADE + " }}",
        "template-computed",
    ),
    "attr": (
        PICK
        + "{% set g = namespace|attr(u * 2 ~ 'init' ~ u * 2)|attr(u * 2 ~ 'globals' ~ u * 2) %}{{ g"
        + MADE
        + " }}",
        "template-attribute",
    ),
    "map of attr": (
        PICK
        + "{% set g = [namespace]|map('attr', u * 2 ~ 'init' ~ u * 2)|map('attr', u * 2 ~ 'globals' ~ u * 2)|first %}"
        "{{ g" + MADE + " }}",
        "template-attribute",
        "template-computed",
    ),
    "map of an attribute": (
        "{% set g = [namespace]|map(attribute='__init__')|map(attribute='__globals__')|first %}{{ g" + MADE + " }}",
        "template-underscore",
    ),
    "keyword as a name": (
        "{% set i = dict(__init__=1)|first %}{% set k = dict(__globals__=1)|first %}{{ namespace[i][k]" + MADE + " }}",
        "template-underscore",
    ),
    "after a raw block": (
        "{% raw %}{{ x {% endraw %}{{ namespace.__init__.__globals__" + MADE + " }}",
        "template-underscore",
    ),
    "braces before the end": ("{{ {'a': {'}}': namespace.__init__.__globals__" + MADE + "}} }}", "template-underscore"),
}
"""Templates that make a folder when plain Jinja renders them, and the rules that they break."""

OTHERS = {
    "include": ("{% include '/etc/passwd' %}", "template-include"),
    "import": ("{% from 'x' import y %}", "template-include"),
    "format of an attribute": ("{{ '{0.real}'.format(1) }}", "template-format"),
    "format of data": ("{{ messages[0].content.format(x) }}", "template-format"),
    "format_map": ("{{ '{x}'.format_map(messages) }}", "template-format"),
    "generator": ("{{ x.gi_frame }}", "template-underscore"),
    "class by name": ("{% set __x = 1 %}", "template-underscore"),
    "no end": ("{{ x ", "template-syntax"),
    "no expression": ("{{ x ? y }}", "template-syntax"),
    "unknown tag": ("{% debug %}", "template-syntax"),
    "comment without an end": ("{# x", "template-syntax"),
}

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
HONEST = {
    "chatml": CHATML,
    "system prompt and turns in brackets": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}
{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}
{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Roles must alternate user/assistant/user/assistant/...') }}{% endif %}
{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' +
message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}
{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}
{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}""",
    "headers and dates": """{{- bos_token }}{%- if not date_string is defined %}{%- if strftime_now is defined %}
{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system_message = "" %}{%- endif %}{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}{%- for t in tools %}{{- t | tojson(indent=4) }}{{- "\\n\\n" }}{%- endfor %}{%- endif %}
{%- for message in messages %}{%- if 'tool_calls' in message %}{%- if not message.tool_calls|length == 1 %}
{{- raise_exception("This model only supports single tool-calls at once!") }}{%- endif %}
{%- set tool_call = message.tool_calls[0].function %}{{- '{"name": "' + tool_call.name + '", ' }}{{- '"parameters": ' }}
{{- tool_call.arguments | tojson }}{{- "}" }}{%- elif message.role == "tool" or message.role == "ipython" %}
{%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}{%- endif %}{%- endif %}
{%- endfor %}""",
    "last query and thoughts": """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}
{%- if ns.multi_step_tool and message.role == "user" and message.content is string and not
(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
{%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}{%- endif %}{%- endfor %}
{%- for message in messages %}{%- set content = message.content %}{%- set reasoning_content = '' %}
{%- if '</think>' in content %}
{%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}
{%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
{{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content }}
{%- endif %}{%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}
{%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<|im_end|>\\n' }}{%- endif %}{%- endfor %}""",
    "types of tools by a macro": """{%- macro json_to_python_type(json_spec) %}{%- set basic_type_map = {"string": "str",
"number": "float", "integer": "int", "boolean": "bool"} %}{%- if basic_type_map[json_spec.type] is defined %}
{{- basic_type_map[json_spec.type] }}{%- elif json_spec.type == "array" %}
{{- "list[" + json_to_python_type(json_spec|items) + "]" }}{%- elif json_spec.type is iterable %}{{- "Union[" }}
{%- for t in json_spec.type %}{{- json_to_python_type({"type": t}) }}{%- if not loop.last %}{{- "," }}{%- endif %}{%- endfor %}
{{- "]" }}{%- else %}{{- "Any" }}{%- endif %}{%- endmacro %}
{%- for name, fields in tools[0].parameters.properties|items %}{{- name + ": " + json_to_python_type(fields) }}{%- endfor %}""",
    "turns without a system": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}
{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}
{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}
{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}""",
    "keys of a map": """{%- for tool in tools %}{%- for key in tool.function.parameters.properties.keys() | list | sort %}
{{- '\\n<' ~ key ~ '>' ~ tool.function.parameters.properties[key].description ~ '</' ~ key ~ '>' }}{%- endfor %}{%- endfor %}
{%- macro render_extra_keys(json_dict, handled_keys) %}{%- for json_key in json_dict if json_key not in handled_keys %}
{%- set normed = json_key | replace("-", "_") %}{%- if json_dict[json_key] is mapping %}
{{- '\\n<' ~ normed ~ '>' ~ (json_dict[json_key] | tojson | safe) }}{%- endif %}{%- endfor %}{%- endmacro %}""",
    "image parts": """{% for message in messages %}{% for part in message.content %}{% if part.type == 'image' %}{{ '<image>' }}
{% elif part['type'] == 'text' %}{% generation %}{{ part['text'] }}{% endgeneration %}{% endif %}{% endfor %}{% endfor %}""",
    "a text that formats": "{{ '{}: {:>4}'.format(messages[0].role, 1) }}{{ '%s' % bos_token }}{{ '{0}'.format(x) }}",
    "a set for a side effect": "{%- set _ = items.append(message) %}{%- for _, x in pairs %}{{ x }}{%- endfor %}{% break %}",
    "raw and comments": "{# a __class__ #}{% raw %}{{ x.__class__ }}{% endraw %} __init__ {{ '}}' }}{{ {'a': {'b': 1}}.a.b }}",
    "numbers of a computed text": """{%- set text = '' %}{%- for m in messages %}{%- set text = text + m.content %}{%- endfor %}
{%- set parts = text.split('<x>') %}{%- for i in range(1, parts|length) %}{%- set index = i - 1 %}{{ tools[index] }}{{ parts[i] }}
{%- endfor %}{{ messages[parts|length] }}""",
    "names with an underscore": "{% set _args = tc.arguments %}{% for k, v in _args.items() %}{{ k }}{% endfor %}",
    "names that look odd": "{{ message.self }}{{ message['system_prompt'] }}{{ ns.index }}{{ x['tool_']|default('_') }}",
}


def in_config(template: str) -> bytes:
    return json.dumps({"chat_template": template, "model_max_length": 4096}).encode()


def test_each_template_that_reaches_python_is_hostile_and_really_runs(tmp_path: Path) -> None:
    script = (
        "import jinja2, json, os, sys\n"
        "for name, text in json.load(open('all.json')).items():\n"
        "    os.mkdir(name); os.chdir(name)\n"
        "    try: jinja2.Environment(extensions=['jinja2.ext.do']).from_string(text).render(bos_token='<|begin_of_text|>')\n"
        "    except Exception as error: print(name, repr(error))\n"
        "    os.chdir('..')\n"
    )
    (tmp_path / "all.json").write_text(
        json.dumps({name: text for name, (text, *_) in HOSTILE.items()}), encoding="utf-8"
    )
    subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, check=True)
    assert [name for name in HOSTILE if not (tmp_path / name / "ran").is_dir()] == []
    cases = [
        Case("tokenizer_config.json", in_config(text), rules)
        for text, *rules_ in HOSTILE.values()
        for rules in [tuple(rules_)]
    ]
    assert [fault for fault in map(check, cases) if fault] == []
    assert {report(case).verdict for case in cases} == {Verdict.HOSTILE}


@pytest.mark.parametrize("name", OTHERS)
def test_other_constructions_are_reported_by_their_rule(name: str) -> None:
    text, rule = OTHERS[name]
    assert check(Case("chat_template.jinja", text.encode(), (rule,))) == ""


def test_templates_in_other_texts_are_examined_where_they_reach_python() -> None:
    bad = "{{ config.__class__.__init__.__globals__['os'].system('id') }}"
    files = {
        "config.yaml": f'name: x\nchat_template:\n  "{bad}"\n',
        "prompt.template": f"{{% for x in y %}}a{{% endfor %}} {bad}",
        "prompt": "{% if ''.__class__ %}a{% endif %}",
        "prompt.json": json.dumps({"prompts": [bad]}),
        "escaped.json": json.dumps({"prompt_template": r"{{ ''['\x5f\x5fclass\x5f\x5f'] }}"}),
    }
    assert [check(Case(name, text.encode(), ("template-underscore",))) for name, text in files.items()] == [""] * 5
    assembled = {
        "task.yaml": ("doc_to_text: \"{{ ''|attr('_'*2~'class'~'_'*2) }}\"\n", "template-attribute"),
        "task.json": (json.dumps({"template": "{{ x['_' ~ '_class_' ~ '_'] }}"}), "template-computed"),
    }
    assert [check(Case(name, text.encode(), (rule,))) for name, (text, rule) in assembled.items()] == [""] * 2
    other = {
        "Modelfile": "{{ if .System }}{{ $x := 1 }}{{ end }}",
        "ci.yaml": "run: ${{ secrets.X }} {{- include 'a' . }}",
    }
    assert [check(Case(name, text.encode())) for name, text in other.items()] == [""] * 2


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{{ messages|attr('name') }}", templates.ATTRIBUTE),
        ("{{ cycler('a') }}", templates.GADGET),
        ("{% set k = 'a' ~ 'b' %}{{ messages[k] }}", templates.COMPUTED),
        ("{{ namespace[bos_token]('id') }}", templates.COMPUTED),
        ("{{ ([namespace]|map(attribute=eos_token)|list)[0]('id') }}", templates.COMPUTED),
        ("{% set k = additional_special_tokens[0] %}{{ namespace[k]('id') }}", templates.COMPUTED),
    ],
)
def test_a_way_to_attributes_without_an_underscore_is_found_by_its_rule_alone(text: str, rule: Rule) -> None:
    """A special token is a text of the tokenizer, so its author chooses the name that it gives."""
    case = Case("chat.jinja", text.encode(), (rule.id,))
    assert check(case) == ""
    assert report(Case("chat.jinja", b"{{ bos_token }}{{ messages[0].content + eos_token }}")).verdict is Verdict.PLAIN


def test_every_rule_of_templates_has_a_case() -> None:
    rules = {rule for _, *broken_ in (*HOSTILE.values(), *OTHERS.values()) for rule in broken_}
    assert rules == {rule.id for rule in templates.RULES}


def test_templates_of_well_known_models_are_plain() -> None:
    faults = [check(Case("tokenizer_config.json", in_config(text))) for text in HONEST.values()]
    faults += [check(Case("chat_template.jinja", text.encode())) for text in HONEST.values()]
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize(
    "value",
    [
        [{"name": "default", "template": CHATML}, {"name": "rag", "template": "{{ x.__class__ }}"}],
        {"default": CHATML, "tool_use": "{{ x.__class__ }}"},
        ["{{ x.__class__ }}"],
        ["{# a comment\n", "in lines #}\n", "{{ x\n", ".__class__ }}"],
    ],
)
def test_every_template_of_a_list_or_map_is_examined(value: object) -> None:
    case = Case("processor_config.json", json.dumps({"a": {"chat_template": value}}).encode())
    assert broken(report(case)) == ("template-underscore",)
