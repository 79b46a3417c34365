"""What tests of model folders share: texts, the files of a folder, and an encoder that fails."""

TEXTS = ["нет воды в доме", "су жоқ", "", "автобус 32 не приехал", "qzxwv"]
FILES = (
    *("model.json", "self_test.json", "vocabulary.txt", "weights.safetensors"),
    *("encoder/model.safetensors", "encoder/modules.json", "encoder/tokenizer.json"),
)


class CrashingEncoder:
    """An encoder whose disk is full."""

    name = "crashing"

    def encode(self, texts):
        raise NotImplementedError

    def save(self, folder):
        folder.mkdir()
        (folder / "half").write_text("")
        raise OSError("No space left on device")
