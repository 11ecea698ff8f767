#!/usr/bin/env python3
"""Draw a figure of the book from a trace, or refuse.

    PROGRAM --trace | docs/figures.py ring   [--name NAME] [--title SENTENCE]
    PROGRAM --trace | docs/figures.py layout [--name NAME] [--title SENTENCE]
    docs/figures.py style [--all]

A trace is JSON lines on standard input, one object with an "event" a line. The SVG goes to standard output; the same
trace always gives the same bytes. `style` prints the class rules that every figure carries, `--all` also the colours,
for the page's stylesheet: a figure shown by <img> uses its own <style>, an inlined one the page's.

layout: one event.
    {"event": "layout", "entries": 4, "descriptor": 16, "fields": [{"name": "addr", "offset": 0, "size": 8}, ...],
     "tail": {"offset": 14, "size": 2}}
  Rules: 1, 2, 4 or 8 entries; fields follow one another from byte 0 without gap or overlap, and fill the descriptor;
  the tail lies inside one descriptor of the ring.

ring: frames in two columns, each showing the state left by the events above it.
    {"event": "ring", "entries": 4}                            first, once: 1, 2, 4 or 8 slots
    {"event": "add", "bid": 2}                                 the application publishes a buffer
    {"event": "pick", "bid": 2, "by": "file", "bytes": 16}     the kernel takes one, and the application gets it
    {"event": "starved", "by": "socket"}                       a request found nothing to take (shown in the next frame)
    {"event": "frame", "label": "One read is done"}            draw the state
  Rules: nothing before ring, and no second one; no add to a full ring, nor of a buffer that is in the ring; a pick
  takes the buffer at head; no pick from an empty ring; no starved while a buffer is there; one to six frames, and no
  event after the last one, since the figure would hide it; bids 0 to 7, which are the eight colours; labels that have
  room (22 characters).

Every breach is reported as `stdin:LINE: sentence`; then nothing is drawn and the exit status is 1.
"""

import argparse
import json
import sys
from html import escape

WIDTH = 640
NARROW = 520    # the same text is larger on a small screen
MAX_ENTRIES = 8
MAX_FRAMES = 6
BIDS = 8
# Room for the text above a frame, in characters, measured with a wide font.
MAX_LABEL = 22

# property: (light, dark)
COLOURS = {
    "page": ("#ffffff", "#0d1117"),
    "ink": ("#1c2430", "#e6e9ee"),
    "muted": ("#4f5b6b", "#a8b3c2"),
    "cell": ("#f3f5f8", "#1b212b"),
    "app": ("#2a5a9a", "#8fb8ec"),
    "app-tint": ("#eaf1fb", "#152336"),
    "kernel": ("#84500c", "#e3b577"),
    "kernel-tint": ("#fbf0e1", "#2c2213"),
    "on-buf": ("#ffffff", "#10151c"),
    "buf-0": ("#0b5cad", "#7db8f5"),
    "buf-1": ("#a8470a", "#f5a873"),
    "buf-2": ("#14713d", "#6fce96"),
    "buf-3": ("#9a2f7a", "#ec94d0"),
    "buf-4": ("#6d4bc1", "#b9a3f5"),
    "buf-5": ("#0b6f7a", "#63cbd6"),
    "buf-6": ("#7f5300", "#e0bb55"),
    "buf-7": ("#b3243b", "#f58f9c"),
}

# Later rules win, so the classes that modify another one come after it.
RULES = [
    ("page", "fill: var(--fig-page)"),
    ("text", "fill: var(--fig-ink); font-size: 20px"),
    ("small", "fill: var(--fig-muted); font-size: 18px"),
    ("app-text", "fill: var(--fig-app); font-size: 18px; font-weight: 600"),
    ("kernel-text", "fill: var(--fig-kernel); font-size: 18px; font-weight: 600"),
    ("bid", "fill: var(--fig-on-buf); font-size: 20px; font-weight: 700; text-anchor: middle"),
    ("code", "font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 19px"),
    ("strong", "font-weight: 600"),
    ("mid", "text-anchor: middle"),
    ("end", "text-anchor: end"),
    ("app", "fill: var(--fig-app-tint); stroke: var(--fig-app); stroke-width: 1.5"),
    ("kernel", "fill: var(--fig-kernel-tint); stroke: var(--fig-kernel); stroke-width: 1.5"),
    ("tail", "fill: var(--fig-app)"),
    ("head", "fill: var(--fig-kernel)"),
    ("slot", "fill: none; stroke: var(--fig-muted); stroke-width: 1.5; stroke-dasharray: 5 4"),
    ("cell", "fill: var(--fig-cell); stroke: var(--fig-muted); stroke-width: 1.5"),
    ("over", "fill: var(--fig-app-tint); stroke: var(--fig-app); stroke-width: 3"),
    ("line", "fill: none; stroke: var(--fig-ink); stroke-width: 2"),
    ("arrow", "fill: var(--fig-ink)"),
    ("buf", "stroke: none"),
] + [(f"buf-{bid}", f"fill: var(--fig-buf-{bid})") for bid in range(BIDS)]


# The look

def style_colours(theme):
    """The custom properties of one theme: 0 is light, 1 is dark."""
    return ".fig { " + " ".join(f"--fig-{name}: {pair[theme]};" for name, pair in COLOURS.items()) + " }"


def style_rules():
    return "\n".join(f".fig .fig-{name} {{ {rule}; }}" for name, rule in RULES)


def style_all():
    """What a figure needs when no page styles it."""
    return "\n".join([
        ".fig { font-family: system-ui, 'DejaVu Sans', sans-serif; }",
        style_colours(0),
        "@media (prefers-color-scheme: dark) { " + style_colours(1) + " }",
        style_rules(),
    ])


def document(name, title, desc, height, shapes, width=WIDTH):
    """The whole SVG file. `shapes` are lines of SVG."""
    name = escape(name)
    kind = "fig narrow" if width == NARROW else "fig"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">{escape(title)}</title>',
        f'<desc id="{name}-desc">{escape(desc)}</desc>',
        f"<style>\n{style_all()}\n</style>",
        rect("page", 0, 0, width, height, 0),
        *shapes,
        "</svg>",
    ]) + "\n"


def number(value):
    """A coordinate with at most one decimal, and none where it is zero."""
    return f"{value:.1f}".removesuffix(".0")


def classes(names):
    return " ".join(f"fig-{name}" for name in names.split())


def rect(names, x, y, width, height, radius=6):
    return (f'<rect class="{classes(names)}" x="{number(x)}" y="{number(y)}" width="{number(width)}"'
            f' height="{number(height)}" rx="{radius}"/>')


def text(names, x, y, content):
    return f'<text class="{classes(names)}" x="{number(x)}" y="{number(y)}">{escape(str(content))}</text>'


def polygon(names, points):
    joined = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polygon class="{classes(names)}" points="{joined}"/>'


def tail_mark(x, y):
    """A flag whose point is at (x, y), seen from above."""
    return polygon("tail", [(x - 8, y - 20), (x + 8, y - 20), (x + 8, y - 9), (x, y), (x - 8, y - 9)])


def head_mark(x, y):
    """A triangle whose point is at (x, y), seen from below."""
    return polygon("head", [(x, y), (x + 10, y + 18), (x - 10, y + 18)])


def buffer_box(bid, x, y, width, height):
    return [rect(f"buf buf-{bid}", x, y, width, height),
            text("bid", x + width / 2, y + height / 2 + 7, bid)]


# The trace

class Errors:
    """What is wrong with the trace; all of it is told, not only the first."""

    def __init__(self):
        self.lines = []

    def add(self, line, sentence):
        self.lines.append(f"stdin:{line}: {sentence}")


EVENTS = {
    "layout": {"entries": int, "descriptor": int, "fields": list, "tail": dict},
    "ring": {"entries": int},
    "add": {"bid": int},
    "pick": {"bid": int, "by": str, "bytes": int},
    "starved": {"by": str},
    "frame": {"label": str},
}
DRAWINGS = {
    "layout": ["layout"],
    "ring": ["ring", "add", "pick", "starved", "frame"],
}


def has_shape(value, shape):
    """Is `value` an object with exactly the members of `shape`, each of its type? Numbers count from zero."""
    if not isinstance(value, dict) or set(value) != set(shape):
        return False
    for member, kind in shape.items():
        if type(value[member]) is not kind or (kind is int and value[member] < 0):
            return False
    return True


def read_trace(lines, drawing, errors):
    """The well-formed events of the trace as (line number, event)."""
    events = []
    for line, content in enumerate(lines, 1):
        if not content.strip():
            continue
        try:
            event = json.loads(content)
        except ValueError:
            errors.add(line, "this is not JSON.")
            continue
        kind = event.get("event") if isinstance(event, dict) else None
        if not isinstance(kind, str) or kind not in DRAWINGS[drawing]:
            errors.add(line, f"a {drawing} figure knows the events {', '.join(DRAWINGS[drawing])}, not {kind}.")
        elif not has_shape(event, {"event": str, **EVENTS[kind]}):
            wanted = ", ".join(f"{member} ({sort.__name__})" for member, sort in EVENTS[kind].items())
            errors.add(line, f"the event {kind} has exactly these members: {wanted}; numbers are not negative.")
        else:
            events.append((line, event))
    return events


def check_entries(line, entries, errors):
    if entries not in (1, 2, 4, MAX_ENTRIES):
        errors.add(line, f"a ring of {entries} cannot be drawn, only 1, 2, 4 or {MAX_ENTRIES} entries.")
        return False
    return True


# Figure: layout

def check_layout(line, layout, errors):
    """The fields fill the descriptor, and the tail lies in the ring."""
    size = layout["descriptor"]
    end = 0
    for field in layout["fields"]:
        if not has_shape(field, {"name": str, "offset": int, "size": int}) or field["size"] == 0:
            errors.add(line, "a field has exactly name, offset and size, and a size above zero.")
            return
        if field["offset"] != end:
            errors.add(line, f"the field {field['name']} starts at byte {field['offset']}, "
                             f"but the one before it ends at byte {end}.")
        end = field["offset"] + field["size"]
    if end != size or size == 0:
        errors.add(line, f"the fields end at byte {end}, the descriptor at byte {size}.")
    tail = layout["tail"]
    if not has_shape(tail, {"offset": int, "size": int}) or tail["size"] == 0:
        errors.add(line, "the tail has exactly offset and size, and a size above zero.")
    elif tail["offset"] + tail["size"] > layout["entries"] * size:
        errors.add(line, "the tail lies outside the ring.")
    elif size and tail["offset"] % size + tail["size"] > size:
        errors.add(line, "the tail lies on two descriptors.")


def read_layout(events, errors):
    if len(events) != 1:
        errors.add(events[1][0] if events else 1, f"a layout figure is one event, not {len(events)}.")
        return None
    line, layout = events[0]
    if check_entries(line, layout["entries"], errors):
        check_layout(line, layout, errors)
    return layout


def tail_place(layout):
    """The entry that the tail lies on, the tail's first byte in it, and the names of the fields it covers."""
    entry, start = divmod(layout["tail"]["offset"], layout["descriptor"])
    end = start + layout["tail"]["size"]
    covered = [field["name"] for field in layout["fields"]
               if field["offset"] < end and start < field["offset"] + field["size"]]
    return entry, start, covered


def describe_layout(layout):
    entries, size, tail = layout["entries"], layout["descriptor"], layout["tail"]
    entry, _, covered = tail_place(layout)
    fields = ", ".join(f"{field['name']} at byte {field['offset']} ({field['size']} bytes)"
                       for field in layout["fields"])
    return (f"{entries} descriptors of {size} bytes stand one after another, from byte 0 to byte {entries * size - 1}. "
            f"Each has the fields {fields}. The ring's tail ({tail['size']} bytes at byte {tail['offset']}) "
            f"lies on {' and '.join(covered)} of entry {entry}.")


LAYOUT_LEFT, LAYOUT_WIDTH, LAYOUT_TOP, LAYOUT_ROW = 62, 570, 66, 54


def draw_row(layout, entry, y, height, scale):
    shapes = [text("small end", LAYOUT_LEFT - 10, y + 33, entry * layout["descriptor"])]
    for field in layout["fields"]:
        x, width = LAYOUT_LEFT + field["offset"] * scale, field["size"] * scale
        shapes += [rect("cell", x, y, width, height, 0),
                   text("text code mid", x + width / 2, y + 33, field["name"])]
    return shapes


def draw_layout(layout, name, title):
    size, tail = layout["descriptor"], layout["tail"]
    scale = LAYOUT_WIDTH / size
    tail_entry, tail_start, _ = tail_place(layout)
    tail_left, tail_width = LAYOUT_LEFT + tail_start * scale, tail["size"] * scale
    shapes = [text("small end", LAYOUT_LEFT - 10, LAYOUT_TOP - 8, "byte")]
    for field in layout["fields"]:
        shapes.append(text("small", LAYOUT_LEFT + field["offset"] * scale, LAYOUT_TOP - 8, f"+{field['offset']}"))
    y = LAYOUT_TOP
    for entry in range(layout["entries"]):
        # The entry under the tail is taller, so that its own field stays readable.
        height = LAYOUT_ROW + (36 if entry == tail_entry else 0)
        shapes += draw_row(layout, entry, y, height, scale)
        if entry == tail_entry:
            shapes += [rect("over", tail_left - 3, y + 44, tail_width + 6, 42, 4),
                       text("app-text mid", tail_left + tail_width / 2, y + 71, "tail")]
        y += height + 6
    for field in layout["fields"]:
        middle = LAYOUT_LEFT + (field["offset"] + field["size"] / 2) * scale
        shapes.append(text("small mid", middle, y + 18, f"{field['size']} B"))
    mark = tail_left + tail_width / 2
    side, anchor = (-16, " end") if mark > WIDTH / 2 else (16, "")
    shapes += [tail_mark(mark, 30),
               text("app-text" + anchor, mark + side, 26, f"tail: {tail['size']} bytes at byte {tail['offset']}")]
    title = title or f"A ring of {layout['entries']} descriptors of {size} bytes in memory"
    return document(name, title, describe_layout(layout), y + 30, shapes)


# Figure: ring

class Ring:
    """The state of a ring as its trace tells it. `slots` has a bid, or None where a slot is free."""

    def __init__(self, entries):
        self.entries = entries
        self.slots = [None] * entries
        self.head = self.tail = 0    # free-running, 16 bits
        self.held = {}               # bid: (who, bytes), in the order of the picks
        self.starved = []            # who found the ring empty since the last frame

    def count(self):
        return (self.tail - self.head) & 0xFFFF

    def at(self, position):
        return position & (self.entries - 1)

    def add(self, event):
        bid = event["bid"]
        if bid >= BIDS:
            return f"bid {bid} has no colour, only 0 to {BIDS - 1} have."
        if self.count() == self.entries:
            return f"buffer {bid} is added to a full ring."
        if bid in self.slots:
            return f"buffer {bid} is added while it stands in the ring."
        self.slots[self.at(self.tail)] = bid
        self.tail = (self.tail + 1) & 0xFFFF
        self.held.pop(bid, None)
        return None

    def pick(self, event):
        bid = event["bid"]
        if self.count() == 0:
            return f"buffer {bid} is picked from an empty ring."
        front = self.slots[self.at(self.head)]
        if bid != front:
            return f"buffer {bid} is picked, but buffer {front} is at head."
        self.slots[self.at(self.head)] = None
        self.head = (self.head + 1) & 0xFFFF
        self.held[bid] = (event["by"], event["bytes"])
        return None

    def starve(self, event):
        if self.count() > 0:
            return f"{event['by']} starved while buffer {self.slots[self.at(self.head)]} is at head."
        self.starved.append(event["by"])
        return None

    def frame(self, label):
        """The state as it is now, for drawing."""
        frame = {"label": label, "slots": list(self.slots), "head": self.head, "tail": self.tail,
                 "held": list(self.held.items()), "starved": self.starved}
        self.starved = []
        return frame


def check_words(line, event, errors):
    """A frame says what it shows, in the room above it; a request says who it is."""
    words = event.get("label", event.get("by"))
    if words is not None and not words.strip():
        errors.add(line, f"the event {event['event']} does not say {'what' if 'label' in event else 'who'}.")
    elif event["event"] == "frame" and len(words) > MAX_LABEL:
        errors.add(line, f"'{words}' has {len(words)} characters, there is room for {MAX_LABEL}.")


def read_ring(events, errors):
    """The frames of the trace: plays it, and holds each event against the state before it."""
    if not events or events[0][1]["event"] != "ring":
        errors.add(events[0][0] if events else 1, "the first event of a ring figure is ring.")
        return []
    line, first = events[0]
    if not check_entries(line, first["entries"], errors):
        return []
    ring = Ring(first["entries"])
    step = {"add": ring.add, "pick": ring.pick, "starved": ring.starve,
            "ring": lambda event: "the ring is there already."}
    frames = []
    for line, event in events[1:]:
        check_words(line, event, errors)
        if event["event"] == "frame":
            frames.append(ring.frame(event["label"]))
            continue
        wrong = step[event["event"]](event)
        if wrong:
            errors.add(line, wrong)
    if not frames:
        errors.add(line, "there is no frame to draw.")
    elif len(frames) > MAX_FRAMES:
        errors.add(line, f"{len(frames)} frames are too many to be told apart, {MAX_FRAMES} are not.")
    elif event["event"] != "frame":
        errors.add(line, "no frame follows this event, so the figure would hide it.")
    return frames


def byte_count(count):
    return f"{count} byte" if count == 1 else f"{count} bytes"


def describe_frame(position, frame):
    slots = ", ".join(f"slot {slot} {'is free' if bid is None else f'has buffer {bid}'}"
                      for slot, bid in enumerate(frame["slots"]))
    held = ", ".join(f"buffer {bid} ({by}, {byte_count(count)})" for bid, (by, count) in frame["held"]) or "no buffer"
    starved = "".join(f" {by} found the ring empty." for by in frame["starved"])
    mask = len(frame["slots"]) - 1
    return (f"Frame {position}, {frame['label']}: head {frame['head']} points at slot {frame['head'] & mask}, "
            f"tail {frame['tail']} at slot {frame['tail'] & mask}; {slots}. "
            f"The application holds {held}.{starved}")


# In a frame the application's box is at the left, the kernel's at the right of it.
FRAME_WIDTH, APP_LEFT, APP_WIDTH, KERNEL_LEFT, KERNEL_WIDTH = 262, 2, 80, 88, 166
FRAMES_TOP, BOX_TOP, BOX_HEIGHT, CHIP = 34, 30, 114, 32


def mark_label(names, x, middle, y, content):
    """A mark's value stands on the side of the mark where the box has room."""
    if x > middle:
        return text(names + " end", x - 13, y, content)
    return text(names, x + 13, y, content)


def draw_slots(frame, left, top):
    entries = len(frame["slots"])
    pitch = (KERNEL_WIDTH - 6) / entries
    width = min(pitch - 4, 38)
    middle = [left + 3 + pitch * (slot + 0.5) for slot in range(entries)]
    shapes = []
    for x, bid in zip(middle, frame["slots"]):
        shapes += [rect("slot", x - width / 2, top + 34, width, 38)] if bid is None else \
            buffer_box(bid, x - width / 2, top + 34, width, 38)
    tail, head = (middle[frame[end] & (entries - 1)] for end in ("tail", "head"))
    centre = left + KERNEL_WIDTH / 2
    return shapes + [tail_mark(tail, top + 29),
                     mark_label("app-text", tail, centre, top + 24, f"tail {frame['tail']}"),
                     head_mark(head, top + 78),
                     mark_label("kernel-text", head, centre, top + 97, f"head {frame['head']}")]


def draw_held(frame, left, top):
    """What the application holds, and a dashed place for each request that went away empty-handed."""
    shapes = []
    for place, bid in enumerate([bid for bid, _ in frame["held"]] + [None] * len(frame["starved"])):
        x, y = left + 6 + (CHIP + 4) * (place % 2), top + 6 + (CHIP + 4) * (place // 2)
        shapes += [rect("slot", x, y, CHIP, CHIP)] if bid is None else buffer_box(bid, x, y, CHIP, CHIP)
    return shapes


def box_height(frame):
    """As high as its content wants, and never lower than the ring."""
    rows = (len(frame["held"]) + len(frame["starved"]) + 1) // 2
    return max(BOX_HEIGHT, 8 + (CHIP + 4) * rows)


def draw_frame(frame, left, y, height):
    top = y + BOX_TOP
    return [text("text strong", left + APP_LEFT, y + 20, frame["label"]),
            rect("app", left + APP_LEFT, top, APP_WIDTH, height),
            rect("kernel", left + KERNEL_LEFT, top, KERNEL_WIDTH, height),
            *draw_held(frame, left + APP_LEFT, top), *draw_slots(frame, left + KERNEL_LEFT, top)]


def draw_ring(frames, name, title):
    entries = len(frames[0]["slots"])
    shapes = []
    for left in (0, FRAME_WIDTH):
        shapes += [text("app-text", left + APP_LEFT, 20, "you hold"),
                   text("kernel-text end", left + KERNEL_LEFT + KERNEL_WIDTH, 20, "the kernel has")]
    y = FRAMES_TOP
    for pair in (frames[start:start + 2] for start in range(0, len(frames), 2)):
        height = max(map(box_height, pair))
        for column, frame in enumerate(pair):
            shapes += draw_frame(frame, FRAME_WIDTH * column, y, height)
        y += BOX_TOP + height + 16
    slots = "1 slot" if entries == 1 else f"{entries} slots"
    desc = f"A ring of {slots}. " + " ".join(describe_frame(position, frame)
                                             for position, frame in enumerate(frames, 1))
    return document(name, title or f"States of a ring of {slots}", desc, y - 8, shapes, NARROW)


# The command line

def draw(drawing, lines, name=None, title=None):
    """The SVG of a trace and the errors in the trace; the SVG is None if there are any."""
    errors = Errors()
    events = read_trace(lines, drawing, errors)
    read, paint = {"layout": (read_layout, draw_layout), "ring": (read_ring, draw_ring)}[drawing]
    # A line that could not be read is missing from the state, so the rules would misjudge the rest.
    state = None if errors.lines else read(events, errors)
    if errors.lines:
        return None, errors.lines
    return paint(state, name or drawing, title), []


def main(arguments):
    parser = argparse.ArgumentParser(description="Draw a figure of the book from a trace on standard input.")
    commands = parser.add_subparsers(dest="drawing", required=True)
    for drawing in DRAWINGS:
        command = commands.add_parser(drawing)
        command.add_argument("--name", help="what the ids in the file start with; needed twice on a page")
        command.add_argument("--title", help="the title, for those who cannot see the figure")
    style = commands.add_parser("style")
    style.add_argument("--all", action="store_true", help="the colours too")
    options = parser.parse_args(arguments)
    if options.drawing == "style":
        print(style_all() if options.all else style_rules())
        return 0
    svg, errors = draw(options.drawing, sys.stdin, options.name, options.title)
    if errors:
        print("\n".join(errors), file=sys.stderr)
        return 1
    sys.stdout.write(svg)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
