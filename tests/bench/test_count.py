#!/usr/bin/env python3
"""Does count.py read, subtract and compare? Without a compiler or valgrind."""
import contextlib
import io
import pathlib
import tempfile
import unittest

import count

# Two paths: "walk" is two instructions a turn, the second of them locked, and
# calls what is one more; its loop is one instruction a turn.
CALLGRIND = """\
desc: Trigger: Client Request: walk library

fn=walk
0x10 1024
0x14 2048
cfn=called
calls=1024 0x30
0x14 9999
fn=called
0x30 1024

desc: Trigger: Client Request: walk hand

0x20 3072

desc: Trigger: Client Request: walk nothing

0x40 1024

desc: Trigger: Program termination

0x50 7
"""
DISASSEMBLY = """\
000000000000010 <walk>:
      10:\tmov    %eax,%ebx
      14:\tlock cmpxchg %ecx,(%rdx)
      30:\tsyscall
      34:\txchg   %al,0x8(%rsp)
      38:\txchg   %ax,%ax
      3c:\tlock_me
"""
ROW = count.Row(100, 2.0, 0.0, 20)


class Counting(unittest.TestCase):
    def test_a_loop_is_subtracted_and_a_call_counted_once(self):
        found = count.rows(count.walked(CALLGRIND), *count.marked(DISASSEMBLY))
        self.assertEqual(found, {"walk": count.Row(3, 2.0, 1.0, 2)})

    def test_locked_is_what_locks_memory(self):
        self.assertEqual(count.marked(DISASSEMBLY), ({0x14, 0x34}, {0x30}))

    def test_a_table_is_read_as_it_was_written(self):
        rows = {"read, QD1": ROW, "take": count.Row(50, 0.03, 0.0, 22)}
        self.assertEqual(count.untable(count.table(rows).splitlines()), rows)


class Comparing(unittest.TestCase):
    def worse(self, row):
        return count.worse({"walk": row}, {"walk": ROW})

    def test_the_tolerance(self):
        self.assertFalse(self.worse(ROW._replace(library=103)))
        self.assertTrue(self.worse(ROW._replace(library=104)))
        self.assertFalse(count.worse({"walk": ROW._replace(library=12)},
                                     {"walk": ROW._replace(library=10)}))
        self.assertTrue(count.worse({"walk": ROW._replace(library=13)},
                                    {"walk": ROW._replace(library=10)}))

    def test_one_more_lock_or_system_call(self):
        self.assertTrue(self.worse(ROW._replace(locked=2.03)))
        self.assertTrue(self.worse(ROW._replace(calls=0.01)))

    def test_better_is_not_worse(self):
        self.assertFalse(self.worse(count.Row(1, 0.0, 0.0, 20)))

    def test_a_row_more_or_less(self):
        self.assertTrue(count.worse({}, {"walk": ROW}))
        self.assertTrue(count.worse({"walk": ROW}, {}))


class Storing(unittest.TestCase):
    def compared(self, conditions, row=ROW, stored=True):
        with tempfile.TemporaryDirectory() as directory, \
                contextlib.redirect_stdout(io.StringIO()) as said:
            path = pathlib.Path(directory) / "cc-1-machine.txt"
            if stored:
                path.write_text(f"-O2, liburing 2\n{count.table({'walk': ROW})}\n")
            count.compare({"walk": row}, path, conditions)
        return said.getvalue()

    def test_as_stored(self):
        self.assertIn("as stored", self.compared("-O2, liburing 2"))

    def test_worse_fails(self):
        with self.assertRaises(SystemExit):
            self.compared("-O2, liburing 2", ROW._replace(library=200))

    def test_better_is_said(self):
        self.assertIn("better", self.compared("-O2, liburing 2", ROW._replace(library=50)))

    def test_what_cannot_be_compared_is_skipped(self):
        with self.assertRaises(count.Skipped):
            self.compared("-O3, liburing 2", ROW._replace(library=200))
        with self.assertRaises(count.Skipped):
            self.compared("-O2, liburing 2", stored=False)


if __name__ == "__main__":
    unittest.main()
