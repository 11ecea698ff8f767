"""Tests of how outputs are compared by shape: what may differ, and what may not."""

import unittest

import synctree     # noqa: F401  (finds docs/)
from bookkit.commands import first_difference, shape


class Shape(unittest.TestCase):
    def assert_same(self, *lines):
        self.assertEqual(len({shape(line) for line in lines}), 1, [shape(x) for x in lines])

    def assert_differ(self, left, right):
        self.assertNotEqual(shape(left), shape(right))

    def test_decimal_numbers(self):
        self.assert_same("took 12 us", "took 3.5 us", "took 1,234,567 us", "took 0 us")
        self.assert_same("12ns each", "7ns each")

    def test_signs_count(self):
        self.assert_differ("res -22", "res 22")

    def test_hex_numbers(self):
        self.assert_same("at 0x7f00dead", "at 0x1")
        self.assert_differ("at 0x10", "at 10")

    def test_yes_and_no(self):
        self.assert_same("bundles   yes", "bundles   no")
        self.assert_differ("bundles   yes", "bundles   maybe")
        self.assert_differ("bundles   yes", "bundles   Yes")
        self.assert_differ("yesterday", "notable")

    def test_the_reason_of_a_no(self):
        self.assert_same("mapped rings   yes", "mapped rings   no (EINVAL)",
                         "mapped rings   no (needs (at least) 6.4)")
        self.assert_differ("mapped rings   yes", "mapped rings   yes (EINVAL)")
        self.assert_differ("no (EINVAL) here", "no here")

    def test_kernel_releases(self):
        self.assert_same("Linux 6.1.0-28-amd64", "Linux 6.18", "Linux 6.12.4-rc1+local")
        self.assert_same("on 6.1.0-28-amd64 it", "on 6.18.44-xyz it", "on 6.12.4 it")
        self.assert_differ("Linux 6.1", "linux 6.1")
        self.assert_differ("Linux is", "Linux was")

    def test_columns_may_shift(self):
        self.assert_same("reads    9  bytes", "reads 1234  bytes")
        self.assert_same("   12 reads", "1234 reads")
        self.assert_differ("12reads", "12 reads")

    def test_words_may_not_differ(self):
        self.assert_differ("bid 3 was lent", "bid 3 was lost")
        self.assert_differ("bid 3", "bid 3 again")
        self.assert_differ("x86_64", "aarch64")

    def test_trailing_blanks(self):
        self.assert_same("done", "done  ")


class FirstDifference(unittest.TestCase):
    def test_exactly(self):
        self.assertIsNone(first_difference(["a 1", "b  "], ["a 1", "b"], None))
        self.assertEqual(first_difference(["a 1", "b"], ["a 2", "b"], None), 0)
        self.assertEqual(first_difference(["a", "b  c"], ["a", "b c"], None), 1)

    def test_by_shape(self):
        self.assertIsNone(first_difference(["a 1", "b no (EPERM)"], ["a 2", "b yes"], "shape=numbers"))
        self.assertEqual(first_difference(["a 1", "b"], ["a 2", "c"], "shape=numbers"), 1)

    def test_numbers_count_unless_said_otherwise(self):
        recorded = ["tail +14 = 0 at 0x10", "b no (EPERM)"]
        self.assertIsNone(first_difference(
            recorded, ["tail +14 = 0 at 0x20", "b yes"], "shape"))
        self.assertEqual(first_difference(
            recorded, ["tail +15 = 0 at 0x10", "b yes"], "shape"), 0)

    def test_lengths(self):
        for by_shape in (None, "shape", "shape=numbers"):
            self.assertEqual(first_difference(["a"], ["a", "b"], by_shape), 1)
            self.assertEqual(first_difference(["a", "b"], ["a"], by_shape), 1)
            self.assertEqual(first_difference([], ["a"], by_shape), 0)


if __name__ == "__main__":
    unittest.main()
