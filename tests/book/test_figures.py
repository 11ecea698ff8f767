#!/usr/bin/env python3
"""Tests of docs/figures.py: what it refuses, that it draws what the trace says, and that its colours can be read.

Each broken trace breaks one rule. The figures committed in chapters/figures are held to the same form as drawn ones."""

import json
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "docs" / "figures.py"
sys.path.insert(0, str(ROOT / "docs"))
import figures  # noqa: E402  (its place is known only now)

SVG = "{http://www.w3.org/2000/svg}"
HAND_DRAWN = ["00-waiting.svg", "02-decode.svg"]


def ring(entries=4):
    return {"event": "ring", "entries": entries}


def add(bid):
    return {"event": "add", "bid": bid}


def pick(bid, by="file", count=16):
    return {"event": "pick", "bid": bid, "by": by, "bytes": count}


def starved(by="socket"):
    return {"event": "starved", "by": by}


def frame(label="A state"):
    return {"event": "frame", "label": label}


def layout(**changes):
    fields = [("addr", 0, 8), ("len", 8, 4), ("bid", 12, 2), ("resv", 14, 2)]
    event = {"event": "layout", "entries": 4, "descriptor": 16,
             "fields": [{"name": name, "offset": offset, "size": size} for name, offset, size in fields],
             "tail": {"offset": 14, "size": 2}}
    return {**event, **changes}


def fields(*places):
    return [{"name": f"f{index}", "offset": offset, "size": size} for index, (offset, size) in enumerate(places)]


def draw(drawing, *events, **options):
    return figures.draw(drawing, [json.dumps(event) for event in events], **options)


def desc(svg):
    return ET.fromstring(svg).find(SVG + "desc").text


def words(svg):
    return [element.text for element in ET.fromstring(svg).iter(SVG + "text")]


def shapes(svg, kind, name):
    return [element for element in ET.fromstring(svg).iter(SVG + kind)
            if f"fig-{name}" in element.get("class", "").split()]


def point(mark):
    """Where a mark points: its x is the middle of its outline."""
    xs = [float(pair.split(",")[0]) for pair in mark.get("points").split()]
    return (min(xs) + max(xs)) / 2


def box_of(element):
    return [float(element.get(side)) for side in ("x", "y", "width", "height")]


def slot_centres(svg):
    """The x of the middle of each place in the kernel's box, left to right."""
    left, top, wide, high = box_of(shapes(svg, "rect", "kernel")[0])
    boxes = map(box_of, shapes(svg, "rect", "buf") + shapes(svg, "rect", "slot"))
    return sorted(x + width / 2 for x, y, width, _ in boxes if left < x < left + wide and top < y < top + high)


class Refused(unittest.TestCase):
    """One broken trace for each rule: the line and the sentence are told, and nothing is drawn."""

    def refused(self, drawing, line, sentence, *events):
        svg, errors = draw(drawing, *events)
        self.assertIsNone(svg)
        self.assertEqual(len(errors), 1, errors)
        self.assertTrue(errors[0].startswith(f"stdin:{line}: "), errors)
        self.assertIn(sentence, errors[0])

    def ring(self, line, sentence, *events):
        self.refused("ring", line, sentence, *events)

    def layout(self, sentence, **changes):
        self.refused("layout", 1, sentence, layout(**changes))

    def test_ring_add_to_full(self):
        self.ring(4, "full ring", ring(2), add(0), add(1), add(2), frame())

    def test_ring_add_twice(self):
        self.ring(3, "while it stands in the ring", ring(), add(0), add(0), frame())

    def test_ring_pick_not_at_head(self):
        self.ring(4, "buffer 0 is at head", ring(), add(0), add(1), pick(1), frame())

    def test_ring_pick_after_head_moved(self):
        self.ring(6, "buffer 1 is at head", ring(), add(0), add(1), pick(0), add(0), pick(0), frame())

    def test_ring_pick_from_empty(self):
        self.ring(4, "empty ring", ring(), add(0), pick(0), pick(0), frame())

    def test_ring_starved_with_a_buffer(self):
        self.ring(3, "starved while buffer 3", ring(), add(3), starved(), frame())

    def test_ring_colourless_bid(self):
        self.ring(2, "no colour", ring(), add(8), frame())

    def test_ring_twice(self):
        self.ring(2, "already", ring(), ring(), frame())

    def test_ring_missing(self):
        self.ring(1, "first event", add(0), frame())

    def test_ring_nothing_at_all(self):
        self.ring(1, "first event")

    def test_ring_no_frame(self):
        self.ring(2, "no frame to draw", ring(), add(0))

    def test_ring_only(self):
        self.ring(1, "no frame to draw", ring())

    def test_ring_hidden_event(self):
        self.ring(3, "hide it", ring(), frame(), add(0))

    def test_ring_size(self):
        for entries in (0, 3, 16):
            self.ring(1, "cannot be drawn", ring(entries), frame())

    def test_ring_long_label(self):
        self.ring(2, "there is room for 22", ring(), frame("x" * 23))

    def test_ring_many_frames(self):
        self.ring(8, "7 frames are too many", ring(), *(frame() for _ in range(7)))

    def test_ring_empty_label(self):
        self.ring(2, "does not say what", ring(), frame(" "))

    def test_ring_empty_name(self):
        self.ring(2, "does not say who", ring(), starved(""), frame())

    def test_unknown_event(self):
        self.ring(2, "not grab", ring(), {"event": "grab", "bid": 1}, frame())

    def test_event_of_another_figure(self):
        self.ring(2, "not layout", ring(), layout(), frame())
        self.refused("layout", 2, "not ring", layout(), ring())

    def test_event_is_no_object(self):
        self.ring(2, "not None", ring(), ["add", 1], frame())

    def test_event_kind_is_no_word(self):
        self.ring(2, "knows the events", ring(), {"event": ["add"]}, frame())

    def test_members(self):
        for broken in ({"event": "add"}, {"event": "add", "bid": "2"}, {"event": "add", "bid": -1},
                       {"event": "add", "bid": True}, {"event": "add", "bid": 2, "slot": 1}):
            self.ring(2, "exactly these members", ring(), broken, frame())

    def test_not_json(self):
        svg, errors = figures.draw("ring", ['{"event": "ring"'])
        self.assertIsNone(svg)
        self.assertEqual(errors, ["stdin:1: this is not JSON."])

    def test_all_errors_are_told(self):
        _, errors = draw("ring", ring(), pick(0), add(9), frame())
        self.assertEqual([error.split(":")[1] for error in errors], ["2", "3"])

    def test_layout_none(self):
        self.refused("layout", 1, "one event, not 0")

    def test_layout_two(self):
        self.refused("layout", 2, "one event, not 2", layout(), layout())

    def test_layout_entries(self):
        self.layout("cannot be drawn", entries=5)

    def test_layout_gap(self):
        self.layout("starts at byte 10", fields=fields((0, 8), (10, 6)))

    def test_layout_overlap(self):
        self.layout("starts at byte 6", fields=fields((0, 8), (6, 10)))

    def test_layout_fields_too_short(self):
        self.layout("the fields end at byte 12, the descriptor at byte 16", fields=fields((0, 8), (8, 4)))

    def test_layout_fields_too_long(self):
        self.layout("the fields end at byte 20, the descriptor at byte 16", fields=fields((0, 8), (8, 12)))

    def test_layout_no_descriptor(self):
        svg, errors = draw("layout", layout(descriptor=0, fields=[]))
        self.assertIsNone(svg)
        self.assertIn("stdin:1: the fields end at byte 0, the descriptor at byte 0.", errors)

    def test_layout_field_form(self):
        self.layout("name, offset and size", fields=[{"name": "addr", "offset": 0}])
        self.layout("above zero", fields=fields((0, 16), (16, 0)))

    def test_layout_tail_form(self):
        self.layout("exactly offset and size", tail={"offset": 14})
        self.layout("above zero", tail={"offset": 14, "size": 0})

    def test_layout_tail_outside(self):
        self.layout("outside the ring", tail={"offset": 64, "size": 2})

    def test_layout_tail_on_two(self):
        self.layout("two descriptors", tail={"offset": 15, "size": 2})


class DrawnRing(unittest.TestCase):
    def svg(self, *events):
        svg, errors = draw("ring", *events)
        self.assertEqual(errors, [])
        return svg

    def test_states_are_told(self):
        svg = self.svg(ring(2), add(5), add(2), pick(5, "socket", 1), frame("One & two"), pick(2), starved("pipe"),
                       frame("Dry"))
        self.assertEqual(desc(svg), (
            "A ring of 2 slots. "
            "Frame 1, One & two: head 1 points at slot 1, tail 2 at slot 0; slot 0 is free, slot 1 has buffer 2. "
            "The application holds buffer 5 (socket, 1 byte). "
            "Frame 2, Dry: head 2 points at slot 0, tail 2 at slot 0; slot 0 is free, slot 1 is free. "
            "The application holds buffer 5 (socket, 1 byte), buffer 2 (file, 16 bytes). pipe found the ring empty."))
        for wanted in ("One & two", "Dry", "head 2", "tail 2"):
            self.assertIn(wanted, words(svg))

    def test_every_frame_is_in_the_desc(self):
        labels = [f"State {number}" for number in range(figures.MAX_FRAMES)]
        told = desc(self.svg(ring(), *map(frame, labels)))
        for position, label in enumerate(labels, 1):
            self.assertIn(f"Frame {position}, {label}: ", told)

    def test_starved_is_of_one_frame(self):
        svg = self.svg(ring(), starved("pipe"), frame("A"), frame("B"))
        self.assertEqual(desc(svg).count("found the ring empty"), 1)
        self.assertEqual(len(shapes(svg, "rect", "slot")), 2 * 4 + 1)

    def test_every_bid_has_its_colour_everywhere(self):
        events = [ring(8), *map(add, range(8)), frame(), *(pick(bid) for bid in range(4)), frame()]
        svg = self.svg(*events)
        for bid in range(8):
            self.assertEqual(len(shapes(svg, "rect", f"buf-{bid}")), 2)
            self.assertIn(f".fig .fig-buf-{bid} {{ fill: var(--fig-buf-{bid}); }}", svg)
        # A box is followed by its bid, so the number and the colour must agree.
        for colour, bid in re.findall(r'fig-buf-(\d)" [^\n]*\n<text class="fig-bid"[^>]*>(\d)<', svg):
            self.assertEqual(colour, bid)
        self.assertEqual(len(shapes(svg, "text", "bid")), 16)

    def test_a_buffer_that_came_back_is_not_held(self):
        svg = self.svg(ring(), add(0), pick(0), add(0), frame())
        self.assertEqual(len(shapes(svg, "rect", "buf-0")), 1)
        self.assertIn("The application holds no buffer.", desc(svg))

    def test_sides(self):
        """A held buffer is drawn in the application's box, a published one in the kernel's, which is at the right."""
        svg = self.svg(ring(), add(0), add(1), pick(0), frame())
        app, kernel = (float(shapes(svg, "rect", side)[0].get("x")) for side in ("app", "kernel"))
        held, published = (float(shapes(svg, "rect", f"buf-{bid}")[0].get("x")) for bid in (0, 1))
        self.assertLess(app, held)
        self.assertLess(held, kernel)
        self.assertLess(kernel, published)

    def test_marks_wrap(self):
        """Marks point at value & mask and tell the free-running value."""
        events = [ring(4)]
        for bid in range(4):
            events += [add(bid), pick(bid)]
        events += [add(0), add(1), pick(0), frame()]
        svg = self.svg(*events)
        centres = slot_centres(svg)
        self.assertEqual(point(shapes(svg, "polygon", "tail")[0]), centres[6 & 3])
        self.assertEqual(point(shapes(svg, "polygon", "head")[0]), centres[5 & 3])
        self.assertIn("tail 6", words(svg))
        self.assertIn("head 5", words(svg))
        self.assertIn("head 5 points at slot 1, tail 6 at slot 2", desc(svg))

    def test_values_wrap_at_16_bits(self):
        state = figures.Ring(4)
        for _ in range(65535):
            self.assertIsNone(state.add(add(0)))
            self.assertIsNone(state.pick(pick(0)))
        self.assertIsNone(state.add(add(0)))
        self.assertIsNone(state.add(add(1)))
        self.assertEqual((state.head, state.tail, state.count()), (65535, 1, 2))
        self.assertEqual(state.slots, [1, None, None, 0])

    def test_boxes_hold_what_they_hold(self):
        """However many buffers are held, none lies below its box, and no frame leaves the figure."""
        svg = self.svg(ring(8), *map(add, range(8)), *(pick(bid) for bid in range(8)), starved(), starved(), frame())
        box = shapes(svg, "rect", "app")[0]
        bottom = float(box.get("y")) + float(box.get("height"))
        for held in shapes(svg, "rect", "buf") + shapes(svg, "rect", "slot"):
            self.assertLess(float(held.get("y")) + float(held.get("height")), bottom)
        self.assertLess(bottom, float(ET.fromstring(svg).get("height")))

    def test_labels_stay_in_their_box(self):
        """The values of the marks stand on the inner side: at the last slot they end at the mark."""
        svg = self.svg(ring(8), *map(add, range(7)), frame())
        label = next(element for element in shapes(svg, "text", "app-text") if element.text == "tail 7")
        self.assertIn("fig-end", label.get("class").split())

    def test_words_are_escaped(self):
        svg = self.svg(ring(1), frame("<a> & \"b\""))
        self.assertIn('<a> & "b"', words(svg))


class DrawnLayout(unittest.TestCase):
    def svg(self, **changes):
        svg, errors = draw("layout", layout(**changes))
        self.assertEqual(errors, [])
        return svg

    def test_numbers_are_told(self):
        svg = self.svg()
        self.assertEqual(desc(svg), (
            "4 descriptors of 16 bytes stand one after another, from byte 0 to byte 63. Each has the fields addr at "
            "byte 0 (8 bytes), len at byte 8 (4 bytes), bid at byte 12 (2 bytes), resv at byte 14 (2 bytes). "
            "The ring's tail (2 bytes at byte 14) lies on resv of entry 0."))
        self.assertEqual([words(svg).count(name) for name in ("addr", "len", "bid", "resv")], [4] * 4)
        for wanted in ("0", "16", "32", "48", "+8", "8 B", "tail: 2 bytes at byte 14"):
            self.assertIn(wanted, words(svg))

    def test_tail_lies_where_the_trace_says(self):
        for entry, field in ((0, 3), (2, 0)):
            event = layout()
            place = event["fields"][field]
            svg = self.svg(tail={"offset": 16 * entry + place["offset"], "size": place["size"]})
            cell = shapes(svg, "rect", "cell")[entry * 4 + field]
            over = shapes(svg, "rect", "over")[0]
            left, top, width, height = (float(cell.get(side)) for side in ("x", "y", "width", "height"))
            self.assertAlmostEqual(float(over.get("x")) + float(over.get("width")) / 2, left + width / 2, delta=0.2)
            self.assertLess(top, float(over.get("y")))
            self.assertLess(float(over.get("y")), top + height)
            self.assertIn(f"lies on {place['name']} of entry {entry}.", desc(svg))

    def test_widths_follow_sizes(self):
        widths = [float(cell.get("width")) for cell in shapes(self.svg(), "rect", "cell")[:4]]
        for width, size in zip(widths, (8, 4, 2, 2)):
            self.assertAlmostEqual(width / widths[0], size / 8, delta=0.01)


class Form(unittest.TestCase):
    """What every figure is, drawn by the tool or by hand."""

    def all_figures(self):
        yield "ring", draw("ring", ring(), add(0), frame(), pick(0), starved(), frame())[0]
        yield "layout", draw("layout", layout())[0]
        yield "named", draw("ring", ring(), frame(), name="named", title="A <title>")[0]
        committed = sorted((ROOT / "chapters" / "figures").glob("*.svg"))
        self.assertLessEqual(set(HAND_DRAWN), {path.name for path in committed})
        for path in committed:
            yield (path.stem if path.name in HAND_DRAWN else None), path.read_text(encoding="utf-8")

    def test_accessible(self):
        for name, svg in self.all_figures():
            root = ET.fromstring(svg)
            title, told = root.find(SVG + "title"), root.find(SVG + "desc")
            self.assertEqual(root.get("role"), "img")
            self.assertEqual(root.get("aria-labelledby"), f"{title.get('id')} {told.get('id')}")
            if name:
                self.assertEqual((title.get("id"), told.get("id")), (f"{name}-title", f"{name}-desc"))
            self.assertTrue(title.text.strip() and told.text.strip())

    def test_carries_the_same_style(self):
        for _, svg in self.all_figures():
            self.assertEqual(ET.fromstring(svg).find(SVG + "style").text.strip(), figures.style_all())

    def test_uses_classes_only(self):
        """A colour or size of its own would not follow the page's theme."""
        known = {f"fig-{name}" for name, _ in figures.RULES}
        for _, svg in self.all_figures():
            for element in ET.fromstring(svg).iter():
                self.assertFalse({"style", "fill", "stroke", "font-size", "color"} & set(element.keys()))
                if element.tag.removeprefix(SVG) not in ("svg", "title", "desc", "style"):
                    self.assertLessEqual(set(element.get("class").split()), known)

    def test_inside_the_view(self):
        for _, svg in self.all_figures():
            root = ET.fromstring(svg)
            width, height = map(float, root.get("viewBox").split()[2:])
            self.assertEqual([width, height], [float(root.get(side)) for side in ("width", "height")])
            self.assertEqual((width, root.get("class")), (520, "fig narrow") if width < 640 else (640, "fig"))
            for box in root.iter(SVG + "rect"):
                x, y, wide, high = (float(box.get(side)) for side in ("x", "y", "width", "height"))
                self.assertTrue(x >= 0 and y >= 0 and x + wide <= width and y + high <= height)

    def test_text_is_large_enough(self):
        sizes = [int(size) for size in re.findall(r"font-size: (\d+)px", figures.style_rules())]
        self.assertGreaterEqual(min(sizes), 15)


def luminance(colour):
    parts = [int(colour[start:start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class Colours(unittest.TestCase):
    def holds(self, front, back, least):
        for theme in (0, 1):
            found = contrast(figures.COLOURS[front][theme], figures.COLOURS[back][theme])
            self.assertGreaterEqual(found, least, (front, back, theme))

    def test_contrast_of_known_pairs(self):
        self.assertAlmostEqual(contrast("#000000", "#ffffff"), 21)
        self.assertLess(contrast("#777777", "#ffffff"), 4.5)

    def test_text_is_aa(self):
        for bid in range(figures.BIDS):
            self.holds("on-buf", f"buf-{bid}", 4.5)
        for back in ("page", "cell", "app-tint", "kernel-tint"):
            self.holds("ink", back, 4.5)
            self.holds("muted", back, 4.5)
        for side in ("app", "kernel"):
            self.holds(side, "page", 4.5)
            self.holds(side, f"{side}-tint", 4.5)
        self.holds("app", "kernel-tint", 4.5)    # the tail's value stands in the kernel's area

    def test_shapes_stand_out(self):
        for bid in range(figures.BIDS):
            for back in ("app-tint", "kernel-tint", "page"):
                self.holds(f"buf-{bid}", back, 3)

    def test_buffers_differ(self):
        for theme in (0, 1):
            self.assertEqual(len({figures.COLOURS[f"buf-{bid}"][theme] for bid in range(8)}), 8)


class CommandLine(unittest.TestCase):
    def run_tool(self, arguments, events=()):
        trace = "".join(json.dumps(event) + "\n" for event in events)
        return subprocess.run([TOOL, *arguments], input=trace, capture_output=True, text=True, check=False)

    def test_same_trace_same_bytes(self):
        events = [ring(), add(3), frame(), pick(3), starved(), frame()]
        first, second = (self.run_tool(["ring"], events) for _ in range(2))
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        self.assertEqual(first.stdout, second.stdout)
        self.assertEqual(first.stdout, draw("ring", *events)[0])

    def test_name_and_title(self):
        done = self.run_tool(["layout", "--name", "01-memory", "--title", "Memory"], [layout()])
        self.assertIn('<title id="01-memory-title">Memory</title>', done.stdout)

    def test_refusal(self):
        done = self.run_tool(["ring"], [ring(), pick(1), frame()])
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "stdin:2: buffer 1 is picked from an empty ring.\n")

    def test_style(self):
        rules, everything = self.run_tool(["style"]).stdout, self.run_tool(["style", "--all"]).stdout
        self.assertNotIn("--fig-page:", rules)
        self.assertIn("prefers-color-scheme: dark", everything)
        self.assertTrue(everything.endswith(rules))


if __name__ == "__main__":
    unittest.main()
