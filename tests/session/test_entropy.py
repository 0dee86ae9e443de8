"""The one source of randomness: enough bits, a readable alphabet, replaceable."""

from superqode.session import entropy


def test_random_text_uses_the_whole_readable_alphabet():
    """Crockford's 32 characters, all of them, and none that is easily misread."""
    seen = set(entropy.random_text(5_000))

    assert seen == set("0123456789abcdefghjkmnpqrstvwxyz")
    assert not seen & set("ilou")


def test_random_bytes_differ():
    """Two draws are never the same, and have the length asked for."""
    assert entropy.random_bytes(16) != entropy.random_bytes(16)
    assert len(entropy.random_bytes(7)) == 7


def test_tests_can_replace_chance():
    """A replaced source gives every byte, five bits a character, until it is put back."""
    entropy.set_entropy(lambda count: bytes(range(30, 30 + count)))
    try:
        assert entropy.random_text(4) == "yz01"
        assert entropy.random_bytes(2) == b"\x1e\x1f"
    finally:
        entropy.set_entropy(None)
    assert entropy.random_text(30) != entropy.random_text(30)
