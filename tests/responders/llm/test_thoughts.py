"""What models think is not shown, whatever they mark it with and wherever the stream is cut; nothing else is lost."""

# ruff: noqa: RUF001 - the tokens of DeepSeek's models are written with wide signs.

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.responders.llm.clean import Cleaner, clean

THOUGHT = 'SECRET: is it 4?\n\nNo `x`, I say "ANSWER: 5", it\'s SECRET.'
CALL = '{"name": "SECRET", "arguments": {"a": ["SECRET"]}}'
ANSWER = "It is **4**.\n\n- one <b>\n- two"
HARMONY = "<|channel|>analysis<|message|>" + THOUGHT + "<|end|><|start|>assistant<|channel|>final<|message|>"

PAIRS = {
    "deepseek-r1, qwen3, glm": ("<think>", "</think>"),
    "thinking": ("<thinking>", "</thinking>"),
    "exaone-deep": ("<thought>", "</thought>"),
    "reasoning": ("<reasoning>", "</reasoning>"),
    "reflection": ("<Reflection>", "</Reflection>"),
    "scratchpad": ("<scratchpad>", "</scratchpad>"),
    "analysis": ("<analysis>", "</analysis>"),
    "claude, by prompt": ("<antThinking>", "</antThinking>"),
    "seed-oss": ("<seed:think>", "</seed:think>"),
    "with attributes": ('<think duration="3">', "</think>"),
    "capitals": ("<THINK>", "</THINK>"),
    "another end": ("<think>", "</thinking>"),
    "magistral": ("[THINK]", "[/THINK]"),
    "kimi": ("◁think▷", "◁/think▷"),
    "open-thoughts": ("<|begin_of_thought|>", "<|end_of_thought|>"),
    "command-a": ("<|START_THINKING|>", "<|END_THINKING|>"),
    "apertus": ("<|inner_prefix|>", "<|inner_suffix|>"),
    "pipes": ("<|thinking|>", "<|/thinking|>"),
    "medgemma": ("<unused94>thought\n", "<unused95>"),
    "gemma-4": ("<|channel>thought\n", "<channel|>"),
    "pangu": ("[unused16]", "[unused17]"),
    "granite": ("Here is my thought process:", "Here is my response:"),
    "open-webui": ('<details type="reasoning" done="true">\n', "</details>"),
}
CALLS = {
    "hermes, qwen": f"<tool_call>\n{CALL}\n</tool_call>",
    "several": f"<tool_calls>{CALL}</tool_calls>\n<tool_response>SECRET</tool_response>",
    "minimax": f"<minimax:tool_call>{CALL}</minimax:tool_call>",
    "llama": f"<function=find>{CALL}</function>",
    "lfm2": f"<|tool_call_start|>[{CALL}]<|tool_call_end|>",
    "kimi-k2": f"<|tool_calls_section_begin|><|tool_call_begin|>x:0{CALL}<|tool_call_end|><|tool_calls_section_end|>",
    "deepseek": f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>{CALL}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "deepseek-v3.2": f"<｜DSML｜function_calls>{CALL}</｜DSML｜function_calls>",
    "command-a": f"<|START_ACTION|>[{CALL}]<|END_ACTION|>",
    "gemma-4": f"<|tool_call>{CALL}<tool_call|>",
    "lm-studio": f"[TOOL_REQUEST]{CALL}[END_TOOL_REQUEST]",
}
LAST_CALLS = {
    "mistral": f"[TOOL_CALLS][{CALL}]",
    "llama-3.1": f"<|python_tag|>{CALL}<|eom_id|>",
    "no end": f"<tool_call>\n{CALL}",
    "gpt-oss": f"<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{CALL}<|call|>",
}
ENDS = {
    "chatml": "<|im_end|>",
    "llama-2": "</s>",
    "llama-3": "<|eot_id|>",
    "gemma": "<end_of_turn>",
    "gemma-4": "<turn|>",
    "gpt-2": "<|endoftext|>",
    "phi": "<|end|>",
    "deepseek": "<｜end▁of▁sentence｜>",
    "command-r": "<|END_OF_TURN_TOKEN|>",
    "chatml, going on": f"<|im_end|>\n<|im_start|>user\n{THOUGHT}<|im_end|>",
    "llama-3, going on": f"<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n{THOUGHT}",
    "gemma, going on": f"<end_of_turn>\n<start_of_turn>user\n{THOUGHT}",
    "mistral, going on": f"</s>[INST] {THOUGHT} [/INST] {THOUGHT}",
    "glm, going on": f"<|user|>\n{THOUGHT}",
}
FORMS = {
    **{f"thought, {name}": f"{start}{THOUGHT}{end}\n\n{ANSWER}" for name, (start, end) in PAIRS.items()},
    **{f"call, {name}": f"{call}\n{ANSWER}" for name, call in CALLS.items()},
    **{f"last call, {name}": f"{ANSWER}\n\n{call}" for name, call in LAST_CALLS.items()},
    **{f"end, {name}": f"{ANSWER}{end}" for name, end in ENDS.items()},
    "gpt-oss": f"{HARMONY}{ANSWER}<|return|>",
    "gpt-oss, its tokens taken out": f"analysisI {THOUGHT}assistantfinal{ANSWER}",
    "gpt-oss, an end missing": f"<|channel|>analysis<|message|>{THOUGHT}<|channel|>final<|message|>{ANSWER}",
    "beginning of a turn": f"<|im_start|>assistant\n{ANSWER}<|im_end|>",
    "hunyuan": f"<think>\n{THOUGHT}\n</think>\n<answer>\n{ANSWER}\n</answer>",
    "open-thoughts, the answer marked": f"<|begin_of_solution|>\n{ANSWER}\n<|end_of_solution|>",
    "empty thought": f"<think>\n\n</think>\n\n{ANSWER}",
    "two thoughts": f"<think>{THOUGHT}</think>\n<think>{THOUGHT}</think>{ANSWER}",
    "a thought that names its end": f"<think>SECRET, then `</think>` SECRET</think>{ANSWER}",
    "thought without an end, further on": f"{ANSWER}\n<think>\n{THOUGHT}",
    "thought in the answer": ANSWER.replace("\n\n", f"\n<think>{THOUGHT}</think>\n"),
    "name before it": f"<think>{THOUGHT}</think>\n**Bot**: {ANSWER}",
}
ORPHANS = {
    "deepseek-r1, qwen3-thinking": f"{THOUGHT}\n</think>\n\n{ANSWER}",
    "right behind it": f"{THOUGHT}</think>{ANSWER}",
    "kimi": f"{THOUGHT}◁/think▷{ANSWER}",
    "magistral": f"{THOUGHT}[/THINK]{ANSWER}",
    "thought in a thought": f"<think>{THOUGHT}<think>SECRET</think>SECRET</think>{ANSWER}",
    "a block after it": f"{THOUGHT}\n</think>\n<think>{THOUGHT}</think>{ANSWER}",
}
KEPT = {
    "inline code": "Write `<think>` and `</think>`, `` [THINK] ` `` or `<|im_end|>`.",
    "block of code": "So:\n```xml\n<think>x</think>\n<|im_end|>\n<tool_call>\n```\nDone: ``</s>``.",
    "block in a line": "It is ```<think>``` there.",
    "block that is not closed": "```\n<think>",
    "a tag that nothing ends": "The <think> tag comes first, then the answer.",
    "an end in a sentence": "Close it with </think> and go on.",
    "an end at last": "That is all.\n</think>",
    "words": "Here is my thought process: I think. analysis is over.",
    "more words": "analysisX is a name",
    "signs": "a <| b |> c <3 [TH] [INSTALL] <answered> 1 < 2 ◁ <thin> <s",
    "a backtick alone": "it`s 5 o'clock\nand `x` <3",
    "html": "<b>x</b> <summary>y</summary> an <answer> z </answer>",
}


def streamed(pieces: list[str], *, thinks: bool = False) -> tuple[str, list[str]]:
    """Return what is shown at last and all that was shown on the way."""
    cleaner = Cleaner("Bot", thinks=thinks)
    shown, seen = "", [""]
    for piece in (*pieces, None):
        more = cleaner.finish() if piece is None else cleaner.feed(piece)
        shown = more if cleaner.taken_back() else shown + more
        seen.append(shown)
    assert shown == cleaner.text
    return shown, seen


def cuts(text: str) -> list[list[str]]:
    """Cut a text in two at every place, and everywhere at once."""
    return [[text[:cut], text[cut:]] for cut in range(len(text))] + [list(text)]


def squeezed(text: str) -> str:
    """Leave blank lines out."""
    return "\n".join(filter(None, text.split("\n")))


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in FORMS.items()])
def test_nothing_leaks_and_nothing_is_lost_wherever_the_stream_is_cut(text: str) -> None:
    """No cut shows any of it, not even for a moment."""
    for pieces in cuts(text):
        shown, seen = streamed(pieces)

        assert squeezed(shown) == squeezed(ANSWER), pieces
        assert all(ANSWER.replace("\n\n", "\n").startswith(squeezed(each)) for each in seen), pieces


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in ORPHANS.items()])
def test_thought_without_a_beginning_is_taken_back_at_its_end(text: str) -> None:
    """From a model that is known to do so, nothing of it is shown at all."""
    for pieces in cuts(text):
        assert squeezed(streamed(pieces)[0]) == squeezed(ANSWER), pieces
        if not text.startswith("<think>"):
            assert all("SECRET" not in each for each in streamed(pieces, thinks=True)[1]), pieces


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in KEPT.items()])
def test_what_only_speaks_of_such_signs_stays(text: str) -> None:
    """It is all there, from a model that is known to think as well."""
    kept = text.removesuffix("\n</think>")
    for pieces in cuts(text):
        assert streamed(pieces)[0] == kept, pieces
        if text == kept:
            assert streamed(pieces, thinks="</think>" not in text)[0] == kept, pieces


def test_forms_are_forty_at_least() -> None:
    """Each is a form that a server or a model really sends."""
    assert len(FORMS) + len(ORPHANS) >= 40


@given(
    answer=st.text(alphabet="ab .\n*_-", min_size=1).filter(str.strip),
    name=st.sampled_from(sorted(PAIRS)),
    cut=st.integers(0, 200),
)
def test_any_answer_behind_a_thought_is_shown(answer: str, name: str, cut: int) -> None:
    """As if there had been no thought."""
    start, end = PAIRS[name]
    text = f"{start}{THOUGHT}{end}{answer}"

    assert streamed([text[:cut], text[cut:]])[0] == (clean(answer, "Bot") or "")
