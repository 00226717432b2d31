"""The signs with which models and their servers mark what is no answer, as they arrive in a text.

A server ought to keep them out of the text; many do not. Sources: the reasoning parsers of vLLM (``vllm/reasoning``)
and of SGLang, ``common/chat.cpp`` of llama.cpp, the harmony format of gpt-oss, and the chat templates of the models.
The patterns allow for partial matches: none looks behind or ahead.
"""

# ruff: noqa: RUF001 - the tokens of DeepSeek's models are written with wide signs.

from __future__ import annotations

from typing import NamedTuple

import regex

_SPACE = r"(?:[a-z]{1,12}:)?"
"""A namespace, as in ``<seed:think>``."""
_THOUGHT = (
    rf"{_SPACE}(?:think|thinking|thoughts?|thought_process|reasoning|reflection|scratchpad|analysis|"
    r"(?:inner|internal)_monologue|antthinking)"
)
_CALL = rf"{_SPACE}(?:tool_calls?|function_calls?|tool_response|tool_code|tool_use)"
_ATTRIBUTES = r"(?:\s[^<>\n]{0,80})?"
_SHOUTED = r"(?:THINK|THINKING|THOUGHT|REASONING)"

THOUGHT_END = regex.compile(
    rf"(?P<prose></(?i:{_THOUGHT})>)|\[/{_SHOUTED}\]|◁/(?:think|thinking)▷|<(?:unused95|ctrl95)>|<channel\|>|\[unused17\]|"
    r"<\|(?:end_of_thought|END_THINKING|/think|/thinking|think_end|thinking_end|inner_suffix)\|>"
)
"""What ends a thought; one of another kind than it began with, too. ``prose``: people may speak of it."""
_CALL_END = regex.compile(
    rf"</(?i:{_CALL})>|</function>|</｜DSML｜[a-z_]{{1,20}}>|<tool_call\|>|\[/TOOL_CALLS\]|\[END_TOOL_REQUEST\]|"
    r"<\|(?:tool_calls_section_end|tool_call_end|/tool_call|END_ACTION|eom_id)\|>|<｜tool▁calls▁end｜>"
)
_CHANNEL_END = regex.compile(r"<\|(?:end|call|return)\|>|(?P<kept><\|(?:start|channel)\|>)")
_DETAILS_END = regex.compile(r"</details>", regex.IGNORECASE)

_TURN = r"(?:<\|im_start\|>|<\|start\|>|<\|start_header_id\|>|<start_of_turn>|<\|turn>)"
_PERSON = rf"{_TURN}(?:user|system|developer|tool|ipython|functions)"
_CHANNEL = r"<\|channel\|>(?P<name>[^<\n]{0,80})(?:<\|constrain\|>[^<\n]{0,20})?<\|message\|>"

SIGN = regex.compile(
    rf"""
      (?P<thought>
          (?P<told><(?i:{_THOUGHT}){_ATTRIBUTES}>)
        | \[{_SHOUTED}\] | ◁(?:think|thinking)▷ | <(?:unused94|ctrl94)>(?:thought)? | <\|channel>thought | \[unused16\]
        | <\|(?:begin_of_thought|START_THINKING|think|thinking|think_start|thinking_start|inner_prefix)\|>
      )
    | (?P<details><details\stype="reasoning"[^<>\n]{{0,80}}>)
    | (?P<call>
          (?P<told><(?i:{_CALL}){_ATTRIBUTES}>) | <function=[\w.:-]{{1,64}}> | <｜DSML｜(?:function|tool)_calls>
        | <\|tool_call> | \[TOOL_CALLS\] | \[TOOL_REQUEST\] | <｜tool▁calls▁begin｜>
        | <\|(?:tool_calls_section_begin|tool_call_start|tool_call|START_ACTION|python_tag)\|>
      )
    | (?P<channel>{_CHANNEL})
    | (?P<orphan>{THOUGHT_END.pattern})
    | (?P<person>
          {_PERSON}
        | \[INST\] | <\|(?:user|system|observation|USER_TOKEN|SYSTEM_TOKEN)\|> | <｜User｜>
      )
    | (?P<wrapper></?(?:answer|response|final_answer|solution)>)
    | (?P<token>
          {_TURN}(?:assistant|model)
        | <\|[A-Za-z_/]{{2,40}}\|> | <｜[^｜<>\n]{{1,40}}｜> | </?s> | <(?:start_of_turn|end_of_turn|eos|bos|turn\|)>
        | <\|turn> | \[/INST\] | \[(?:EOS|BOS)\]
      )
    """,
    regex.VERBOSE,
)
"""A sign outside code. ``told``: people may speak of it, so what no end follows may be the answer itself."""

LONGER = regex.compile(rf"{_PERSON}|{_TURN}(?:assistant|model)|{_CHANNEL}")
"""What a token at the end of a piece may still become."""

AT_START = regex.compile(
    r"(?P<harmony>analysis[A-Z])|(?P<granite>Here(?:'s|\ is)\ my\ thought\ process:)", regex.VERBOSE
)
"""Words with which only a thought begins, where a server took out the tokens around them."""


class Ending(NamedTuple):
    """What ends a hidden text; ``doubtful``: without that end it is the answer."""

    pattern: regex.Pattern[str]
    doubtful: bool = False


ENDINGS = {
    "thought": Ending(THOUGHT_END),
    "details": Ending(_DETAILS_END),
    "call": Ending(_CALL_END),
    "channel": Ending(_CHANNEL_END),
    "harmony": Ending(regex.compile(r"assistantfinal"), doubtful=True),
    "granite": Ending(regex.compile(r"Here(?:'s| is) my response:"), doubtful=True),
}
"""The end of each kind of hidden text, by its group in :data:`SIGN` or :data:`AT_START`."""


def is_shown(channel: str) -> bool:
    """Tell whether a channel of the harmony format is for people: the answer, or a preamble that calls no tool."""
    name = channel.strip()
    return name == "final" or name.startswith("final ") or name == "commentary"
